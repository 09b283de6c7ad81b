"""Campaigns carried out: each event is looked at, what follows from it is done, and that is recorded.

Events are a push to a repository (a merge is one), a build that ended, and what people decide. Each
re-evaluates the package that it is about and those right above it, nobody else. After a start everything
that may have changed meanwhile is looked at once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from wheelyard.campaign_ports import (
    Builds,
    Campaign,
    CampaignName,
    CampaignStore,
    Member,
    Mode,
)
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.closing import Closing
from wheelyard.campaigns.looking import Looked, Looking
from wheelyard.campaigns.offering import Offering
from wheelyard.campaigns.planning import Planned
from wheelyard.campaigns.rules import rule_of
from wheelyard.campaigns.running import Running, members_of
from wheelyard.errors import BusyError, ConfigurationError, nearest
from wheelyard.farm_ports import EventLog
from wheelyard.forge_ports import Forge
from wheelyard.migrate.states import Evidence, State
from wheelyard.ports import Clock

_LOG = logging.getLogger(__name__)


def _nothing(_: str) -> None:
    """Pass by no failpoint."""


class Campaigns:
    """All campaigns of a farm. ``pass_by`` is told of the places at which a fault can be asked for."""

    def __init__(  # noqa: PLR0913 - its ports, by name
        self,
        *,
        store: CampaignStore,
        forge: Forge,
        clock: Clock,
        builds: Builds | None = None,
        events: EventLog | None = None,
        pass_by: Callable[[str], None] = _nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._looking = Looking(forge=forge, builds=builds)
        self._offering = Offering(forge=forge, builds=builds)
        self._closing = Closing(forge=forge)
        self._pass_by = pass_by
        self._running: dict[CampaignName, Running] = {}
        self._turn = asyncio.Lock()

    async def start(self, plan: Planned, repositories: dict[str, str]) -> Campaign:
        """Begin a campaign. Raises ConfigurationError where one of its name is there already."""
        campaign = await self.record(plan, repositories)
        async with self._turn:
            running = await self._opened(campaign.name)
            # Who has the change already, be it by hand, is not asked.
            await self._look_at(running, list(running.members))
            await self._go_on(running)
        return campaign

    async def record(self, plan: Planned, repositories: dict[str, str]) -> Campaign:
        """Keep a campaign that others carry on. Raises ConfigurationError where one of its name is there already."""
        campaign = plan.campaign
        members = members_of(campaign.name, plan.members, repositories, {}, self._clock.now())
        if not await self._store.add(campaign, members):
            raise ConfigurationError(
                f"there is a campaign {campaign.name!r} already",
                hint="Choose another name, or see it with 'wheelyard migrate status'.",
            )
        self._pass_by("campaigns.started")
        await self._write(
            CampaignAction.STARTED, campaign.name, campaign.owner, packages=len(members)
        )
        return campaign

    async def recover(self) -> None:
        """Look at everything that may have changed while nobody listened."""
        async with self._turn:
            for campaign in await self._store.campaigns():
                if campaign.mode is Mode.CLOSED:
                    continue
                running = await self._opened(campaign.name)
                members = list(running.members.values())
                stale = [one.package for one in members if await self._looking.is_stale(one)]
                await self._look_at(running, stale)
                await self._go_on(running)

    async def pushed(self, repository: str) -> None:
        """Take it that something came to a repository, or that a proposal there was decided."""
        async with self._turn:
            for running in await self._all():
                packages = [
                    one.package for one in running.members.values() if one.repository == repository
                ]
                if packages or repository == running.campaign.pin_repository:
                    await self._look_at(running, packages)
                    await self._go_on(running)

    async def built(self, build: str) -> None:
        """Take it that a build ended."""
        async with self._turn:
            for running in await self._all():
                packages = [
                    one.package
                    for one in running.members.values()
                    if build and build in {one.build, one.trial}
                ]
                if packages:
                    await self._look_at(running, packages)
                    await self._go_on(running)

    async def pause(self, name: CampaignName) -> Campaign:
        """Ask nobody any more; what is offered already goes on. Twice is the same as once."""
        return await self._moded(name, Mode.PAUSED, {Mode.RUNNING})

    async def resume(self, name: CampaignName) -> Campaign:
        """Go on asking."""
        return await self._moded(name, Mode.RUNNING, {Mode.PAUSED})

    async def _moded(self, name: CampaignName, mode: Mode, before: set[Mode]) -> Campaign:
        async with self._turn:
            running = await self._opened(name)
            if running.campaign.mode in before:
                await self._update(running, replace(running.campaign, mode=mode))
                await self._go_on(running)
            return running.campaign

    async def retry(self, name: CampaignName, packages: Sequence[str] = ()) -> list[str]:
        """Try again what failed, has no solution, or was closed by people; of all members, or of some."""
        async with self._turn:
            running = await self._opened(name)
            found = []
            for package in packages or list(running.members):
                member = self._member(running, package)
                if member.state in {State.FAILED, State.NOT_SOLVABLE, State.NEEDS_DECISION}:
                    found.append(package)
                    await self._learn(running, _anew(member))
            await self._update(running, _changed(running.campaign))
            await self._look_at(running, found)
            await self._go_on(running)
            return found

    async def exclude(self, name: CampaignName, package: str) -> None:
        """Take a package out; those above it wait for what it waited for."""
        async with self._turn:
            running = await self._opened(name)
            self._member(running, package)
            without, changed = running.without(package)
            scope = replace(
                running.campaign.scope, exclude=running.campaign.scope.exclude | {package}
            )
            self._running[name] = without
            await self._store.save(changed)
            await self._store.leave(name, package)
            await self._update(without, replace(_changed(running.campaign), scope=scope))
            for member in list(without.members.values()):
                await self._learn(without, member)
            await self._go_on(without)

    async def close(self, name: CampaignName, *, force: bool = False) -> Campaign:
        """End a campaign, and write its pins into the pin file. Raises ConfigurationError where it is not done."""
        async with self._turn:
            running = await self._opened(name)
            left = [one for one in running.members.values() if one.state is not State.PUBLISHED]
            if left and not force:
                raise ConfigurationError(
                    f"{len(left)} packages of {name!r} are not published, {left[0].package!r} among them",
                    hint="Exclude them, wait, or close it nevertheless with --force.",
                )
            await self._close(running)
            return running.campaign

    async def why(self, name: CampaignName, package: str) -> str:
        """Say why a package stands where it does."""
        running = await self._opened(name)
        self._member(running, package)
        return running.why(package)

    async def campaign(self, name: CampaignName) -> Running:
        """Return a campaign with its members, as they are kept. Raises ConfigurationError."""
        self._running.pop(name, None)
        return await self._opened(name)

    def _member(self, running: Running, package: str) -> Member:
        if package not in running.members:
            raise ConfigurationError(
                f"{package!r} is not in {running.campaign.name!r}",
                hint=nearest(package, running.members) or "'wheelyard migrate status' lists them.",
            )
        return running.members[package]

    async def _opened(self, name: CampaignName) -> Running:
        """Return a campaign as it is kept; read anew where another process changed it."""
        campaign = await self._store.campaign(name)
        if campaign is None:
            known = [one.name for one in await self._store.campaigns()]
            raise ConfigurationError(
                f"there is no campaign {name!r}",
                hint=nearest(name, known) or "'wheelyard migrate status' lists them.",
            )
        if name not in self._running or self._running[name].campaign != campaign:
            self._running[name] = Running(campaign, await self._store.members(name))
        return self._running[name]

    async def _all(self) -> list[Running]:
        names = [one.name for one in await self._store.campaigns() if one.mode is not Mode.CLOSED]
        return [await self._opened(name) for name in names]

    async def _look_at(self, running: Running, packages: Sequence[str]) -> None:
        for package in packages:
            looked = await self._looked(running, package)
            if looked is not None:
                self._pass_by("campaigns.looked")
                await self._learn(running, looked.member)
                if looked.conflict and running.campaign.mode is Mode.RUNNING:
                    await self._offered(running, looked)

    async def _looked(self, running: Running, package: str) -> Looked | None:
        """Look at a member; None where the forge is busy: the next event asks again."""
        member = running.members[package]
        if member.state is State.PUBLISHED:
            return None
        rule = rule_of(running.campaign)
        try:
            return await self._looking.look(running.campaign, rule, member)
        except BusyError as error:
            _LOG.warning("%s of %s waits: %s", package, running.campaign.name, error.message)
            return None

    async def _learn(self, running: Running, member: Member) -> None:
        before = {name: one.state for name, one in running.members.items()}
        changed = running.learn(member, self._clock.now())
        await self._store.save(changed)
        for one in changed:
            if one.state is not before[one.package]:
                await self._write(
                    CampaignAction.TURNED,
                    one.campaign,
                    package=one.package,
                    state=one.state.value,
                    reason=one.reason,
                )

    async def _go_on(self, running: Running) -> None:
        """Offer what is ready, as long as that leads to more, and close what is done."""
        if running.campaign.mode is Mode.RUNNING and not await self._waits(running.campaign):
            tried: set[str] = set()
            while packages := running.next(self._clock.now(), frozenset(tried)):
                for package in packages:
                    tried.add(package)
                    await self._offer(running, package)
        if running.progress.finished and running.campaign.mode in {Mode.RUNNING, Mode.CLOSING}:
            await self._close(running)

    async def _waits(self, campaign: Campaign) -> bool:
        for name in campaign.waits_for:
            other = await self._store.campaign(name)
            if other is not None and other.mode is not Mode.CLOSED:
                return True
        return False

    async def _offer(self, running: Running, package: str) -> None:
        looked = await self._looked(running, package)
        if looked is None:
            return
        await self._learn(running, looked.member)
        if running.progress.state(package) is State.AWAITING_PROPOSAL:
            await self._offered(running, looked)

    async def _offered(self, running: Running, looked: Looked) -> None:
        """Offer a change, or the same on what its repository has now."""
        package = looked.member.package
        if not looked.member.repository:
            await self._rebuild(running, looked.member)
            return
        rule = rule_of(running.campaign)
        said = f"{running.campaign.name}: everything that {package} needs is published."
        try:
            member = await self._offering.offer(running.campaign, rule, looked, said)
        except BusyError as error:
            _LOG.warning("%s of %s waits: %s", package, running.campaign.name, error.message)
            return
        self._pass_by("campaigns.offered")
        await self._learn(running, member)

    async def _rebuild(self, running: Running, member: Member) -> None:
        """Have a project of the farm built again: there is no recipe that people would have to agree to."""
        decided = replace(member, evidence=replace(member.evidence, migrated=True, published=False))
        await self._learn(running, decided)
        looked = await self._looked(running, member.package)
        if looked is not None:
            await self._learn(running, looked.member)

    async def _close(self, running: Running) -> None:
        campaign = await self._closing.close(running.campaign, self._clock.now())
        if campaign != running.campaign:
            await self._update(running, campaign)

    async def _update(self, running: Running, campaign: Campaign) -> None:
        mode = running.campaign.mode
        running.campaign = campaign
        await self._store.update(campaign)
        if campaign.mode is not mode:
            await self._write(CampaignAction.MODE, campaign.name, mode=campaign.mode.value)

    async def _write(
        self, action: str, campaign: str, actor: str = "", **detail: str | float
    ) -> None:
        if self._events is not None:
            await self._events.write(action, campaign, actor=actor, **detail)


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
    )
