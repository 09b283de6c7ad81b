"""How long each page of the site takes on a large farm: 10,000 projects, 200,000 jobs and attempts, 50 builders.

A real server over loopback is asked for each page, one request after the other, by a client in the same process. Wall time
is what a visitor waits; beside it stands the processor time of server and client together, which says more where
the machine does other things as well.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from benchmarks.large_farm import CAMPAIGN, LARGE, REQUESTS, TARGETS, fill, key_of, state_of
from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting
from rich.console import Console
from rich.table import Table

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.bus.memory import MemoryBus
from wheelyard.farm_ports import Role
from wheelyard.index.serving import keep_what_is_there, running
from wheelyard.model.builder import Facts, Health
from wheelyard.protocol.messages import Presence
from wheelyard.protocol.wire import encode
from wheelyard.store.clock import SystemClock
from wheelyard.store.database import open_database
from wheelyard.store.folder import StateFolder
from wheelyard.store.private_server import PrivateServer
from wheelyard.testing.desk import DeskPorts, StoreDesk
from wheelyard.web.app import WebApp
from wheelyard.web.minting import Mint
from wheelyard.web.ports import WebPorts

PROJECTS = 10_000
PACKAGE = "p00017"
BUILDERS = 50
AIM_MS = 100.0
_WAITING = key_of(next(number for number in range(100) if state_of(number) == "ready"))
HTML = {"Accept": "text/html"}
PAGES = (
    *(
        "/",
        "/projects",
        "/projects?name=9&after=project-5",
        "/projects/project-7",
        f"/projects/{LARGE}",
    ),
    *("/matrix", "/matrix?regressed=1", "/matrix?state=failed", "/matrix?mine=1"),
    *(f"/matrix?target={TARGETS[3]}&state=held&name=77", "/search?q=77", "/search?q=project"),
    *("/reports", f"/requests/compare?a={REQUESTS[0]}&b={REQUESTS[1]}"),
    *("/feeds/failures.atom", "/feeds/published.atom", "/feeds/projects/project-7.atom"),
    *("/badges/project-7.svg", f"/badges/project-7/{TARGETS[0]}.svg"),
    *("/jobs", "/jobs?project=project-7", "/jobs?state=done&outcome=failed", f"/jobs/{key_of(7)}"),
    *(f"/jobs/{_WAITING}", f"/jobs/{key_of(7)}/attempts/1", "/index", "/index?name=77"),
    *("/queue", "/requests", f"/requests/{REQUESTS[0]}", "/builders", "/builders/builder-7"),
    *("/migrations", f"/migrations/{CAMPAIGN}", f"/migrations/{CAMPAIGN}?state=published"),
    *(f"/migrations/{CAMPAIGN}/packages/{PACKAGE}", f"/packages/{PACKAGE}", "/versions"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What many requests for one page took, in milliseconds, and its bytes."""

    engine: str
    page: str
    p50: float
    p95: float
    cpu: float
    size: int


def run(setting: Setting, report: Report, projects: int = PROJECTS) -> None:
    """Measure every page on both engines; each is judged by its 95th percentile."""
    timings: list[Timing] = []
    with tempfile.TemporaryDirectory() as folder:
        if setting.wants("sqlite"):
            report.say("SQLite")
            timings += asyncio.run(measure("SQLite", Path(folder) / "one", "", projects))
        if setting.wants("postgresql"):
            report.say("PostgreSQL")
            with PrivateServer() as server:
                timings += asyncio.run(
                    measure("PostgreSQL", Path(folder) / "two", server.url(), projects)
                )
    Console(width=120).print(_table(timings))
    report.publish("site_pages", [_judged(one) for one in timings])


async def measure(
    engine: str, state: Path, database: str, projects: int, rounds: int = 40
) -> Sequence[Timing]:
    """Fill a farm and ask for every page."""
    async with await StateFolder.open(state, database=database) as folder:
        opened = await open_database(database or state / "state.sqlite")
        await fill(opened, projects=projects, builders=BUILDERS)
        await opened.close()
        async with _client(folder) as client:
            return [await _page(engine, client, page, rounds) for page in PAGES]


@asynccontextmanager
async def _client(folder: StateFolder) -> AsyncIterator[httpx.AsyncClient]:
    clock, bus = SystemClock(), MemoryBus(log_folder=folder.path / "live-logs")
    app = WebApp(await _ports(folder, clock, bus))
    credential, _ = await Mint(tokens=folder.tokens, clock=clock).make(Role.REQUESTER, "owner-1")
    listening = asyncio.ensure_future(app.run())
    try:
        for number in range(BUILDERS):
            await _announce(bus, f"builder-{number}")
        async with running(app) as address:
            keep_what_is_there()
            headers = {"Authorization": f"Bearer {credential}"}
            async with httpx.AsyncClient(
                base_url=address, headers=headers, timeout=60, trust_env=False
            ) as client:
                yield client
            await app.end()
    finally:
        listening.cancel()
        await asyncio.wait([listening])
        await bus.close()


async def _announce(bus: MemoryBus, name: str) -> None:
    facts = Facts(version="1", slots=2, values=(("arch", "x86_64"), ("python", ("cp312",))))
    word = Presence(builder=name, session="s", facts=facts, health=Health(), free=0)
    await bus.builder(name).announce(encode(word))


async def _ports(folder: StateFolder, clock: SystemClock, bus: MemoryBus) -> WebPorts:
    desk = DeskPorts(
        requests=folder.requests,
        jobs=folder.jobs,
        queue=folder.queue,
        builders=folder.builders,
        events=folder.events,
        bus=bus,
        clock=clock,
    )

    async def bus_of(_: str) -> Mapping[str, str]:
        return {"kind": "http"}

    return WebPorts(
        tokens=folder.tokens,
        builders=folder.builders,
        requests=folder.requests,
        queue=folder.queue,
        jobs=folder.jobs,
        artifacts=folder.artifacts,
        blobs=FolderBlobs(folder.place("blobs"), own=folder.path),
        events=folder.events,
        site=await folder.site(),
        campaigns=folder.campaigns,
        bus=bus,
        bus_of=bus_of,
        end_of=bus.builder,
        desk=StoreDesk(desk),
        clock=clock,
    )


async def _page(engine: str, client: httpx.AsyncClient, page: str, rounds: int) -> Timing:
    answer = await client.get(page, headers=HTML)
    if answer.status_code != httpx.codes.OK:
        raise SystemExit(f"{page} answered {answer.status_code}: {answer.text[-300:]}")
    walls, cpus = [], []
    for _ in range(rounds):
        cpu, begun = time.process_time(), time.perf_counter()
        await client.get(page, headers=HTML)
        walls.append(time.perf_counter() - begun)
        cpus.append(time.process_time() - cpu)
    return Timing(
        engine=engine,
        page=page,
        p50=round(statistics.median(walls) * 1000, 1),
        p95=round(statistics.quantiles(walls, n=20)[18] * 1000, 1),
        cpu=round(statistics.median(cpus) * 1000, 1),
        size=len(answer.content),
    )


def _judged(timing: Timing) -> Row:
    verdict = Verdict(what="p95", unit="ms", found=timing.p95, most=AIM_MS)
    return Row(subject=timing.page, runner=timing.engine, verdicts=(verdict,))


def _table(timings: Sequence[Timing]) -> Table:
    result = Table(
        title=f"site_pages: milliseconds; aim p95 ≤ {AIM_MS:.0f}", box=None, pad_edge=False
    )
    for column in ("page", "engine", "p50", "p95", "processor", "kB"):
        result.add_column(column, justify="left" if column in {"page", "engine"} else "right")
    for one in timings:
        numbers = (f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.cpu:.1f}", f"{one.size / 1000:.1f}")
        result.add_row(one.page, one.engine, *numbers)
    return result
