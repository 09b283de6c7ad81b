"""A million jobs that wait: what choosing one costs, what one more costs, what raising a project touches.

Both engines are asked through the store, as the coordinator asks it, each call timed by itself. A
database with a hundredth of the jobs is asked too: what differs is what grows with the queue. The
server flushes each commit to its disk; ``nothing, committed`` is what that alone takes, and ``not flushed``
says what choosing takes without it. SQLite flushes no commit: its log is carried over beside them.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting
from rich.console import Console
from rich.table import Table

from wheelyard.farm_ports import Terms
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.release import Release, project_name
from wheelyard.model.request import RequestId
from wheelyard.model.source import Source, SourceKind
from wheelyard.store.clock import SystemClock
from wheelyard.store.database import Connection, Database, is_server, open_database
from wheelyard.store.private_server import PrivateServer
from wheelyard.store.queue import StoredQueue
from wheelyard.store.texts import write_value
from wheelyard.targets.target import Target

JOBS = 1_000_000
POOLS = 20
PROJECTS = 2_000
OWNERS = tuple(f"owner-{number}" for number in range(5))
AIM_MS = 5.0
_AIMED = "choose"
_BATCH = 50_000
_JOBS = """
INSERT INTO jobs (
    key, project, version, target, state, fence, attempt, builder, counts, lost_by, refused_by,
    reason, accepted, artifact, changed, pool, owner, rank, submitted, open
)
WITH RECURSIVE numbers (n) AS (
    SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :beyond
)
SELECT 'key-' || n, 'project-' || (n % :projects), '1.0', 'cp312-manylinux_2_28_x86_64', 'ready',
    0, 0, '', '{}', '[]', '[]', '', '', '', 0, 'pool-' || (n % :pools),
    'owner-' || (n % :owners), (n * 7919) % 1000003, n, TRUE
FROM numbers
"""
_OFFERS = """
INSERT INTO offers (key, offer, request, context)
WITH RECURSIVE numbers (n) AS (
    SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :beyond
)
SELECT 'key-' || n, REPLACE(:offer, 'KEY', 'key-' || n), 'request', :context FROM numbers
"""
_DEPTHS = """
INSERT INTO pool_changes (pool, owner, waiting, running)
SELECT pool, owner, COUNT(*), 0 FROM jobs GROUP BY pool, owner
"""
_TOUCH = "UPDATE pools SET needs = needs WHERE pool = 'pool-0'"
_UNFLUSHED = "ALTER ROLE CURRENT_USER SET synchronous_commit = off"
_POOLS = "INSERT INTO pools (pool, needs) VALUES (:pool, '{}')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What many calls of one kind took, in milliseconds."""

    engine: str
    jobs: int
    what: str
    calls: int
    p50: float
    p99: float
    rows: str = ""


def run(_: Setting, report: Report, jobs: int = JOBS) -> None:
    """Measure both engines; every call is printed, and what there is an aim for is judged."""
    timings: list[Timing] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (jobs // 100, jobs):
            path = Path(folder) / f"{number}.sqlite"
            report.say(f"SQLite, {number:,} jobs")
            timings += asyncio.run(_measure("SQLite", path, number))
            path.unlink()
            report.say(f"PostgreSQL, {number:,} jobs")
            with PrivateServer(durable=True) as server:
                timings += asyncio.run(_measure("PostgreSQL", server.url(), number))
    Console(width=110).print(_table(timings))
    report.publish("queue_depth", [_judged(one) for one in timings if one.what.startswith(_AIMED)])


def _judged(timing: Timing) -> Row:
    verdict = Verdict(what="p99", unit="ms", found=timing.p99, most=AIM_MS)
    subject = f"{timing.engine}, {timing.jobs:,} jobs"
    return Row(subject=subject, runner=timing.what, verdicts=(verdict,))


async def _measure(engine: str, address: str | Path, jobs: int) -> Sequence[Timing]:
    database = await open_database(address)
    await _fill(database, jobs)
    if is_server(address):
        # As the server itself does after a minute.
        await database.write(lambda connection: connection.execute("ANALYZE"))
    timings = await _timings(database, engine, jobs)
    if is_server(address):
        timings.append(await _not_flushed(database, address, engine, jobs))
    await database.close()
    return timings


async def _not_flushed(database: Database, address: str | Path, engine: str, jobs: int) -> Timing:
    """Choose over connections for which the server does not wait for its disk."""
    await database.write(lambda connection: connection.execute(_UNFLUSHED))
    hasty = await open_database(address)
    queue = StoredQueue(database=hasty, clock=SystemClock())
    timing = await _timed("choose the next of a pool, not flushed", 1000, _choose(queue))
    await hasty.close()
    return replace(timing, engine=engine, jobs=jobs)


def _choose(queue: StoredQueue) -> Callable[[int], Awaitable[object]]:
    """Lease one job of one of two pools."""
    return lambda number: queue.lease_next(
        {f"pool-{number % 2}": ()}, "builder", owners=OWNERS, count=1, seconds=60
    )


async def _timed(what: str, calls: int, call: Callable[[int], Awaitable[object]]) -> Timing:
    seconds = []
    for number in range(calls):
        started = time.perf_counter()
        await call(number)
        seconds.append(time.perf_counter() - started)
    cuts = statistics.quantiles(seconds, n=100)
    p50, p99 = (round(cuts[place] * 1000, 2) for place in (49, 98))
    return Timing(engine="", jobs=0, what=what, calls=calls, p50=p50, p99=p99)


async def _timings(database: Database, engine: str, jobs: int) -> list[Timing]:
    queue = StoredQueue(database=database, clock=SystemClock())
    pools: dict[str, tuple[str, ...]] = {f"pool-{number}": () for number in range(3)}

    calls = 1000
    return [
        replace(timing, engine=engine, jobs=jobs)
        for timing in (
            # What the engine and the disk take for any transaction, on this machine at this moment.
            await _timed("nothing, committed", calls, lambda _: database.write(_touch)),
            await _timed("choose the next of a pool", calls, _choose(queue)),
            await _timed(
                "choose the next of three pools",
                calls,
                lambda _: queue.lease_next(pools, "builder", owners=OWNERS, count=1, seconds=60),
            ),
            await _timed("submit", calls, lambda number: queue.submit(*_wanted(number))),
            await _timed("all leases", calls // 5, lambda _: queue.leased()),
            await _timed("depths of all pools", calls // 5, lambda _: queue.open_pools()),
            await _raise(queue, engine, jobs),
        )
    ]


def _touch(connection: Connection) -> None:
    connection.execute(_TOUCH)


async def _fill(database: Database, jobs: int) -> None:
    offer, _ = _wanted(0)
    text = write_value(offer).replace("submitted-0", "KEY")
    shares = {"pools": POOLS, "projects": PROJECTS, "owners": len(OWNERS)}

    def batch(first: int) -> Callable[[Connection], None]:
        bounds = {"first": first, "beyond": min(first + _BATCH, jobs)}

        def work(connection: Connection) -> None:
            connection.execute(_JOBS, {**bounds, **shares})
            connection.execute(_OFFERS, {**bounds, "offer": text, "context": b"context"})

        return work

    def count(connection: Connection) -> None:
        connection.execute(_DEPTHS)
        connection.execute_all(_POOLS, [{"pool": f"pool-{number}"} for number in range(POOLS)])

    for first in range(0, jobs, _BATCH):
        await database.write(batch(first))
    await database.write(count)


async def _raise(queue: StoredQueue, engine: str, jobs: int) -> Timing:
    """Raise each of some projects once; what is touched must be their jobs."""
    seconds, moved = [], []
    for number in range(100, 120):
        selection = Selection(project=project_name(f"project-{number}"))
        started = time.perf_counter()
        moved.append(await queue.rank_again(selection, by=-1000))
        seconds.append(time.perf_counter() - started)
    return Timing(
        engine=engine,
        jobs=jobs,
        what="raise one project",
        calls=len(seconds),
        p50=round(statistics.median(seconds) * 1000, 2),
        p99=round(max(seconds) * 1000, 2),
        rows=f"{min(moved)} to {max(moved)}",
    )


def _wanted(number: int) -> tuple[Offer, Terms]:
    location = "https://files.example/example-1.0.tar.gz"
    offer = Offer(
        key=BuildKey(f"submitted-{number}"),
        release=Release.parse("example==1.0"),
        source=Source(kind=SourceKind.SDIST, location=location, digest=f"sha256:{0:064}"),
        target=Target.parse("cp312-manylinux_2_28_x86_64"),
        requirements=(),
    )
    terms = Terms(
        owner=OWNERS[0], pool="pool-0", needs={}, rank=500_000, request=RequestId("request")
    )
    return offer, terms


def _table(timings: Sequence[Timing]) -> Table:
    result = Table(title="queue_depth: milliseconds", box=None, pad_edge=False)
    for column in ("what", "engine", "jobs", "calls", "p50", "p99", "aim", "rows touched"):
        result.add_column(column, justify="left" if column in {"what", "engine"} else "right")
    for timing in sorted(timings, key=lambda timing: (timing.what, timing.engine)):
        aim = f"≤ {AIM_MS}" if timing.what.startswith("choose") else ""
        numbers = [f"{timing.jobs:,}", str(timing.calls), f"{timing.p50:.2f}", f"{timing.p99:.2f}"]
        result.add_row(timing.what, timing.engine, *numbers, aim, timing.rows)
    return result
