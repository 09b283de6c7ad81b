"""What campaigns need of the places where recipes live and people decide: a forge.

The same words hold for a bare repository on this machine, where a proposal is a branch, and for a
service like GitHub, where it is a pull request. ``wheelyard.testing.forge`` has one in memory.
"""

from collections.abc import Sequence
from typing import Protocol

from wheelyard.model.proposal import Check, Draft, Landing, Proposal, ProposalName, Tree


class Forge(Protocol):
    """Where recipes live, and where changes are offered to people.

    Every method raises GoneError where the repository (or the proposal) is not there, BusyError where
    the forge wants to be left alone for a while, and ForgeError where it refuses or cannot be reached.
    """

    async def repositories(self) -> Sequence[str]:
        """Return the repositories that this forge was given to look after, sorted."""
        ...

    async def tip(self, repository: str, *, branch: str = "") -> str:
        """Return the newest commit of a branch, of the default one where it is empty; the cheapest question."""
        ...

    async def look(
        self, repository: str, patterns: Sequence[str], *, branch: str = "", commit: str = ""
    ) -> Tree:
        """Return files at a commit, or else at a branch's tip: those that match one of the patterns.

        Patterns are those of ``fnmatch`` on the whole path (``recipe/*``, ``*/meta.yaml``). Links,
        submodules and files over the limit are not files here: they are left out.
        """
        ...

    async def propose(self, draft: Draft) -> Proposal:
        """Offer a change, and return how it stands; the same draft twice is one proposal.

        An open proposal of the same name is brought up to date where the draft says something else, be
        it in files, in base (that is how a conflict is remade) or in words; one that was merged, closed,
        or taken over by somebody else (``foreign``) is returned as it stands. Raises ConfigurationError
        for what cannot be offered anywhere, and NothingToProposeError where the base has it all.
        """
        ...

    async def proposal(self, name: ProposalName) -> Proposal | None:
        """Return how a proposal stands, with its checks; None where it was never offered."""
        ...

    async def proposals(self, repository: str) -> Sequence[Proposal]:
        """Return the proposals of a repository that are open, without their checks, sorted by key."""
        ...

    async def comment(self, name: ProposalName, text: str, *, once: str) -> None:
        """Say something below a proposal; what was said with the same ``once`` is not said again."""
        ...

    async def report(self, name: ProposalName, check: Check) -> None:
        """Show the result of a check of ours (a trial build) at a proposal, in place of an older one."""
        ...

    async def merge(self, name: ProposalName) -> Proposal:
        """Merge a proposal, and return how it stands: as it is where it conflicts or is decided already."""
        ...

    async def close(self, name: ProposalName, why: str) -> Proposal:
        """Withdraw a proposal and say why; what is decided already stays as it is."""
        ...

    async def landed(self, repository: str, since: str, *, branch: str = "") -> Sequence[Landing]:
        """Return what came to a branch after a commit, oldest first, along first parents.

        That tells what was merged, and what was changed by hand without any proposal.
        """
        ...
