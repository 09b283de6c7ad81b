"""New versions of recipes: looked for in turn, shown, and offered where that is wanted.

A new version is a campaign of one recipe. What its edit asks of the network is asked before it begins and
kept with it, so that a version which cannot be had is shown as that and asks nobody, and what is
offered can be made again without the network.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from wheelyard.campaign_ports import (
    Campaign,
    CampaignName,
    CampaignStore,
    Mode,
    NewVersions,
    SeenVersion,
    VersionLook,
)
from wheelyard.campaigns.feedstocks import PATTERNS, feedstock_of
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.scanning import Scan, Scanned
from wheelyard.campaigns.service import Campaigns
from wheelyard.errors import BusyError, InvalidNameError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.migrate.automerge import Automerge
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.states import State
from wheelyard.ports import Clock
from wheelyard.recipes.answers import RecordedAnswers
from wheelyard.recipes.version_order import version_of

_LOG = logging.getLogger(__name__)
OWNER = "versions"
RECIPE, EDIT = "recipe", "edit"
"""What stands in a source's place where no source failed, but the recipe cannot be read, or not be edited."""
_RULE = "version:to="
_REQUIRED = (
    "The release requires what the recipe does not; see that it is wanted before this is merged:"
)
_UNNAMED = re.compile(r"[^A-Za-z0-9._+-]")
_AT_ONCE = 4
_A_ROUND = 200
_BROKEN = timedelta(hours=1)
_FIRST, _LONGEST = timedelta(hours=1), timedelta(days=7)
_ASKED = frozenset({State.AWAITING_PROPOSAL, State.PROPOSED, State.MERGED})


class Following(StrEnum):
    """What becomes of a new version: nothing is looked for, it is shown, or it is offered."""

    OFF = "off"
    SHOW = "show"
    PROPOSE = "propose"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRules:
    """What becomes of new versions. ``most``: as many may be asked for at once. ``trial``, ``builds`` as in a campaign."""

    following: Following = Following.OFF
    most: int = 50
    trial: bool = False
    builds: bool = True
    automerge: Automerge = Automerge.RECIPE


@dataclass(slots=True, kw_only=True)
class _Known:
    stamp: str
    again: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A recipe as it was looked up; ``look`` is None where it cannot be read."""

    scanned: Scanned
    feedstock: Feedstock | None = None
    look: VersionLook | None = None
    seen: tuple[SeenVersion, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Round:
    """One look at what was due. ``open``: the campaigns of versions that have not ended."""

    scan: Scan
    open: list[Campaign]
    asked: int
    begun: list[str] = field(default_factory=list)

    def of(self, package: str) -> list[Campaign]:
        """Return the open campaigns of a recipe."""
        return [one for one in self.open if one.scope.chosen == frozenset({package})]


class VersionRounds:
    """Looks for new versions of all recipes."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        campaigns: Campaigns,
        store: CampaignStore,
        forge: Forge,
        clock: Clock,
        scan: Callable[[], Awaitable[Scan]],
        news: NewVersions,
        rules: VersionRules,
    ) -> None:
        self._campaigns = campaigns
        self._store = store
        self._forge = forge
        self._clock = clock
        self._scan = scan
        self._news = news
        self._rules = rules
        self._known: dict[str, _Known] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def look(self) -> Sequence[str]:
        """Look up the recipes whose time has come, and those that changed; return the campaigns that began."""
        scan, now = await self._scan(), self._clock.now()
        due = [one for one in scan.scanned if one.place and self._is_due(one, now)][:_A_ROUND]
        if not due:
            return []
        found = await asyncio.gather(*(self._look(one) for one in due))
        opened = await self._open()
        this = _Round(scan=scan, open=opened, asked=await self._asked(opened))
        for one in found:
            if one is not None:
                await self._take(this, one)
        return this.begun

    def _is_due(self, one: Scanned, now: datetime) -> bool:
        known = self._known.get(one.package.name)
        return known is None or known.stamp != one.stamp or now >= known.again

    async def _look(self, one: Scanned) -> _Found | None:
        """Look a recipe up; None where the forge is busy."""
        name, now = one.package.name, self._clock.now()
        try:
            async with self._turn:
                feedstock = feedstock_of(await self._forge.look(one.place, PATTERNS))
                look = await self._news.look(name, feedstock)
        except BusyError as error:
            _LOG.warning("new versions of %s wait: %s", name, error.message)
            return None
        except WheelyardError as error:
            again = now + _BROKEN
            self._known[name] = _Known(stamp=one.stamp, again=again)
            said = f"{error.message}. {error.hint}".strip()
            seen = SeenVersion(package=name, source=RECIPE, at=now, error=said, again=again)
            return _Found(scanned=one, seen=(seen,))
        self._known[name] = _Known(stamp=one.stamp, again=look.again)
        return _Found(scanned=one, feedstock=feedstock, look=look, seen=look.seen)

    async def _take(self, this: _Round, found: _Found) -> None:
        """Show what was found of one recipe, and have it offered where that is wanted."""
        seen = found.seen
        if found.look is not None and found.feedstock is not None:
            await self._overtake(this, found.scanned.package.name, found.look.current)
            if found.look.version and self._rules.following is Following.PROPOSE:
                seen += await self._offer(this, found, found.look, found.feedstock)
        await self._store.seen(seen)

    async def _offer(
        self, this: _Round, found: _Found, look: VersionLook, feedstock: Feedstock
    ) -> tuple[SeenVersion, ...]:
        """Begin the campaign of a new version; return what kept it from that."""
        package = found.scanned.package.name
        name = _UNNAMED.sub("_", f"{package}-{look.version}")
        if await self._store.campaign(CampaignName(name)) is not None:
            return ()
        kept = await self._failed(package, look.version)
        if kept is not None and kept.again is not None and kept.again > self._clock.now():
            return (kept,)
        if this.asked >= self._rules.most:
            self._known[package].again = self._clock.now()
            return ()
        try:
            answers = await self._news.answers(feedstock, look.version)
            remarks = await self._news.remarks(feedstock, look.version)
            intention = self._intention(name, package, look, answers, remarks)
            plan = planned(intention, this.scan.graph, self._clock.now())
            for older in this.of(package):
                await self._withdraw(this, older, f"version {look.version} is there")
            this.open.append(await self._campaigns.start(plan, {package: found.scanned.place}))
        except WheelyardError as error:
            return (self._refused(package, look, kept, f"{error.message}. {error.hint}".strip()),)
        this.begun.append(name)
        this.asked += 1
        return ()

    def _intention(
        self,
        name: str,
        package: str,
        look: VersionLook,
        answers: RecordedAnswers,
        remarks: Sequence[str],
    ) -> Intention:
        has = [one.source for one in look.seen if one.version == look.version]
        where = f" ({', '.join(has)})" if has else ""
        says = f"{package} {look.version} is there{where}; the recipe has {look.current}."
        if remarks:
            says += f"\n\n{_REQUIRED}\n" + "".join(f"\n- {one}" for one in remarks)
        return Intention(
            name=name,
            owner=OWNER,
            rule=f"{_RULE}{look.version}",
            packages=(package,),
            trial=self._rules.trial,
            builds=self._rules.builds,
            automerge=self._rules.automerge,
            answers=msgspec.json.encode(answers).decode(),
            says=says,
        )

    async def _failed(self, package: str, version: str) -> SeenVersion | None:
        """Return what was said when this version could not be offered."""
        seen = await self._store.versions(package=package)
        return next((one for one in seen if one.source == EDIT and one.version == version), None)

    def _refused(
        self, package: str, look: VersionLook, before: SeenVersion | None, error: str
    ) -> SeenVersion:
        """Say why a version is not offered; it is tried again later each time."""
        now, delay = self._clock.now(), _FIRST
        if before is not None and before.again is not None:
            delay = min(2 * (before.again - before.at), _LONGEST)
        return SeenVersion(
            package=package,
            source=EDIT,
            at=now,
            version=look.version,
            current=look.current,
            error=error,
            again=now + delay,
        )

    async def _overtake(self, this: _Round, package: str, current: str) -> None:
        """Withdraw what leads to a version that the recipe has passed by now."""
        for one in this.of(package):
            if _is_newer(current, one.rule.removeprefix(_RULE)):
                await self._withdraw(this, one, f"the recipe has {current} by now")

    async def _withdraw(self, this: _Round, campaign: Campaign, why: str) -> None:
        await self._campaigns.withdraw(campaign.name, why)
        this.open.remove(campaign)

    async def _open(self) -> list[Campaign]:
        return [
            one
            for one in await self._store.campaigns()
            if one.owner == OWNER and one.rule.startswith(_RULE) and one.mode is not Mode.CLOSED
        ]

    async def _asked(self, opened: Sequence[Campaign]) -> int:
        """Count the versions that people are asked about."""
        members = [one for each in opened for one in await self._store.members(each.name)]
        return sum(one.state in _ASKED for one in members)


def _is_newer(current: str, version: str) -> bool:
    try:
        return version_of(current) > version_of(version)
    except InvalidNameError:
        return False
