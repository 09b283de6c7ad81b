"""A farm that carries campaigns out: coordinator, builders, index, and what watches repositories."""

import asyncio
import os
import sys
from pathlib import Path

from campaign.feedstocks import PINNING
from wheelyard import failpoints
from wheelyard.campaigns.pin_watch import PinRules
from wheelyard.migrate.priority import Limits
from wheelyard.wiring.farm_campaigns import CampaignSettings
from wheelyard.wiring.local import FarmSettings
from wheelyard.wiring.serve import ServeSettings, serving

_LIMITS = Limits(first=50, most=50)


async def run(state: Path, repositories: Path) -> None:
    """Run the farm until the process ends."""
    settings = ServeSettings(
        farm=FarmSettings(state=state, slots=2),
        port=0,
        builders=1,
        local_repositories=True,
        campaigns=CampaignSettings(
            feedstocks=repositories, pin_repository=PINNING, rules=PinRules(limits=_LIMITS)
        ),
    )
    async with serving(settings):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    failpoints.arm(os.environ.get("WHEELYARD_FAILPOINTS", ""))
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
