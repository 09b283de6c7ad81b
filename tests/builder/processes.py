"""``wheelyard builder`` as a process, on a farm over real connections."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import wheelyard
from builder.http_farm import CODE, HttpFarm
from builder.world import TOKEN, World
from wheelyard.model.job import Offer

PATIENCE_SECONDS = 30
SOURCES = Path(wheelyard.__file__).parent.parent


@dataclass
class Running:
    """A builder's process, and what it printed so far."""

    process: asyncio.subprocess.Process
    printed: list[str]
    news: asyncio.Condition

    async def says(self, text: str) -> None:
        """Wait until it printed a text."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.news:
            await self.news.wait_for(lambda: any(text in line for line in self.printed))

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()

    async def read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            async with self.news:
                self.printed.append(line.decode())
                self.news.notify_all()


@dataclass
class Site:
    """A farm, and where builders' processes have their state."""

    world: World
    farm: HttpFarm
    state: Path

    async def assign(self, offer: Offer, *, fence: int = 1) -> Offer:
        told = await self.world.farm.assign(offer, fence=fence)
        self.farm.jobs[TOKEN] = (told.key, str(fence))
        return told

    @asynccontextmanager
    async def builder(self, *options: str, code: str = CODE) -> AsyncIterator[Running]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wheelyard", "builder", "--join", self.farm.url),
            *("--token", code, "--state", str(self.state), "--slots", "1", *options),
            env=environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        found = Running(process, [], asyncio.Condition())
        reader = asyncio.create_task(found.read())
        try:
            await found.says("joined")
            yield found
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()
            await reader


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES), **more}
