"""A change to a repository that is offered to people: what is offered, and what became of it.

A *draft* says all that a forge needs to offer a change; a *proposal* is what the forge says of it
afterwards. The key of a draft names it for good: the same key is the same proposal, however often it
is offered and whoever died in between.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from wheelyard.errors import ConfigurationError

BRANCH_PREFIX = "wheelyard/"
"""What the names of all branches begin with that proposals are offered on."""
CONTENT_LIMIT = 20_000_000
"""How many bytes the files of one draft may have together."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")
_PATH_PART = re.compile(r"[^\x00-\x1f\x7f/\\]+")


class ProposalState(StrEnum):
    """Where a proposal stands; ``CONFLICT`` is an open one that cannot be merged as it is."""

    OPEN = "open"
    CONFLICT = "conflict"
    MERGED = "merged"
    CLOSED = "closed"

    @property
    def is_open(self) -> bool:
        """Whether people may still decide."""
        return self in {ProposalState.OPEN, ProposalState.CONFLICT}


class CheckState(StrEnum):
    """How a check of a proposal stands."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who a commit is by."""

    name: str = "wheelyard"
    email: str = "wheelyard@localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """A file as it shall be; ``content`` is None where it shall not be there any more.

    The mode of a file that was there before stays.
    """

    path: str
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change to be offered.

    ``repository`` is what the forge knows it by: an address or a path for git, ``owner/name`` on GitHub.
    ``base`` is the commit from which the files were read; the change is made on it. ``onto`` is the branch
    that it shall be merged into; empty: the default one. ``round`` counts how often people were asked:
    a proposal that was closed stays so, and the next round is another one. ``date`` is that of the commit
    (seconds since 1970): the same draft gives the same commit. ``auto_merge``: merged by the forge as
    soon as its checks passed.
    """

    repository: str
    key: str
    base: str
    files: tuple[FileEdit, ...]
    title: str
    body: str = ""
    onto: str = ""
    labels: tuple[str, ...] = ()
    author: Author = field(default_factory=Author)
    date: int = 0
    round: int = 1
    auto_merge: bool = False

    @property
    def branch(self) -> str:
        """The name of the branch that it is offered on."""
        return branch_of(self.key, self.round)

    @property
    def name(self) -> "ProposalName":
        """What names the proposal."""
        return ProposalName(repository=self.repository, key=self.key, round=self.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalName:
    """What names a proposal for good: the repository, the key, and the how-manieth try it is."""

    repository: str
    key: str
    round: int = 1

    @property
    def branch(self) -> str:
        """The name of the branch that it is offered on."""
        return branch_of(self.key, self.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a proposal: a build, a linter, a person's review that is required."""

    name: str
    state: CheckState
    url: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a forge says of a proposal.

    ``number`` is how people call it (``#12``), or empty; ``url`` is where they find it, or empty.
    ``head`` is the commit that is offered. ``merged_as`` is the commit of the branch with which the change
    is there. ``by`` is who merged or closed it, where the forge says so. ``foreign``: somebody else
    pushed to its branch, which is theirs from then on: it is not remade any more.
    """

    name: ProposalName
    state: ProposalState
    head: str = ""
    base: str = ""
    number: str = ""
    url: str = ""
    title: str = ""
    labels: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    merged_as: str = ""
    by: str = ""
    foreign: bool = False

    @property
    def checked(self) -> CheckState | None:
        """Return what its checks say together: the worst; None where there are none."""
        states = {check.state for check in self.checks}
        for state in (CheckState.FAILED, CheckState.PENDING, CheckState.PASSED):
            if state in states:
                return state
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Files of a repository at a commit: those that were asked for and are there."""

    repository: str
    commit: str
    branch: str
    files: tuple[tuple[str, bytes], ...]

    def get(self, path: str) -> bytes | None:
        """Return the bytes of a file; None: it is not among them."""
        return next((content for name, content in self.files if name == path), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A commit that came to a branch. ``proposal`` names the one that it merged; None: made by hand."""

    commit: str
    title: str
    author: str
    seconds: int = 0
    proposal: ProposalName | None = None


def branch_of(key: str, number: int = 1) -> str:
    """Return the name of the branch of a proposal."""
    return f"{BRANCH_PREFIX}{key}" + (f"@{number}" if number > 1 else "")


def named_by_branch(repository: str, branch: str) -> ProposalName | None:
    """Return which proposal a branch is of; None: it is somebody else's."""
    if not branch.startswith(BRANCH_PREFIX):
        return None
    key, _, number = branch.removeprefix(BRANCH_PREFIX).partition("@")
    if not _is_key(key) or not (not number or (number.isdecimal() and int(number) > 1)):
        return None
    return ProposalName(repository=repository, key=key, round=int(number or 1))


def check_draft(draft: Draft) -> None:
    """Raise ConfigurationError where a draft cannot be offered anywhere."""
    check_key(draft.key)
    if not draft.title.strip() or "\n" in draft.title:
        raise ConfigurationError(
            f"{draft.title!r} is no title of a proposal", hint="Give one line that is not empty."
        )
    if not draft.files:
        raise ConfigurationError(
            f"The proposal {draft.key!r} changes no file", hint="Offer what changes something."
        )
    for edit in draft.files:
        check_path(edit.path)
    if sum(len(edit.content or b"") for edit in draft.files) > CONTENT_LIMIT:
        raise ConfigurationError(
            f"The files of the proposal {draft.key!r} are larger than {CONTENT_LIMIT} bytes",
            hint="Recipes are small; leave archives out of the repository.",
        )


def check_key(key: str) -> None:
    """Raise ConfigurationError where a key cannot be a branch's name everywhere."""
    if not _is_key(key):
        raise ConfigurationError(
            f"{key!r} is no key of a proposal",
            hint="Use letters, digits and . _ + -, at most 120 of them, and begin with one of the former.",
        )


def _is_key(key: str) -> bool:
    # git refuses the endings, and ``..`` (git-check-ref-format).
    return bool(_KEY.fullmatch(key)) and ".." not in key and not key.endswith((".", ".lock"))


def check_path(path: str) -> None:
    """Raise ConfigurationError where a path leads out of a repository or into git's own folder."""
    parts = path.split("/")
    if all(_PATH_PART.fullmatch(part) and not _is_gits(part) for part in parts):
        return
    raise ConfigurationError(
        f"{path!r} is no path of a file in a repository",
        hint="Write it relative to the top of the repository, with slashes, and without '..'.",
    )


def _is_gits(part: str) -> bool:
    # Also as file systems fold it that do not tell case, or drop what is at the end of a name.
    return part in {".", ".."} or part.lower().rstrip(". ") in {".git", "git~1"}
