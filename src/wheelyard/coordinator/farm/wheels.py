"""Requests for wheels: a plan, and a run of it whose crew is the farm."""

import asyncio
from collections.abc import Callable, Sequence

from wheelyard.coordinator.farm.carrying import Conclusion
from wheelyard.coordinator.farm.crew import CrewParts, FarmCrew
from wheelyard.coordinator.farm.explanation import Explanation
from wheelyard.coordinator.farm.steadiness import end
from wheelyard.coordinator.run import Run
from wheelyard.jobs.needs import Needs
from wheelyard.model.counted import plural
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Request, RequestState
from wheelyard.model.way import NATIVE
from wheelyard.plan.events import Exclusion
from wheelyard.plan.farm_ways import is_gone, ways_to
from wheelyard.plan.summary import GOOD, Ending, Row
from wheelyard.protocol.requests import (
    WheelsWanted,
    decode_wanted,
    digest_of_wanted,
    summary_of_wanted,
)
from wheelyard.targets.target import Target

_FINE = GOOD | {Ending.NOT_APPLICABLE}
_NAMED = 20

OpenRun = Callable[[Request, WheelsWanted, FarmCrew], Run]
"""Makes the run of a request. Raises ConfigurationError where what is asked for cannot be planned."""


class WheelsCarrier:
    """Carries out requests for wheels."""

    def __init__(self, *, parts: CrewParts, open_run: OpenRun, explanation: Explanation) -> None:
        self._parts = parts
        self._open_run = open_run
        self._explanation = explanation

    def check(self, text: bytes) -> tuple[str, str]:
        """Return digest and summary of what is asked for. Raises ConfigurationError."""
        wanted = decode_wanted(text)
        Needs.of(wanted.needs)
        return digest_of_wanted(text), summary_of_wanted(wanted)

    def begin(self, request: Request) -> "WheelsUndertaking":
        """Return the undertaking of an open request."""
        wanted = decode_wanted(request.text)
        crew = FarmCrew(self._parts, request, Needs.of(wanted.needs))

        def open_run() -> Run:
            return self._open_run(request, wanted, crew)

        return WheelsUndertaking(open_run, crew, self._explanation)


class WheelsUndertaking:
    """One request for wheels that is carried out.

    It is planned again where nobody can go the way any more that was planned to a target, or never could, and
    somebody came who can go another one.
    """

    def __init__(
        self, open_run: Callable[[], Run], crew: FarmCrew, explanation: Explanation
    ) -> None:
        self.run = open_run()
        self._open_run = open_run
        self._crew = crew
        self._explanation = explanation

    async def carry_out(self) -> Conclusion:
        """See it through."""
        while True:
            running = asyncio.create_task(self.run.carry_out())
            watching = asyncio.create_task(self._another_way())
            try:
                await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    return conclude(running.result(), self.run.planner.exclusions)
            finally:
                await end([running, watching])
            unreached = watching.result()
            await self._crew.forget(unreached)
            self.run = self._open_run()

    async def _another_way(self) -> frozenset[Target]:
        """Return targets to which somebody can go another way than the one that was planned, once nobody can go that."""
        while True:
            options, builders = self.run.planner.options, self._crew.builders()
            found = frozenset(
                target
                for target in options.targets
                if is_gone(options.ways.get(str(target), (NATIVE,))[0], ways_to(target, builders))
            )
            if found:
                return found
            await self._crew.wait_for_facts()

    def keys(self) -> Sequence[BuildKey]:
        """Return the jobs that it waits for."""
        return self._crew.keys

    def waits_for(self) -> Sequence[str]:
        """Say for everything that waits for something else to be built what that is."""
        return self._explanation.of_units(
            self.run.planner.board, self._crew.units, self.run.expected_seconds
        )


def conclude(rows: Sequence[Row], exclusions: Sequence[Exclusion]) -> Conclusion:
    """Say how a request ended: it is done when all that was asked for is there."""
    bad = [row for row in rows if row.ending not in _FINE]
    left_out = [one for one in exclusions if one.applicable]
    if not bad and not left_out:
        there = sum(row.ending in GOOD for row in rows)
        reason = f"{plural(there, 'wheel')} {'is' if there == 1 else 'are'} there"
        names = tuple(
            row.artifact.filename
            for row in rows
            if row.requested and row.artifact is not None and row.ending in GOOD
        )
        return Conclusion(state=RequestState.DONE, reason=reason, lines=names)
    lines = [f"{one.requirement} for {one.target}: {one.reason}" for one in left_out]
    # What failed first, then what only waits for that.
    bad.sort(key=lambda row: row.cause is not None)
    lines += [f"{row.unit}: {row.ending}: {row.reason}" for row in bad]
    count = len(bad) + len(left_out)
    return Conclusion(
        state=RequestState.FAILED,
        reason=f"{count} of {len(rows) + len(left_out)} could not be had: {lines[0]}",
        lines=tuple(lines[:_NAMED]),
    )
