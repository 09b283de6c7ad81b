"""Campaigns carried out: each event is looked at, what follows from it is done, and that is recorded.

Events are a push to a repository (a merge is one), a build that ended, and what people decide. Each
re-evaluates the package that it is about and those right above it, nobody else. After a start everything
that may have changed meanwhile is looked at once.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
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
from wheelyard.campaigns.deciding import Decisions
from wheelyard.campaigns.looking import Looked, Looking, proposal_name
from wheelyard.campaigns.offering import Offering
from wheelyard.campaigns.planning import Planned
from wheelyard.campaigns.record import CampaignRecord, member_of
from wheelyard.campaigns.renewing import Renewing
from wheelyard.campaigns.rules import rule_of
from wheelyard.campaigns.running import Running, members_of
from wheelyard.campaigns.scanning import Scan
from wheelyard.errors import BusyError, ConfigurationError, InvalidMigrationError, WheelyardError
from wheelyard.farm_ports import EventLog
from wheelyard.forge_ports import Forge
from wheelyard.migrate.states import State
from wheelyard.ports import Clock

_LOG = logging.getLogger(__name__)
# A rule that is not there any more, or pins that cannot be read.
_STILL = (ConfigurationError, InvalidMigrationError)
_STANDS = "it stands still: "


def _nothing(_: str) -> None:
    """Pass by no failpoint."""


class Campaigns:
    """All campaigns of a farm. ``pass_by`` is told of the places at which a fault can be asked for.

    ``trial_suffices``: a proposal may be merged where its trial is the only check that it has.
    """

    def __init__(  # noqa: PLR0913 - its ports, by name
        self,
        *,
        store: CampaignStore,
        forge: Forge,
        clock: Clock,
        builds: Builds | None = None,
        events: EventLog | None = None,
        pass_by: Callable[[str], None] = _nothing,
        trial_suffices: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._record = CampaignRecord(store=store, clock=clock, events=events)
        self._decisions = Decisions(self._record)
        self._renewing = Renewing(record=self._record, forge=forge)
        self._forge = forge
        self._builds = builds
        self._looking = Looking(forge=forge, builds=builds, trial_suffices=trial_suffices)
        self._offering = Offering(forge=forge, builds=builds)
        self._closing = Closing(forge=forge)
        self._pass_by = pass_by
        self._turn = asyncio.Lock()

    async def start(self, plan: Planned, repositories: dict[str, str]) -> Campaign:
        """Begin a campaign. Raises ConfigurationError where one of its name is there already."""
        campaign = await self.record(plan, repositories)
        async with self._turn:
            running = await self._record.opened(campaign.name)
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
        await self._record.write(
            CampaignAction.STARTED, campaign.name, campaign.owner, packages=len(members)
        )
        return campaign

    async def recover(self, only: Collection[str] = ()) -> None:
        """Look at everything that may have changed while nobody listened; in all campaigns, or in some."""
        async with self._turn:
            for running in await self._all():
                if only and running.campaign.name not in only:
                    continue
                members = list(running.members.values())
                stale = [one.package for one in members if await self._looking.is_stale(one)]
                await self._carry_on(running, stale)

    async def renew(self, scan: Scan) -> bool:
        """Take recipes in that came while campaigns go on, and let go those that need nothing of them any more.

        False where the forge was busy, so that not all of it is done.
        """
        graph, whole = scan.graph, True
        async with self._turn:
            for running in await self._all():
                name = running.campaign.name
                try:
                    joined = await self._renewing.renew(name, scan, graph)
                except BusyError as error:
                    _LOG.warning("%s is renewed later: %s", name, error.message)
                    whole = False
                    continue
                except _STILL as error:
                    await self._stand_still(running, error)
                    continue
                if joined is not None:
                    running = await self._record.fresh(name)  # noqa: PLW2901 - it is another one now
                    await self._carry_on(running, joined)
        return whole

    async def pushed(self, repository: str) -> None:
        """Take it that something came to a repository, or that a proposal there was decided."""
        async with self._turn:
            for running in await self._all():
                packages = [
                    one.package for one in running.members.values() if one.repository == repository
                ]
                if packages or repository == running.campaign.pin_repository:
                    await self._carry_on(running, packages)

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
                    await self._carry_on(running, packages)

    async def pause(self, name: CampaignName) -> Campaign:
        """Ask nobody any more; what is offered already goes on. Twice is the same as once."""
        async with self._turn:
            return await self._decisions.pause(name)

    async def resume(self, name: CampaignName) -> Campaign:
        """Go on asking."""
        async with self._turn:
            await self._decisions.resume(name)
            return await self._gone_on(name)

    async def retry(self, name: CampaignName, packages: Sequence[str] = ()) -> list[str]:
        """Try again what failed, has no solution, or was closed by people; of all members, or of some."""
        async with self._turn:
            found = await self._decisions.retry(name, packages)
            await self._look_at(await self._record.opened(name), found)
            await self._gone_on(name)
            return found

    async def exclude(self, name: CampaignName, package: str) -> None:
        """Take a package out; those above it wait for what it waited for."""
        async with self._turn:
            await self._decisions.exclude(name, package)
            await self._gone_on(name)

    async def close(self, name: CampaignName, *, force: bool = False) -> Campaign:
        """End a campaign, and write its pins into the pin file. Raises ConfigurationError where it is not done."""
        async with self._turn:
            await self._decisions.close(name, force=force)
            return await self._gone_on(name)

    async def _gone_on(self, name: CampaignName) -> Campaign:
        running = await self._record.fresh(name)
        await self._go_on(running)
        return running.campaign

    async def withdraw(self, name: CampaignName, why: str) -> None:
        """End a campaign that is not wanted any more, and take back what it offered."""
        async with self._turn:
            running = await self._record.opened(name)
            for member in running.members.values():
                if member.state is State.PROPOSED:
                    await self._forge.close(proposal_name(member), why)
            now = self._clock.now()
            await self._update(
                running, replace(running.campaign, mode=Mode.CLOSED, closed=now, note=why)
            )

    async def why(self, name: CampaignName, package: str) -> str:
        """Say why a package stands where it does."""
        running = await self._record.opened(name)
        member_of(running, package)
        return running.why(package)

    async def campaign(self, name: CampaignName) -> Running:
        """Return a campaign with its members, as they are kept. Raises ConfigurationError."""
        return await self._record.fresh(name)

    async def _all(self) -> list[Running]:
        names = [one.name for one in await self._store.campaigns() if one.mode is not Mode.CLOSED]
        return [await self._record.opened(name) for name in names]

    async def _carry_on(self, running: Running, packages: Sequence[str]) -> None:
        """Look at members, and do what follows; what is wrong with a campaign's rule holds up no other one."""
        try:
            await self._look_at(running, packages)
            await self._go_on(running)
        except _STILL as error:
            await self._stand_still(running, error)
            return
        if running.campaign.note.startswith(_STANDS):
            await self._update(running, replace(running.campaign, note=""))

    async def _stand_still(self, running: Running, error: WheelyardError) -> None:
        note = f"{_STANDS}{error.message}. {error.hint}".strip()
        if running.campaign.note != note:
            _LOG.warning("%s: %s", running.campaign.name, note)
            await self._update(running, replace(running.campaign, note=note))

    async def _look_at(self, running: Running, packages: Sequence[str]) -> None:
        for package in packages:
            looked = await self._looked(running, package)
            if looked is not None:
                self._pass_by("campaigns.looked")
                await self._learn(running, looked.member)
                if looked.conflict and running.campaign.mode is Mode.RUNNING:
                    await self._offered(running, looked)
                await self._try_ahead(running, [package, *running.progress.children(package)])

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
        for one in await self._record.learn(running, member):
            if one.state is State.NEEDS_DECISION:
                await self._ask(one)

    async def _ask(self, member: Member) -> None:
        """Say at a proposal that was closed what waits for people now."""
        text = (
            f"This was closed without being merged. {member.package} now needs a decision in {member.campaign}: "
            "retry it, exclude it, or make the change by hand."
        )
        try:
            await self._forge.comment(proposal_name(member), text, once="closed: what now")
        except WheelyardError as error:
            _LOG.warning("%s is not told: %s", member.package, error.message)

    async def _go_on(self, running: Running) -> None:
        """Offer what is ready, as long as that leads to more, and close what is done."""
        if running.campaign.mode is Mode.RUNNING and not await self._waits(running.campaign):
            tried: set[str] = set()
            while packages := running.next(self._clock.now(), frozenset(tried)):
                for package in packages:
                    tried.add(package)
                    if not await self._record.is_current(running):
                        # Somebody decided something meanwhile, which is heard of and comes first.
                        return
                    await self._offer(running, package)
        finished = running.progress.finished and running.campaign.mode is Mode.RUNNING
        if finished or running.campaign.mode is Mode.CLOSING:
            await self._close(running)

    async def _try_ahead(self, running: Running, among: Sequence[str]) -> None:
        """Try changes that wait for parents alone whose own trials passed, one after the other upwards."""
        campaign, left = running.campaign, list(among)
        if not campaign.trial or campaign.mode is not Mode.RUNNING:
            return
        while packages := running.ahead(left):
            left = []
            for package in packages:
                looked = await self._looked(running, package)
                if looked is None or looked.feedstock is None:
                    continue
                try:
                    member = await self._offering.ahead(campaign, rule_of(campaign), looked)
                except BusyError as error:
                    _LOG.warning("%s of %s waits: %s", package, campaign.name, error.message)
                    continue
                await self._learn(running, member)
                if member.staged:
                    left += running.progress.children(package)

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
        usual = f"{running.campaign.name}: everything that {package} needs is published."
        said = running.campaign.says or usual
        try:
            member = await self._offering.offer(running.campaign, rule, looked, said)
        except BusyError as error:
            _LOG.warning("%s of %s waits: %s", package, running.campaign.name, error.message)
            return
        self._pass_by("campaigns.offered")
        await self._learn(running, member)
        if member.staged:
            await self._try_ahead(running, running.progress.children(package))
        if running.members[package].state is State.PROPOSED and member.trial:
            # Where its trial is all that it is checked by, it may be merged now.
            again = await self._looked(running, package)
            if again is not None:
                await self._learn(running, again.member)

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
        closes = campaign.mode is Mode.CLOSED and running.campaign.mode is not Mode.CLOSED
        if closes and self._builds is not None:
            await self._builds.unstage(campaign.name)
        await self._record.update(running, campaign)
