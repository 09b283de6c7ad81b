"""Campaigns beside a coordinator: whoever leads the farm carries them on."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wheelyard import failpoints
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.pin_watch import PinRules, PinWatch
from wheelyard.campaigns.service import Campaigns
from wheelyard.campaigns.watching import Watching
from wheelyard.errors import WheelyardError
from wheelyard.forge.git import GitForge
from wheelyard.forge.github.forge import GitHubForge
from wheelyard.forge_ports import Forge
from wheelyard.ports import Clock
from wheelyard.store.folder import StateFolder
from wheelyard.wiring.campaign_builds import FarmBuilds, FarmPortsOfCampaigns
from wheelyard.wiring.campaigns import recipe_place
from wheelyard.wiring.forges import close_forge

_LOG = logging.getLogger(__name__)
_ROUND_SECONDS = 0.25
_LOOK_SECONDS = 1.0
_LINES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What campaigns of a farm are told: where recipes and pin file are, and how a feedstock is built."""

    feedstocks: Path | None = None
    pin_repository: str = ""
    job_file: str = ""
    rules: PinRules = field(default_factory=PinRules)


class FarmCampaigns:
    """Carries campaigns on while ``leads`` says so."""

    def __init__(
        self,
        *,
        settings: CampaignSettings,
        folder: StateFolder,
        farm: FarmPortsOfCampaigns,
        clock: Clock,
        leads: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._leads = leads
        place = recipe_place(settings.feedstocks, folder.memory) if settings.feedstocks else None
        self._forge: Forge = place.forge if place else GitForge()
        forge = self._forge
        self.campaigns = Campaigns(
            store=folder.campaigns,
            forge=forge,
            clock=clock,
            builds=FarmBuilds(
                farm=farm,
                folder=settings.feedstocks,
                trials=folder.place("jobs") / "trials",
                job_file=settings.job_file,
                address_of=forge.address if isinstance(forge, GitHubForge) else None,
            ),
            events=folder.events,
            pass_by=failpoints.pass_by,
        )
        self._led = False
        self._watching: Watching | None = None
        if place is not None:
            self._watching = Watching(
                campaigns=self.campaigns,
                store=folder.campaigns,
                forge=forge,
                clock=clock,
                scan=place.scan,
                pins=self._pins(settings, forge, clock),
            )

    def _pins(self, settings: CampaignSettings, forge: Forge, clock: Clock) -> PinWatch | None:
        if not settings.pin_repository:
            return None
        return PinWatch(
            forge=forge,
            store=self._folder.campaigns,
            memory=self._folder.memory,
            clock=clock,
            repository=settings.pin_repository,
            rules=settings.rules,
            tell=_LOG.warning,
        )

    async def run(self) -> None:
        """Carry campaigns on, for ever; what is heard waits for no look at repositories."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear())
                if self._watching is not None:
                    group.create_task(self._look(self._watching))
        finally:
            await close_forge(self._forge)

    async def _hear(self) -> None:
        last = 0
        while True:
            leads = self._leads()
            if leads:
                try:
                    if not self._led:
                        last = await self._folder.events.last()
                        await self.campaigns.recover()
                    last = await self._heard(last)
                except WheelyardError as error:
                    _LOG.warning("campaigns wait: %s", error.message)
                    leads = False
            self._led = leads
            await asyncio.sleep(_ROUND_SECONDS)

    async def _look(self, watching: Watching) -> None:
        while True:
            if self._led:
                try:
                    await watching.look()
                except WheelyardError as error:
                    _LOG.warning("campaigns wait: %s", error.message)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _heard(self, last: int) -> int:
        """Take what the event log says of builds that ended, and of campaigns that others changed."""
        found = await self._folder.events.read(after=last, limit=_LINES)
        for one in found:
            if one.action == "request.ended":
                await self.campaigns.built(one.subject)
        if any(one.action in {CampaignAction.STARTED, CampaignAction.MODE} for one in found):
            await self.campaigns.recover()
        return found[-1].id if found else last
