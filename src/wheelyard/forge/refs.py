"""The names that a repository's commits have, as far as proposals are concerned.

A proposal is a branch. Beside it a *record* (``refs/wheelyard/proposals/…``) holds the commit that was
offered: a branch that is another commit was pushed to by somebody else, and a record without a branch
was closed, or merged and cleaned up. *Remarks* (``refs/wheelyard/remarks/…``) hold what was said of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wheelyard.errors import GoneError
from wheelyard.forge.running import GitCommand, Place
from wheelyard.model.proposal import BRANCH_PREFIX, ProposalName, named_by_branch

HEADS = "refs/heads/"
RECORDS = "refs/wheelyard/proposals/"
REMARKS = "refs/wheelyard/remarks/"
_SYMBOLIC = "ref: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """What a repository says of its names: commits by name, and the default branch, if it has one."""

    place: Place
    commits: Mapping[str, str]
    default: str = ""

    def branch(self, asked: str) -> str:
        """Return a branch's name: the one that was asked for, or the default one. Raises GoneError."""
        name = asked or self.default
        if not name or HEADS + name not in self.commits:
            raise GoneError(
                f"{self.place.address} has no branch {name!r}"
                if name
                else f"{self.place.address} has no commit yet",
                hint="Push to its default branch first, or name a branch that it has.",
            )
        return name

    def tip(self, asked: str) -> str:
        """Return the newest commit of a branch. Raises GoneError."""
        return self.commits[HEADS + self.branch(asked)]

    def head(self, name: ProposalName) -> str:
        """Return the commit that a proposal's branch is at, or nothing."""
        return self.commits.get(HEADS + name.branch, "")

    def record(self, name: ProposalName) -> str:
        """Return the commit that was offered, or nothing."""
        return self.commits.get(record_of(name), "")

    def remarks(self, name: ProposalName) -> str:
        """Return the commit that holds what was said, or nothing."""
        return self.commits.get(remarks_of(name), "")

    def names(self, repository: str) -> tuple[ProposalName, ...]:
        """Return all proposals that there ever were, sorted."""
        branches = {ref.removeprefix(RECORDS) for ref in self.commits if ref.startswith(RECORDS)}
        branches |= {
            ref.removeprefix(HEADS + BRANCH_PREFIX)
            for ref in self.commits
            if ref.startswith(HEADS + BRANCH_PREFIX)
        }
        found = (named_by_branch(repository, BRANCH_PREFIX + branch) for branch in branches)
        return tuple(sorted((one for one in found if one), key=lambda one: (one.key, one.round)))


def record_of(name: ProposalName) -> str:
    """Return the name of the record of a proposal."""
    return RECORDS + name.branch.removeprefix(BRANCH_PREFIX)


def remarks_of(name: ProposalName) -> str:
    """Return the name of what was said of a proposal."""
    return REMARKS + name.branch.removeprefix(BRANCH_PREFIX)


async def read_refs(git: GitCommand, place: Place, *, branches: Iterable[str] = ()) -> Refs:
    """Ask a repository for its default branch, all that is about proposals, and branches by name."""
    named = [HEADS + branch for branch in branches if branch]
    patterns = ["HEAD", HEADS + BRANCH_PREFIX + "*", "refs/wheelyard/*", *named]
    listed = await git.run(place, ["ls-remote", "--symref", "--", place.address, *patterns])
    refs = _parsed(place, listed.text)
    if refs.default and HEADS + refs.default not in refs.commits and "HEAD" in refs.commits:
        commits = {**refs.commits, HEADS + refs.default: refs.commits["HEAD"]}
        return Refs(place=place, commits=commits, default=refs.default)
    return refs


def _parsed(place: Place, listed: str) -> Refs:
    commits, default = {}, ""
    for line in listed.split("\n"):
        value, _, name = line.partition("\t")
        if value.startswith(_SYMBOLIC) and name == "HEAD":
            default = value.removeprefix(_SYMBOLIC).removeprefix(HEADS)
        elif name and value.strip("0"):
            # Of a name that leads nowhere git says zeros.
            commits[name] = value
    return Refs(place=place, commits=commits, default=default)
