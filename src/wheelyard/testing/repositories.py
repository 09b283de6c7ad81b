"""Git repositories in memory: lines of commits, numbered from 1."""

import hashlib
from collections.abc import Mapping, Sequence

from wheelyard.errors import NotUpstreamError
from wheelyard.model.command import Revision

_FIRST_SECOND = 1_600_000_000


class MemoryRepositories:
    """The ``Repositories`` port in memory. ``lines`` are the lengths of branches by address and branch.

    Commits are named by address, branch and number; the first branch is the default one. ``files`` are at
    the top of every tree of an address.
    """

    def __init__(
        self,
        lines: Mapping[str, Mapping[str, int]],
        files: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.lines = {address: dict(branches) for address, branches in lines.items()}
        self.files = files or {}

    @staticmethod
    def commit(address: str, branch: str, number: int) -> str:
        """Name a commit."""
        return hashlib.sha1(
            f"{address} {branch} {number}".encode(), usedforsecurity=False
        ).hexdigest()

    async def address(self, text: str) -> str:
        """Return the address of a repository."""
        return text

    async def revision(self, address: str, asked: str, tolerance: int) -> Revision:
        """Find a branch, a number, ``BRANCH:NUMBER``, or a commit."""
        branch, number = self._find(address, asked)
        last = self.lines[address][branch]
        around = range(max(1, number - tolerance), min(last, number + tolerance) + 1)
        return Revision(
            asked=asked,
            commit=self.commit(address, branch, number),
            number=number,
            seconds=_FIRST_SECOND + number,
            near=tuple((n, self.commit(address, branch, n)) for n in around if n != number),
        )

    async def file_at(self, address: str, commit: str, name: str) -> str | None:  # noqa: ARG002 - every tree has it
        """Return the text of a file."""
        return self.files.get(address, {}).get(name)

    def _find(self, address: str, asked: str) -> tuple[str, int]:
        branches = self.lines.get(address, {})
        for branch, last in branches.items():
            names: Sequence[str] = ("", branch) if branch == next(iter(branches)) else (branch,)
            if asked in names:
                return branch, last
            for number in range(1, last + 1):
                plain = (str(number),) if "" in names else ()
                if asked in {*plain, f"{branch}:{number}", self.commit(address, branch, number)}:
                    return branch, number
        raise NotUpstreamError(
            f"{address} has no revision {asked!r}", hint="Give a branch, a commit or a number."
        )
