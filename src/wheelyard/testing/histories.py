"""Commits and branches in memory: as much of git as a forge in memory needs."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wheelyard.errors import GoneError

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit; ``parents`` are empty for the first one."""

    id: str
    parents: tuple[str, ...]
    files: Files
    title: str
    author: str


@dataclass(slots=True, kw_only=True)
class History:
    """The commits and branches of one repository."""

    name: str
    default: str = "main"
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(
        self,
        branch: str,
        files: Files,
        *,
        title: str,
        author: str = "somebody",
        parents: tuple[str, ...] | None = None,
    ) -> Commit:
        """Put a commit with these files onto a branch, whatever was there."""
        if parents is None:
            parents = (self.branches[branch],) if branch in self.branches else ()
        said = (parents, sorted(files.items()), title, author)
        name = hashlib.sha1(repr(said).encode(), usedforsecurity=False).hexdigest()
        made = Commit(id=name, parents=parents, files=dict(files), title=title, author=author)
        self.commits[name] = made
        self.branches[branch] = name
        return made

    def tip(self, branch: str) -> Commit:
        """Return the newest commit of a branch. Raises GoneError."""
        found = self.branches.get(branch or self.default)
        if found is None:
            raise GoneError(
                f"{self.name} has no branch {branch or self.default!r}", hint="Name one of its own."
            )
        return self.commits[found]

    def at(self, commit: str) -> Commit:
        """Return a commit. Raises GoneError."""
        if commit not in self.commits:
            raise GoneError(f"{self.name} has no commit {commit!r}", hint="Read its files again.")
        return self.commits[commit]

    def line(self, tip: str) -> Iterator[Commit]:
        """Walk from a commit along first parents."""
        commit: str | None = tip
        while commit:
            here = self.commits[commit]
            yield here
            commit = here.parents[0] if here.parents else None

    def reaches(self, tip: str, wanted: str) -> bool:
        """Whether a commit is another one, or before it."""
        waiting, seen = [tip], set[str]()
        while waiting:
            here = waiting.pop()
            if here == wanted:
                return True
            if here not in seen:
                seen.add(here)
                waiting += self.commits[here].parents
        return False


def differences(old: Files, new: Files) -> dict[str, bytes | None]:
    """Return the files that are other ones in ``new``; None: not there any more."""
    changed: dict[str, bytes | None] = {
        path: content for path, content in new.items() if old.get(path) != content
    }
    return changed | {path: None for path in old if path not in new}


def patched(files: Files, changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Return files with changes made to them."""
    return {path: content for path, content in {**files, **changes}.items() if content is not None}


def has(files: Files, changes: Mapping[str, bytes | None]) -> bool:
    """Whether files are as changes would have them."""
    return all(files.get(path) == content for path, content in changes.items())
