"""Brings results to the farm: bytes first, then the word, again and again until it is settled."""

import asyncio
import contextlib
import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from wheelyard import failpoints
from wheelyard.builder.enclosing import small_ones
from wheelyard.builder.job import JobId
from wheelyard.builder.patience import Patience
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.builder.spool import Kept
from wheelyard.bus_ports import BuilderBus
from wheelyard.depot_ports import Ticket
from wheelyard.errors import (
    BusError,
    DeniedError,
    DigestMismatchError,
    ProtocolError,
    StoreError,
    WheelyardError,
)
from wheelyard.model.builder import Running
from wheelyard.model.job import Outcome, Report, StepName, outputs_of
from wheelyard.protocol.messages import Result, Returned
from wheelyard.protocol.wire import encode

_log = logging.getLogger(__name__)
_UPLOADS_AT_ONCE = 2
_LONGEST_TEXT = 64 << 10
_SOON_SECONDS = 1.0


class Deliveries:
    """The results that are on their way. Each is said again now and then, until the farm settles it."""

    def __init__(self, settings: AgentSettings, ports: AgentPorts, *, session: str) -> None:
        self._builder = settings.name
        self._again_seconds = settings.again_seconds
        self._session = session
        self._bus = ports.bus
        self._depot = ports.depot
        self._blobs = ports.blobs
        self._spool = ports.spool
        self._turn = asyncio.Semaphore(_UPLOADS_AT_ONCE)
        self._open: dict[JobId, Kept] = {}
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._unsaid: set[JobId] = set()
        self._began: dict[JobId, float] = {}
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()

    @property
    def open(self) -> Mapping[JobId, Kept]:
        """What is not settled yet."""
        return self._open

    def running(self) -> tuple[Running, ...]:
        """Say which leases are held for what is on its way."""
        now = asyncio.get_running_loop().time()
        return tuple(
            Running(key=key, fence=fence, step=StepName.DELIVER.value, seconds=now - began)
            for (key, fence), began in self._began.items()
        )

    async def add(self, kept: Kept, group: asyncio.TaskGroup) -> bool:
        """Keep a result and begin to deliver it; False where it could not be kept and a restart would lose it."""
        for report in _ever_shorter(kept.report):
            kept = replace(kept, report=report)
            try:
                await self._spool.keep(kept)
            except ProtocolError:
                continue
            except StoreError as error:
                _log.error("a result is in memory only: %s", error.message)
                self.resume(kept, group)
                return False
            break
        self.resume(kept, group)
        return True

    def resume(self, kept: Kept, group: asyncio.TaskGroup) -> None:
        """Begin to deliver a result that is kept already."""
        job = (kept.key, kept.fence)
        self._open[job] = kept
        self._began[job] = asyncio.get_running_loop().time()
        self._unsaid.add(job)
        self._tasks[job] = group.create_task(self._deliver(job, kept))

    def upload(self, job: JobId, group: asyncio.TaskGroup) -> None:
        """Deliver a result anew, with uploads only; nothing happens where there is none."""
        if job in self._open:
            self._tasks.pop(job).cancel()
            kept = self._open[job] = replace(self._open[job], enclosable=0)
            self._unsaid.add(job)
            self._tasks[job] = group.create_task(self._deliver(job, kept))

    async def log_told(self, job: JobId) -> None:
        """Take in that the live log of a result was told to its end.

        That is written down where the farm does not settle the result soon: until then a restart tells the log twice.
        """
        if job in self._open:
            self._open[job] = replace(self._open[job], log_told=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SOON_SECONDS):
                    await self._until_settled(job)
        # One at a time: what was settled meanwhile must not be written once more.
        async with self._writing:
            if job in self._open:
                # Where that cannot be written down, the log is told twice.
                with contextlib.suppress(StoreError, ProtocolError):
                    await self._spool.keep(self._open[job])

    async def settle(self, job: JobId) -> bool:
        """Forget a result that was taken in, or that nobody wants; False where there is none."""
        async with self._writing:
            if job not in self._open:
                return False
            self._tasks.pop(job).cancel()
            await self._spool.forget(*job)
            del self._open[job]
            self._unsaid.discard(job)
            self._began.pop(job)
        self._changed.set()
        return True

    def in_use(self) -> frozenset[str]:
        """Name the blobs that are needed still."""
        return frozenset(d for kept in self._open.values() for d in outputs_of(kept.report))

    async def all_said(self) -> None:
        """Wait until the bus has every result."""
        while self._unsaid:
            self._changed.clear()
            await self._changed.wait()

    async def all_settled(self) -> None:
        """Wait until the farm settled every result."""
        while self._open:
            self._changed.clear()
            await self._changed.wait()

    async def _until_settled(self, job: JobId) -> None:
        while job in self._open:
            self._changed.clear()
            await self._changed.wait()

    def cancel(self) -> None:
        """Stop delivering; what is not settled stays kept."""
        for task in self._tasks.values():
            task.cancel()

    async def _deliver(self, job: JobId, kept: Kept) -> None:
        content, count = await self._word(kept), 0
        while True:
            # The bus counts a name once; a farm that lost the word is told again under another.
            names = [f"{kept.key}.{kept.fence}.{self._session}.{kept.enclosable}.{count}"]
            names += [f"{names[0]}.{again}" for again in range(1, failpoints.times("delivery.say"))]
            try:
                await asyncio.gather(*(say(self._bus, content, name=name) for name in names))
            except ProtocolError as error:
                _log.error("the farm cannot read a result: %s", error.message)
            self._unsaid.discard(job)
            self._changed.set()
            count += 1
            await asyncio.sleep(self._again_seconds)

    async def _word(self, kept: Kept) -> bytes:
        """Return a result as it is said: what is small goes with it, the rest was uploaded before."""
        failpoints.pass_by("delivery.before_upload")
        enclosed = await self._enclosed(kept)
        report = await self._uploaded(kept, without=enclosed)
        result = Result(
            builder=self._builder,
            key=kept.key,
            fence=kept.fence,
            report=report,
            enclosed=tuple(enclosed.values()),
        )
        try:
            return encode(result)
        except ProtocolError:
            # The report alone is as long as a word may be.
            report = await self._uploaded(kept)
            return encode(replace(result, report=report, enclosed=()))

    async def _enclosed(self, kept: Kept) -> Mapping[str, bytes]:
        digests = outputs_of(kept.report)
        if not digests or not kept.enclosable:
            return {}
        return await asyncio.to_thread(small_ones, self._blobs, digests, most=kept.enclosable)

    async def _uploaded(self, kept: Kept, *, without: Container[str] = ()) -> Report:
        """Upload what goes with a report, and return the report as it is then."""
        ticket = Ticket(key=kept.key, fence=kept.fence, token=kept.token)
        digests = [digest for digest in outputs_of(kept.report) if digest not in without]
        try:
            if digests:
                async with self._turn:
                    await self._upload(digests, ticket)
            failpoints.pass_by("delivery.after_upload")
        except DeniedError as error:
            # The farm says with its settlement what became of the job; nothing is dropped on a guess.
            _log.warning(
                "an upload was denied: %s",
                error.message,
                extra={"action": "upload.denied", "job": kept.key},
            )
        except (DigestMismatchError, StoreError) as error:
            return _undelivered(kept.report, error)
        return kept.report

    async def _upload(self, digests: Sequence[str], ticket: Ticket) -> None:
        for digest in digests:
            path = self._blobs.path(digest)
            if path is None:
                raise StoreError(
                    f"the bytes of {digest!r} are gone from the builder",
                    hint="They were removed behind its back; the job is run again.",
                )
            await self._depot.upload(digest, path, ticket)


async def say(bus: BuilderBus, content: bytes, *, name: str) -> None:
    """Hand a word over for good; where the bus is away, when it is there again."""
    patience = Patience()
    while True:
        try:
            await bus.say(content, name=name)
        except BusError:
            await patience.wait()
        else:
            return


async def hand_back(bus: BuilderBus, returned: Returned, *, session: str) -> None:
    """Give a job back."""
    name = f"{returned.key}.{returned.fence}.{session}.returned"
    await say(bus, encode(returned), name=name)


def _undelivered(report: Report, error: WheelyardError) -> Report:
    return replace(
        report,
        outcome=Outcome.INFRASTRUCTURE,
        artifact=None,
        reason=f"what was built could not be delivered: {error.message}",
        hint=error.hint,
    )


def _ever_shorter(report: Report) -> Iterator[Report]:
    """Leave out of a report what it can do without, for the case that it is too much for one message."""
    yield report
    short = replace(
        report,
        detail=_plain(report.detail),
        reason=_plain(report.reason),
        hint=_plain(report.hint),
        findings=(),
        system_libraries=(),
        environment=(),
        repeat="",
    )
    yield short
    yield Report(
        outcome=Outcome.INFRASTRUCTURE,
        reason="the report of the build cannot be written as a message",
        hint="The builder's log says more.",
    )


def _plain(text: str) -> str:
    return text[-_LONGEST_TEXT:].encode(errors="replace").decode()
