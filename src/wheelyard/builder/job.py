"""One assignment while it runs: its inputs are fetched, it is carried out, its log is told."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from wheelyard import failpoints
from wheelyard.builder.inputs import Inputs
from wheelyard.builder.log_stream import LogStream
from wheelyard.bus_ports import BuilderBus, Delivery
from wheelyard.errors import OutOfSpaceError, WheelyardError
from wheelyard.model.builder import Running
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Offer, Outcome, Report, StepName
from wheelyard.ports import Executor, Progress
from wheelyard.protocol.messages import Assignment

_log = logging.getLogger(__name__)
JobId = tuple[BuildKey, int]
_LONGEST_NAME = 120


class Ending(StrEnum):
    """Why a job is killed."""

    STOPPED = "stopped"
    """The farm does not want it any more: nothing is delivered."""
    RETURNED = "returned"
    """The builder gives it back."""


class Job:
    """An assignment under way. ``delivery`` is the newest message that brought it."""

    def __init__(self, assignment: Assignment, delivery: Delivery, *, bus: BuilderBus) -> None:
        self.offer = assignment.offer
        self.token = assignment.token
        self.enclosable = assignment.enclosable
        self.delivery = delivery
        self.ending: Ending | None = None
        self.reason = ""
        self.log = LogStream(f"{self.offer.key}.{self.offer.fence}", bus)
        self._step = StepName.FETCH
        self._caught: Caught | None = None
        self._began = asyncio.get_running_loop().time()
        self._work: asyncio.Task[Report] | None = None

    @property
    def id(self) -> JobId:
        """What tells it from other attempts."""
        return (self.offer.key, self.offer.fence)

    @property
    def name(self) -> str:
        """What people know it by."""
        return f"{self.offer.release} for {self.offer.target}"

    def running(self) -> Running:
        """Say where it stands."""
        return Running(
            key=self.offer.key,
            fence=self.offer.fence,
            step=self._step.value,
            seconds=asyncio.get_running_loop().time() - self._began,
            caught=self._caught,
        )

    def end(self, ending: Ending, reason: str) -> None:
        """Kill it, its whole process tree."""
        if self.ending is None:
            self.ending, self.reason = ending, reason
        if self._work is not None:
            self._work.cancel()

    async def carry_out(
        self, inputs: Inputs, executor: Executor, fitted: Callable[[Offer], Offer]
    ) -> Report | None:
        """Run it; None where it was killed by ``end``."""
        if self.ending is not None:
            return None
        self._work = asyncio.ensure_future(_work(self.offer, inputs, executor, fitted, self._hear))
        try:
            await asyncio.wait({self._work})
        finally:
            self._work.cancel()
            await asyncio.wait({self._work})
            self.log.end()
        # What ended in the same moment is wanted by nobody either.
        killed = self._work.cancelled() or self._is_ending()
        return None if killed else self._work.result()

    def _is_ending(self) -> bool:
        return self.ending is not None

    def _hear(self, progress: Progress) -> None:
        self._step = progress.step
        if progress.caught is not None:
            # A build may call a file what it likes, and a presence has to stay small.
            what = progress.caught.what[-_LONGEST_NAME:]
            shown = "".join(
                one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in what
            )
            self._caught = replace(progress.caught, what=shown)
        self.log.hear(progress)


async def _work(
    offer: Offer,
    inputs: Inputs,
    executor: Executor,
    fitted: Callable[[Offer], Offer],
    hear: Callable[[Progress], None],
) -> Report:
    """Fetch and build; every way it can end is a report."""
    try:
        await inputs.bring(offer)
        failpoints.pass_by("build.begin")
        return await executor.run(fitted(offer), hear)
    except WheelyardError as error:
        full = isinstance(error, OutOfSpaceError)
        outcome = Outcome.RESOURCES if full else Outcome.INFRASTRUCTURE
        return Report(outcome=outcome, reason=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001
        # The outermost loop of a job: one that meets a fault of ours must not take the others along.
        _log.exception("a job met a fault", extra={"action": "job.fault", "job": offer.key})
        return Report(
            outcome=Outcome.INFRASTRUCTURE,
            reason=f"a fault in wheelyard: {type(error).__name__}: {error}",
            hint="Report it, with the builder's log.",
        )


def with_share(offer: Offer, memory_bytes: int) -> Offer:
    """Limit a job to its share of the machine's memory."""
    if not memory_bytes or offer.limits.memory_bytes <= memory_bytes:
        return offer
    return replace(offer, limits=replace(offer.limits, memory_bytes=memory_bytes))
