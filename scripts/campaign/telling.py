"""What came of a campaign, read afterwards from the farm's own records and from the repositories."""

import asyncio
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from campaign.feedstocks import CAMPAIGN, World
from wheelyard.campaign_ports import CampaignName
from wheelyard.forge.git import GitForge
from wheelyard.migrate.states import State
from wheelyard.model.proposal import ProposalName
from wheelyard.model.request import RequestState
from wheelyard.store.folder import StateFolder

_OWNER = "campaigns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the campaign stands; ``mode`` is empty before it begins."""

    mode: str
    states: dict[str, str]

    @property
    def published(self) -> int:
        """How many are done."""
        return sum(state == State.PUBLISHED.value for state in self.states.values())


def standing(state: Path) -> Standing:
    """Look at the campaign as the farm keeps it."""
    return asyncio.run(_standing(state))


async def _standing(state: Path) -> Standing:
    async with await StateFolder.open(state) as folder:
        campaign = await folder.campaigns.campaign(CampaignName(CAMPAIGN))
        if campaign is None:
            return Standing(mode="", states={})
        members = await folder.campaigns.members(campaign.name)
        return Standing(
            mode=str(campaign.mode), states={one.package: one.state.value for one in members}
        )


def order_faults(world: World, state: Path) -> list[str]:
    """Say which package was offered before all that it needs was published."""
    return asyncio.run(_order_faults(world, state))


async def _order_faults(world: World, state: Path) -> list[str]:
    async with await StateFolder.open(state) as folder:
        turns = await folder.campaigns.turns(campaign=CAMPAIGN, limit=100_000)
    published = {one.package: one.at for one in turns if one.state is State.PUBLISHED}
    offered = {one.package: one.at for one in turns if one.state is State.PROPOSED}
    return [
        f"{package} was offered before {parent} was published"
        for package, parents in world.parents.items()
        for parent in parents
        if package in offered
        and not (parent in published and published[parent] <= offered[package])
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """When a package's last parent was built, and when its proposal was in its repository (seconds since 1970)."""

    package: str
    ready: float
    offered: float

    @property
    def seconds(self) -> float:
        """How long that took."""
        return self.offered - self.ready

    def meets(self, times: list[tuple[float, float]]) -> bool:
        """Whether it fell into one of some stretches of time."""
        return any(self.ready < end and begin < self.offered for begin, end in times)


def offers(world: World, state: Path) -> list[Offer]:
    """Return how long each package waited that had parents."""
    return asyncio.run(_offers(world, state))


async def _offers(world: World, state: Path) -> list[Offer]:
    async with await StateFolder.open(state) as folder:
        requests = await folder.requests.find(owner=_OWNER, state=RequestState.DONE, limit=100_000)
    built: dict[str, float] = {}
    for request in requests:
        if request.ended is not None:
            name = json.loads(request.text)["name"]
            built[name] = max(built.get(name, 0), request.ended.timestamp())
    found = []
    for package, parents in world.parents.items():
        # git writes the name of a commit into a file of its own; its time is that of the push.
        record = world.bare(package) / "refs" / "wheelyard" / "proposals" / CAMPAIGN
        if parents and record.is_file() and all(parent in built for parent in parents):
            ready = max(built[parent] for parent in parents)
            found.append(Offer(package=package, ready=ready, offered=record.stat().st_mtime))
    return found


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def median(values: list[float]) -> float:
    """Return the middle one."""
    return statistics.median(values) if values else 0.0


def proposals(world: World) -> dict[str, str]:
    """Return how the proposals of all repositories stand, by package."""
    return asyncio.run(_proposals(world))


async def _proposals(world: World) -> dict[str, str]:
    forge = GitForge(folder=world.folder)
    found = {}
    for package in world.parents:
        name = ProposalName(repository=f"{package}-feedstock", key=CAMPAIGN)
        proposal = await forge.proposal(name)
        found[package] = str(proposal.state) if proposal else ""
    return found
