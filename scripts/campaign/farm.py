"""A farm that carries campaigns out: coordinator, builders, index, and what watches repositories."""

import asyncio
import os
import sys
from pathlib import Path

from campaign.feedstocks import PINNING
from wheelyard import failpoints
from wheelyard.campaigns.pin_watch import PinRules, PinWatch
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.service import Campaigns
from wheelyard.campaigns.watching import Watching
from wheelyard.forge.addresses import place_of
from wheelyard.forge.git import GitForge
from wheelyard.migrate.priority import Limits
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.wiring.campaign_builds import FarmBuilds
from wheelyard.wiring.local import FarmSettings
from wheelyard.wiring.serve import Served, ServeSettings, serving

_SECONDS = 0.2
_LIMITS = Limits(first=50, most=50)


async def run(state: Path, repositories: Path) -> None:
    """Run the farm until the process ends."""
    settings = ServeSettings(
        farm=FarmSettings(state=state, slots=2), port=0, builders=1, local_repositories=True
    )
    async with serving(settings) as served:
        clock = SystemClock()
        async with await StateFolder.open(state, clock=clock) as folder:
            await _carry_out(served, folder, clock, repositories)


async def _carry_out(
    served: Served, folder: StateFolder, clock: SystemClock, repositories: Path
) -> None:
    forge = GitForge(folder=repositories)
    builds = FarmBuilds(
        submit=served.coordinator.submit,
        requests=folder.requests,
        place=lambda name: place_of(name, repositories),
        staging=folder.path / "staging",
    )
    campaigns = Campaigns(
        store=folder.campaigns, forge=forge, clock=clock, builds=builds, pass_by=failpoints.pass_by
    )
    scanner = Scanner(memory=folder.memory, processes=1)
    pins = PinWatch(
        forge=forge,
        store=folder.campaigns,
        memory=folder.memory,
        clock=clock,
        repository=PINNING,
        rules=PinRules(limits=_LIMITS),
        tell=lambda line: print(line, file=sys.stderr),
    )
    watching = Watching(
        campaigns=campaigns,
        store=folder.campaigns,
        forge=forge,
        clock=clock,
        scan=lambda: scanner.forge(forge),
        pins=pins,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(watching.run(_SECONDS))
        group.create_task(builds.watch(campaigns.built, seconds=_SECONDS / 2))
        print("ready", flush=True)


if __name__ == "__main__":
    failpoints.arm(os.environ.get("WHEELYARD_FAILPOINTS", ""))
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
