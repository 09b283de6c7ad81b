"""Commands on git trees as a farm plans them: for whichever builder has what they need."""

from dataclasses import replace

from wheelyard.coordinator.channel import ChannelDoor
from wheelyard.coordinator.farm.commands import CommandsCarrier
from wheelyard.coordinator.farm.crew import CrewParts
from wheelyard.model.request import Request
from wheelyard.plan.command import CommandPlan
from wheelyard.protocol.commands import CommandWanted
from wheelyard.web.stories import Stories
from wheelyard.wiring.farm_runs import surroundings_of
from wheelyard.wiring.planning import Planning


class FarmCommands:
    """Makes the carrier of requests for commands."""

    def __init__(
        self, *, planning: Planning, stories: Stories, local: bool, door: ChannelDoor
    ) -> None:
        self._planning = planning
        self._stories = stories
        self._local = local
        self._door = door

    def carrier(self, parts: CrewParts) -> CommandsCarrier:
        """Return the carrier of one leadership."""
        return CommandsCarrier(
            parts=parts,
            plan=self._plan,
            tale_of=self._stories.begin,
            local=self._local,
            packages=self._door.take_archive,
        )

    async def _plan(self, request: Request, wanted: CommandWanted) -> CommandPlan:
        again = wanted.rebuild or wanted.check_reproducible
        plan = await self._planning.command(
            wanted, surroundings=surroundings_of(request, again=again), limits=wanted.limits
        )
        offer = replace(plan.offer, check_reproducible=wanted.check_reproducible)
        return replace(plan, offer=offer)
