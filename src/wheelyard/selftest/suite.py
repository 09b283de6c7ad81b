"""Runs rows of faults one after the other, each on a farm of its own, and tells how each ended."""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import InterpreterError, WheelyardError
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.selftest import invariants
from wheelyard.selftest.engines import Distributed, Embedded, Engine, EngineName
from wheelyard.selftest.farm import FarmUnderTest, Machine
from wheelyard.selftest.verdict import NotSurvivedError
from wheelyard.store.private_server import PrivateServer

_LOG = logging.getLogger(__name__)
_ROW_SECONDS = 900.0
RunRow = Callable[[FarmUnderTest], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault. ``run`` injects it and raises NotSurvivedError where it was not survived."""

    number: int
    title: str
    run: RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a row ended on an engine; ``reason`` is empty where the fault was survived."""

    row: Row
    engine: EngineName
    seconds: float
    reason: str = ""

    @property
    def survived(self) -> bool:
        """Whether nothing was lost."""
        return not self.reason


class Suite:
    """Runs rows. ``kept`` is where farms of rows that failed are left to be looked at; None: nowhere."""

    def __init__(self, *, kept: Path | None = None) -> None:
        self._kept = kept

    async def run(
        self,
        rows: Sequence[Row],
        engines: Sequence[EngineName],
        *,
        began: Callable[[Row, EngineName], None],
        ended: Callable[[Ended], None],
    ) -> Sequence[Ended]:
        """Run rows on engines. Raises WheelyardError where this machine cannot."""
        found: list[Ended] = []
        folder = Path(tempfile.mkdtemp(prefix="wheelyard-selftest-"))
        try:
            machine = await _machine(folder)
            for name in engines:
                async with _opener(name) as opener:
                    for row in rows:
                        began(row, name)
                        one = await self._one(row, name, opener, folder, machine)
                        ended(one)
                        found.append(one)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return found

    async def _one(
        self, row: Row, name: EngineName, opener: "_Opener", folder: Path, machine: Machine
    ) -> Ended:
        place = folder / f"{name}-{row.number}"
        start = time.monotonic()
        reason = ""
        try:
            async with asyncio.timeout(_ROW_SECONDS), AsyncExitStack() as stack:
                engine = await opener(stack, place / "engine")
                async with FarmUnderTest.opened(
                    folder=place / "row", engine=engine, machine=machine
                ) as farm:
                    try:
                        await row.run(farm)
                    except NotSurvivedError:
                        await farm.write_events()
                        raise
            await invariants.nothing_left(place / "row")
        except NotSurvivedError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"it was not over within {_ROW_SECONDS:.0f} s"
        except WheelyardError as error:
            reason = f"{type(error).__name__}: {error.message}"
        except Exception as error:  # noqa: BLE001 - see below
            # The outermost loop: a row that meets a fault of ours must not keep the others from being run.
            _LOG.exception("row %d met a fault", row.number)
            reason = f"a fault: {type(error).__name__}: {error}"
        await self._leave(place, failed=bool(reason))
        return Ended(row=row, engine=name, seconds=time.monotonic() - start, reason=reason)

    async def _leave(self, place: Path, *, failed: bool) -> None:
        if failed and self._kept is not None:
            target = self._kept / place.name
            await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
            await asyncio.to_thread(shutil.copytree, place, target, symlinks=True)
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)


_Opener = Callable[[AsyncExitStack, Path], Awaitable[Engine]]


@asynccontextmanager
async def _opener(name: EngineName) -> AsyncIterator[_Opener]:
    """Give what opens an engine for one row, with what all rows share of it."""
    if name is EngineName.EMBEDDED:

        async def embedded(_: AsyncExitStack, __: Path) -> Engine:
            return Embedded()

        yield embedded
        return
    server = await asyncio.to_thread(PrivateServer, durable=True)

    async def distributed(stack: AsyncExitStack, folder: Path) -> Engine:
        return await stack.enter_async_context(Distributed.opened(server, folder))

    try:
        yield distributed
    finally:
        await asyncio.to_thread(server.close)


async def _machine(folder: Path) -> Machine:
    cache = folder / "interpreters.json"
    found = await MachineInterpreters.find(cache=cache)
    targets = found.targets()
    if not targets:
        raise InterpreterError(
            "there is no Python on this machine that wheels can be built with",
            hint="'wheelyard target list' says which there are.",
        )
    return Machine(target=str(targets[-1]), interpreters=cache)
