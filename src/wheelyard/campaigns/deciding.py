"""What people decide about campaigns: it is recorded, and whoever carries campaigns on does what follows from it.

Nothing here looks at a repository, so that any process may take a decision.
"""

from collections.abc import Sequence
from dataclasses import replace

from wheelyard.campaign_ports import Campaign, CampaignName, Member, Mode
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.record import CampaignRecord, member_of
from wheelyard.errors import ConfigurationError
from wheelyard.migrate.states import Evidence, State

_BAD = frozenset({State.FAILED, State.NOT_SOLVABLE, State.NEEDS_DECISION})


class Decisions:
    """Takes decisions; each reads the campaign anew, and is written down with who took it."""

    def __init__(self, record: CampaignRecord) -> None:
        self._record = record

    async def pause(self, name: CampaignName, *, actor: str = "") -> Campaign:
        """Ask nobody any more; what is offered already goes on. Twice is the same as once."""
        return await self._moded(name, Mode.PAUSED, Mode.RUNNING, actor, "pause")

    async def resume(self, name: CampaignName, *, actor: str = "") -> Campaign:
        """Go on asking."""
        return await self._moded(name, Mode.RUNNING, Mode.PAUSED, actor, "resume")

    async def retry(
        self, name: CampaignName, packages: Sequence[str] = (), *, actor: str = ""
    ) -> list[str]:
        """Try again what failed, has no solution, or was closed by people; of all members, or of some."""
        running = await self._record.fresh(name)
        members = [member_of(running, one) for one in packages or list(running.members)]
        found = [one for one in members if one.state in _BAD]
        for one in found:
            await self._record.learn(running, _anew(one))
        if found:
            await self._record.update(running, _changed(running.campaign), actor=actor)
            await self._wrote(name, actor, "retry", *(one.package for one in found))
        return [one.package for one in found]

    async def exclude(self, name: CampaignName, package: str, *, actor: str = "") -> None:
        """Take a package out; those above it wait for what it waited for."""
        running = await self._record.fresh(name)
        member_of(running, package)
        campaign = running.campaign
        without, changed = running.without(package)
        scope = replace(campaign.scope, exclude=campaign.scope.exclude | {package})
        await self._record.store.save(changed)
        await self._record.store.leave(name, package)
        for member in list(without.members.values()):
            await self._record.learn(without, member)
        await self._record.update(without, replace(_changed(campaign), scope=scope), actor=actor)
        await self._wrote(name, actor, "exclude", package)

    async def close(self, name: CampaignName, *, force: bool = False, actor: str = "") -> Campaign:
        """Let a campaign come to its end. Raises ConfigurationError where not all of it is published."""
        running = await self._record.fresh(name)
        left = [one for one in running.members.values() if one.state is not State.PUBLISHED]
        if left and not force:
            raise ConfigurationError(
                f"{len(left)} packages of {name!r} are not published, {left[0].package!r} among them",
                hint="Exclude them, wait, or close it nevertheless with --force.",
            )
        if running.campaign.mode not in {Mode.CLOSING, Mode.CLOSED}:
            closing = replace(_changed(running.campaign), mode=Mode.CLOSING)
            await self._record.update(running, closing, actor=actor)
            await self._wrote(name, actor, "close")
        return running.campaign

    async def _moded(
        self, name: CampaignName, mode: Mode, before: Mode, actor: str, decision: str
    ) -> Campaign:
        running = await self._record.fresh(name)
        if running.campaign.mode is before:
            await self._record.update(running, replace(running.campaign, mode=mode), actor=actor)
            await self._wrote(name, actor, decision)
        return running.campaign

    async def _wrote(self, name: CampaignName, actor: str, decision: str, *packages: str) -> None:
        await self._record.write(
            CampaignAction.DECIDED,
            name,
            actor,
            decision=decision,
            packages=" ".join(packages[:100]),
        )


def _changed(campaign: Campaign) -> Campaign:
    return replace(campaign, revision=campaign.revision + 1)


def _anew(member: Member) -> Member:
    """Return a member as it is when it is tried again; who was asked in vain is asked another time."""
    asked = member.state is State.NEEDS_DECISION
    known = member.evidence
    return replace(
        member,
        evidence=Evidence(
            offered=None if asked else known.offered,
            migrated=known.migrated,
            published=known.published,
        ),
        round=member.round + asked,
        url="" if asked else member.url,
        trial="",
        build="",
        staged=False,
        ahead="",
    )
