"""A dry run: all is read from the real forge, and what would be offered is told and kept here alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from wheelyard.errors import GoneError
from wheelyard.forge_ports import Forge
from wheelyard.model.proposal import (
    Check,
    Draft,
    Landing,
    Proposal,
    ProposalName,
    ProposalState,
    Tree,
    check_draft,
)


class DryRunForge:
    """The ``Forge`` port in front of another one that nothing gets through to that changes something.

    What is offered here stays open until it is merged or closed here; ``tell`` is called with a
    sentence about each thing that was not done.
    """

    def __init__(self, real: Forge, *, tell: Callable[[str], None]) -> None:
        self._real = real
        self._tell = tell
        self._offered: dict[ProposalName, Proposal] = {}

    async def repositories(self) -> Sequence[str]:
        """Return the real ones."""
        return await self._real.repositories()

    async def tip(self, repository: str, *, branch: str = "") -> str:
        """Return the real one."""
        return await self._real.tip(repository, branch=branch)

    async def look(
        self, repository: str, patterns: Sequence[str], *, branch: str = "", commit: str = ""
    ) -> Tree:
        """Return the real files."""
        return await self._real.look(repository, patterns, branch=branch, commit=commit)

    async def propose(self, draft: Draft) -> Proposal:
        """Tell what would be offered, unless it was already."""
        check_draft(draft)
        there = self._offered.get(draft.name) or await self._real.proposal(draft.name)
        if there is not None and (not there.state.is_open or there.foreign):
            return there
        await self._real.tip(draft.repository, branch=draft.onto)
        paths = ", ".join(edit.path for edit in draft.files)
        made = Proposal(
            name=draft.name,
            state=ProposalState.OPEN,
            base=draft.base,
            title=draft.title,
            labels=draft.labels,
        )
        if made != there:
            self._tell(f"{draft.repository}: would offer {draft.title!r} ({paths})")
        self._offered[draft.name] = made
        return made

    async def proposal(self, name: ProposalName) -> Proposal | None:
        """Return what was told, or the real one."""
        return self._offered.get(name) or await self._real.proposal(name)

    async def proposals(self, repository: str) -> Sequence[Proposal]:
        """Return the open ones, real and told."""
        found = {one.name: one for one in await self._real.proposals(repository)}
        found |= {name: one for name, one in self._offered.items() if name.repository == repository}
        still = (replace(one, checks=()) for one in found.values() if one.state.is_open)
        return sorted(still, key=lambda one: (one.name.key, one.name.round))

    async def comment(self, name: ProposalName, text: str, *, once: str) -> None:  # noqa: ARG002 - all of it is told
        """Tell what would be said."""
        await self._known(name)
        self._tell(f"{name.repository}: would say of {name.key!r}: {text}")

    async def report(self, name: ProposalName, check: Check) -> None:
        """Keep a check beside what was told."""
        known = await self._known(name)
        checks = {one.name: one for one in known.checks} | {check.name: check}
        self._offered[name] = replace(known, checks=tuple(checks.values()))

    async def merge(self, name: ProposalName) -> Proposal:
        """Tell that it would be merged, and leave it open."""
        known = await self._known(name)
        self._tell(f"{name.repository}: would merge {name.key!r}")
        return known

    async def close(self, name: ProposalName, why: str) -> Proposal:
        """Tell that it would be closed."""
        known = await self._known(name)
        if known.state.is_open:
            self._tell(f"{name.repository}: would close {name.key!r}: {why}")
            self._offered[name] = replace(known, state=ProposalState.CLOSED)
        return self._offered.get(name, known)

    async def landed(self, repository: str, since: str, *, branch: str = "") -> Sequence[Landing]:
        """Return what really came."""
        return await self._real.landed(repository, since, branch=branch)

    async def _known(self, name: ProposalName) -> Proposal:
        found = await self.proposal(name)
        if found is None:
            raise GoneError(
                f"{name.repository} has no proposal {name.key!r}", hint="Offer it first."
            )
        return found
