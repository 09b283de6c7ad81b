"""Migrations as pages last showed them: a look at a large one costs what changed in it.

Members are values and are compared before anything is made of them, so that what is shown is always what is kept.
"""

import asyncio
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import TypeVar

from wheelyard.campaign_ports import Campaign, CampaignName, CampaignStore, Member, Turn
from wheelyard.campaigns.running import Running
from wheelyard.web.site.migration_views import MigrationLine, line_of

T = TypeVar("T", bound=Sized)

# Of so many members and turns in all.
_MOST = 40_000
_TURNS = 50_000
# A transaction may end after a later one that took a greater number: so many turns are always read again.
_AGAIN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    members: tuple[Member, ...]
    running: Running

    def __len__(self) -> int:
        return len(self.members)


class KnownMigrations:
    """Reads migrations. ``Running`` of the same campaign is the same object as long as nothing changed: only to be read."""

    def __init__(self, *, store: CampaignStore) -> None:
        self._store = store
        self._known: dict[CampaignName, _Known] = {}
        self._turns: dict[CampaignName, dict[int, Turn]] = {}
        self._closed: dict[CampaignName, tuple[Campaign, MigrationLine]] = {}

    async def running(self, campaign: Campaign) -> Running:
        """Return how a campaign stands."""
        members = tuple(await self._store.members(campaign.name))
        known = self._known.pop(campaign.name, None)
        if known is None or (known.running.campaign, known.members) != (campaign, members):
            running = await asyncio.to_thread(Running, campaign, members)
            known = _Known(members=members, running=running)
        _keep(self._known, campaign.name, known)
        return known.running

    async def line(self, campaign: Campaign) -> MigrationLine:
        """Return a campaign in a line. Nothing changes in one that has closed."""
        before, line = self._closed.get(campaign.name, (None, None))
        if line is None or before != campaign:
            line = line_of(await self.running(campaign))
            if campaign.closed is not None:
                self._closed[campaign.name] = campaign, line
        return line

    async def turns(self, name: CampaignName) -> Sequence[Turn]:
        """Return what happened in a campaign, the newest first."""
        known = self._turns.pop(name, {})
        newest = max(known, default=0)
        found = await self._store.turns(campaign=name, after=max(0, newest - _AGAIN), limit=_TURNS)
        known.update((one.number, one) for one in reversed(found) if one.number not in known)
        _keep(self._turns, name, known)
        return [known[number] for number in sorted(known, reverse=True)[:_TURNS]]


def _keep(kept: dict[CampaignName, T], name: CampaignName, value: T) -> None:
    """Keep what was looked at now, and of the rest what was looked at last."""
    kept[name] = value
    while len(kept) > 1 and sum(map(len, kept.values())) > _MOST:
        del kept[next(iter(kept))]
