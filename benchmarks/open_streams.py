"""Ten thousand open pages: what they cost a farm, and how soon a change reaches all of them.

The farm is a process of its own (``wheelyard serve``); this one holds the other ends. A change is
made by minting a token; meanwhile an ordinary page is asked for again and again.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

STREAMS = 10_000
CHANGES = 5
AIM_MEGABYTES = 500.0
AIM_PAGE_MS = 100.0
_AT_ONCE = 200
_CHANGED = b"event: changed"
_PATIENCE_SECONDS = 60.0
_TOKEN = {"role": "reader", "subject": "ann"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen. ``others_…``: an ordinary page, asked for while a change reaches everybody."""

    streams: int
    opened_seconds: float
    idle_megabytes: float
    megabytes: float
    change_p50_seconds: float
    change_last_seconds: float
    others_p50_ms: float
    others_p95_ms: float
    quiet_p50_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """A farm that runs."""

    address: str
    token: str
    process: int

    def megabytes(self) -> float:
        """Return how much memory of its own it holds."""
        text = Path(f"/proc/{self.process}/status").read_text("utf-8")
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def farm(folder: Path, *options: str) -> AsyncIterator[Farm]:
    """Run a farm while the block runs."""
    command = [sys.executable, "-m", "wheelyard", "serve", "--state", str(folder), "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, *options, stdout=subprocess.PIPE, stderr=(folder.parent / "serve.log").open("wb")
    )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        token = (await process.stdout.readline()).decode().split()[-1]
        yield Farm(address=address, token=token, process=process.pid)
    finally:
        process.terminate()
        await process.wait()


class Listeners:
    """The other ends of many streams."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._place = (parts.hostname or "", parts.port or 80)
        self._request = f"GET /live?of=tokens HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.heard: list[float] = []
        self.all_heard = asyncio.Event()
        self._count = 0

    async def open(self, count: int, stack: AsyncExitStack) -> None:
        """Open so many, and listen to them until the stack is left."""
        self._count = count
        group = await stack.enter_async_context(asyncio.TaskGroup())
        readers = await asyncio.gather(*(self._one() for _ in range(count)))
        tasks = [group.create_task(self._listen(reader)) for reader, _ in readers]

        def close() -> None:
            for task in tasks:
                task.cancel()
            for _, writer in readers:
                writer.close()

        stack.callback(close)

    async def _one(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with self._gate:
            reader, writer = await asyncio.open_connection(*self._place, limit=4096)
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head.partition(b"\r\n")[0], head
            return reader, writer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(_CHANGED):
                self.heard.append(time.perf_counter())
                if len(self.heard) >= self._count:
                    self.all_heard.set()

    async def wait(self) -> Sequence[float]:
        """Wait until all heard; return when each did."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self.all_heard.wait()
        heard, self.heard = self.heard, []
        self.all_heard.clear()
        return heard


async def _ask(client: httpx.AsyncClient, times: list[float], done: asyncio.Event) -> None:
    while not done.is_set():
        begun = time.perf_counter()
        (await client.get("/queue", headers={"Accept": "text/html"})).raise_for_status()
        times.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.01)


async def _change(
    client: httpx.AsyncClient, one: Farm, listeners: Listeners
) -> tuple[Sequence[float], Sequence[float]]:
    """Change something; return when each heard of it, and how long pages took meanwhile."""
    pages: list[float] = []
    done, begun = asyncio.Event(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(_ask(client, pages, done))
        answer = await client.post(
            "/api/tokens", json=_TOKEN, headers={"Authorization": f"Bearer {one.token}"}
        )
        answer.raise_for_status()
        heard = await listeners.wait()
        done.set()
    # A page hears once a second at most.
    await asyncio.sleep(1.5)
    return [moment - begun for moment in heard], pages


async def measure(streams: int, folder: Path) -> Measured:
    """Open streams on a farm of its own, and change something."""
    async with farm(folder, "--builders", "0", "--offline") as one, AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=one.address))
        quiet: list[float] = []
        for _ in range(30):
            begun = time.perf_counter()
            (await client.get("/queue")).raise_for_status()
            quiet.append((time.perf_counter() - begun) * 1000)
        idle = one.megabytes()
        listeners, begun = Listeners(one.address), time.perf_counter()
        await listeners.open(streams, stack)
        opened = time.perf_counter() - begun
        heard: list[float] = []
        pages: list[float] = []
        for _ in range(CHANGES):
            moments, took = await _change(client, one, listeners)
            heard += moments
            pages += took
        return Measured(
            streams=streams,
            opened_seconds=round(opened, 2),
            idle_megabytes=round(idle, 1),
            megabytes=round(one.megabytes(), 1),
            change_p50_seconds=round(statistics.median(heard), 3),
            change_last_seconds=round(max(heard), 3),
            others_p50_ms=round(statistics.median(pages), 1),
            others_p95_ms=round(statistics.quantiles(pages, n=20)[-1], 1),
            quiet_p50_ms=round(statistics.median(quiet), 1),
        )


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=STREAMS)
    streams = parser.parse_args().streams
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="wheelyard-streams-") as name:
        found = asyncio.run(measure(streams, Path(name) / "state"))
    print(json.dumps(asdict(found), indent=2))


if __name__ == "__main__":
    main()
