"""Campaigns beside a coordinator: whoever leads the farm carries them on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wheelyard import failpoints
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.pin_watch import PinRules, PinWatch
from wheelyard.campaigns.service import Campaigns
from wheelyard.campaigns.version_rounds import Following, VersionRounds, VersionRules
from wheelyard.campaigns.watching import RENEW_SECONDS, Watching
from wheelyard.coordinator.farm.actions import Action
from wheelyard.errors import WheelyardError
from wheelyard.forge.git import GitForge
from wheelyard.forge.github.forge import GitHubForge
from wheelyard.forge_ports import Forge
from wheelyard.ports import Clock
from wheelyard.store.folder import StateFolder
from wheelyard.wiring.campaign_builds import FarmBuilds, FarmPortsOfCampaigns
from wheelyard.wiring.campaigns import RecipePlace, recipe_place
from wheelyard.wiring.forges import close_forge, is_github
from wheelyard.wiring.versions import VersionSettings, open_recipe_versions

_LOG = logging.getLogger(__name__)
_ROUND_SECONDS = 0.25
_LOOK_SECONDS = 1.0
# A service is asked less often than a disk; and where it calls, only for what a call that was lost would have told.
_FAR_SECONDS = 30.0
_HOOKED_SECONDS = 300.0
# So often all repositories of a service are asked for their newest commit.
_SCAN_SECONDS = 900.0
# Where there are many recipes, looking at them takes a small part of the time all the same.
_RESTS = 20
_VERSION_SECONDS = 10.0
_LINES = 1000
_DECIDED = frozenset({CampaignAction.STARTED, CampaignAction.MODE, CampaignAction.DECIDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What campaigns of a farm are told: where recipes and pin file are, and how a feedstock is built.

    ``index``: how builds of feedstocks reach this farm's index; empty: they reach nothing.
    ``versions``: what becomes of new versions; ``sources`` (by kind) are asked for them in place of what recipes name.
    ``hook_secret``: what web hooks of the forge are signed with; empty: none are taken.
    """

    feedstocks: Path | None = None
    pin_repository: str = ""
    job_file: str = ""
    index: str = ""
    rules: PinRules = field(default_factory=PinRules)
    versions: VersionRules = field(default_factory=VersionRules)
    sources: Mapping[str, str] = field(default_factory=dict)
    hook_secret: bytes = field(default=b"", repr=False)


class FarmCampaigns:
    """Carries campaigns on while ``leads`` says so."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        settings: CampaignSettings,
        folder: StateFolder,
        farm: FarmPortsOfCampaigns,
        clock: Clock,
        leads: Callable[[], bool],
        upstream: VersionSettings | None = None,
    ) -> None:
        self._look_seconds = _look_seconds(settings)
        self._folder = folder
        self._leads = leads
        self._settings = settings
        self._upstream = upstream
        self._clock = clock
        self._place = place = (
            recipe_place(settings.feedstocks, folder.memory) if settings.feedstocks else None
        )
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
                index=settings.index,
                address_of=forge.address if isinstance(forge, GitHubForge) else None,
            ),
            events=folder.events,
            pass_by=failpoints.pass_by,
            trial_suffices=not isinstance(forge, GitHubForge),
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
                renew_seconds=_SCAN_SECONDS if is_github(settings.feedstocks) else RENEW_SECONDS,
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
                if self._place is not None and self._upstream is not None:
                    group.create_task(self._look_upstream(self._place, self._upstream))
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
                await _guarded(watching.look)
            await asyncio.sleep(self._look_seconds)

    async def _look_upstream(self, place: RecipePlace, upstream: VersionSettings) -> None:
        """Look for new versions of all recipes, for ever."""
        rules = self._settings.versions
        if rules.following is Following.OFF:
            return
        async with open_recipe_versions(upstream, self._folder.memory) as news:
            rounds = VersionRounds(
                campaigns=self.campaigns,
                store=self._folder.campaigns,
                forge=self._forge,
                clock=self._clock,
                scan=place.scan,
                news=news,
                rules=rules,
            )
            every = _SCAN_SECONDS if is_github(self._settings.feedstocks) else _VERSION_SECONDS
            while True:
                led, begun = self._led, time.monotonic()
                if led:
                    await _guarded(rounds.look)
                rest = _RESTS * (time.monotonic() - begun)
                await asyncio.sleep(max(every, rest) if led else _ROUND_SECONDS)

    async def _heard(self, last: int) -> int:
        """Take what the event log says of builds that ended, and of campaigns that others changed."""
        found = await self._folder.events.read(after=last, limit=_LINES)
        for one in found:
            if one.action == "request.ended":
                await self.campaigns.built(one.subject)
        told = dict.fromkeys(one.subject for one in found if one.action == Action.REPOSITORY_TOLD)
        for repository in told:
            if self._watching is not None:
                await self._watching.told(repository)
        decided = {one.subject for one in found if one.action in _DECIDED}
        if decided:
            await self.campaigns.recover(only=decided)
        return found[-1].id if found else last


def _look_seconds(settings: CampaignSettings) -> float:
    """Return how often repositories are looked at."""
    if not is_github(settings.feedstocks):
        return _LOOK_SECONDS
    return _HOOKED_SECONDS if settings.hook_secret else _FAR_SECONDS


async def _guarded(do: Callable[[], Awaitable[object]]) -> None:
    try:
        await do()
    except WheelyardError as error:
        _LOG.warning("campaigns wait: %s", error.message)
