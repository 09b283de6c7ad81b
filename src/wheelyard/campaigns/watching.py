"""What tells campaigns that something happened: pushes, builds that ended, pin files that changed.

A forge that calls us (a hook, a web hook) is heard at once. One that does not is looked at: of each repository
of a campaign only the newest commit, and the state of what is offered there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from wheelyard.campaign_ports import CampaignName, CampaignStore, Member, Mode
from wheelyard.campaigns.looking import proposal_name
from wheelyard.campaigns.pin_watch import PinWatch
from wheelyard.campaigns.planning import planned
from wheelyard.campaigns.scanning import Scan
from wheelyard.campaigns.service import Campaigns
from wheelyard.errors import ConfigurationError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.migrate.states import State
from wheelyard.ports import Clock

_LOG = logging.getLogger(__name__)
_AT_ONCE = 4
RENEW_SECONDS = 30.0
"""How often all recipes are looked at, for those that came and went."""
_RESTS = 20
Scanning = Callable[[], Awaitable[Scan]]


class Watching:
    """Looks at repositories and tells campaigns of those that changed."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        campaigns: Campaigns,
        store: CampaignStore,
        forge: Forge,
        clock: Clock,
        scan: Scanning,
        pins: PinWatch | None = None,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._renew_every = timedelta(seconds=renew_seconds)
        self._campaigns = campaigns
        self._store = store
        self._forge = forge
        self._clock = clock
        self._scan = scan
        self._pins = pins
        self._seen: dict[str, str] = {}
        self._renew_next: datetime | None = None
        self._stamps: dict[str, str] = {}
        self._decided: dict[CampaignName, tuple[Mode, int]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def run(self, seconds: float) -> None:
        """Look, and look again, for ever."""
        await self._guarded(self._campaigns.recover)
        while True:
            await self._guarded(self.look)
            await asyncio.sleep(seconds)

    async def _guarded(self, do: Callable[[], Awaitable[object]]) -> None:
        try:
            await do()
        except WheelyardError as error:
            _LOG.warning("campaigns wait: %s", error.message)

    async def look(self) -> Sequence[str]:
        """Look once; return the repositories that campaigns were told of."""
        await self.begin_what_pins_want()
        await self._hear_decisions()
        await self._renew()
        before = dict(self._seen)
        members = [
            one
            for campaign in await self._store.campaigns()
            if campaign.mode is not Mode.CLOSED
            for one in await self._store.members(campaign.name)
            if one.repository
        ]
        by_repository: dict[str, list[Member]] = {}
        for one in members:
            by_repository.setdefault(one.repository, []).append(one)
        for campaign in await self._store.campaigns():
            if campaign.mode is Mode.CLOSING and campaign.pin_repository:
                by_repository.setdefault(campaign.pin_repository, [])
        names = sorted(by_repository)
        signs = await asyncio.gather(*(self._sign(name, by_repository[name]) for name in names))
        self._seen = dict(zip(names, signs, strict=True))
        changed = [name for name in names if self._seen[name] != before.get(name)]
        for name in changed:
            await self._campaigns.pushed(name)
        return changed

    async def told(self, repository: str) -> None:
        """Take it from the forge that something happened in a repository; its name may be in other letters."""
        if self._pins is not None and _same(self._pins.repository, repository):
            await self.begin_what_pins_want()
        open_ones = [one for one in await self._store.campaigns() if one.mode is not Mode.CLOSED]
        known = {one.pin_repository for one in open_ones}
        for campaign in open_ones:
            known |= {one.repository for one in await self._store.members(campaign.name)}
        told = sorted(one for one in known if _same(one, repository))
        if not told:
            # It may be a recipe that nobody knows yet.
            self._renew_next = None
        for name in told:
            await self._campaigns.pushed(name)

    async def _hear_decisions(self) -> None:
        """Tell campaigns of those about which another process decided something."""
        before, self._decided = (
            self._decided,
            {
                one.name: (one.mode, one.revision)
                for one in await self._store.campaigns()
                if one.mode is not Mode.CLOSED
            },
        )
        decided = {name for name, now in self._decided.items() if before.get(name, now) != now}
        if decided:
            await self._campaigns.recover(only=decided)

    async def _renew(self) -> None:
        """Tell campaigns of recipes that came, went or changed; all of them are looked at, so once in a while."""
        now = self._clock.now()
        if self._renew_next is not None and now < self._renew_next:
            return
        self._renew_next = now + self._renew_every
        if all(one.mode is Mode.CLOSED for one in await self._store.campaigns()):
            return
        scan = await self._scan()
        # Where there are many, looking at them takes a small part of the time all the same.
        rest = _RESTS * (self._clock.now() - now)
        self._renew_next = now + max(self._renew_every, rest)
        stamps = {one.place: one.stamp for one in scan.scanned}
        if stamps != self._stamps and await self._campaigns.renew(scan):
            self._stamps = stamps

    async def _sign(self, repository: str, members: Sequence[Member]) -> str:
        """Return a text that is another one when something happened in a repository."""
        async with self._turn:
            try:
                parts = [await self._forge.tip(repository)]
                for one in members:
                    if one.state in {State.PROPOSED, State.NEEDS_DECISION}:
                        found = await self._forge.proposal(proposal_name(one))
                        checked = found and found.checked
                        parts.append(f"{one.campaign}={found.state if found else ''} {checked}")
            except WheelyardError as error:
                return f"! {error.message}"
            return " ".join(parts)

    async def begin_what_pins_want(self) -> Sequence[str]:
        """Begin the campaigns that the pin file asks for; return their names."""
        if self._pins is None:
            return ()
        wanted = await self._pins.wanted()
        begun = []
        if wanted:
            scan = await self._scan()
            graph, places = scan.graph, scan.places
            for intention in wanted:
                try:
                    plan = planned(intention, graph, self._clock.now())
                    begun.append(str((await self._campaigns.start(plan, places)).name))
                except ConfigurationError as error:
                    _LOG.warning("%s does not begin: %s", intention.name, error.message)
        await self._pins.remember()
        return begun


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()
