"""No-op jobs through a real farm on loopback: how many a second, and how soon one that is ready is started.

``wheelyard serve`` with PostgreSQL and a nats-server, and two builders whose executor does nothing: a job is leased, ordered,
taken, its archive uploaded, its result verified, recorded and settled. Jobs that are counted by the second are put into
the queue as a request's crew does it; those that are timed are whole requests for a command, one at a time.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.farm import Fleet, MeasuredFarm, cpu_seconds, open_farm
from benchmarks.measure import BenchmarkError, Usage
from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting

from wheelyard.jobs.needs import Needs
from wheelyard.model.job import BuildKey
from wheelyard.model.release import Release
from wheelyard.store.clock import SystemClock
from wheelyard.store.database import Connection, open_database
from wheelyard.store.pool_depths import keep_needs
from wheelyard.store.queue import StoredQueue

JOBS = 2000
REQUESTS = 100
OTHERS = 200_000
SLOTS = 8
_BUILDERS = ("one", "two")
_WARM = 20
_POOLS = 20
_MOST_SECONDS = 900.0
_LEAST_RATE, _MOST_MS, _MOST_TIMES = 150.0, 20.0, 1.5
_COPY_JOBS = """
INSERT INTO jobs (
    key, project, version, target, state, fence, attempt, builder, counts, lost_by, refused_by,
    reason, accepted, artifact, changed, pool, owner, rank, submitted, open
)
SELECT 'other-' || n, project, version, target, 'ready', 0, 0, '', '{}', '[]', '[]', '', '', '', 0,
    :pool || (n % :pools), owner, rank + n, submitted, TRUE
FROM jobs, generate_series(1, :count) AS n WHERE key = :key
"""
_COPY_OFFERS = """
INSERT INTO offers (key, offer, request, context)
SELECT 'other-' || n, REPLACE(offer, :key, 'other-' || n), request, context
FROM offers, generate_series(1, :count) AS n WHERE key = :key
"""
_DEPTHS = """
INSERT INTO pool_changes (pool, owner, waiting, running)
SELECT pool, owner, COUNT(*), 0 FROM jobs WHERE key LIKE 'other-%' GROUP BY pool, owner
"""
_UNDONE = "SELECT COUNT(*) AS n FROM jobs WHERE key LIKE 'counted-%' AND state <> 'done'"
_READY = "SELECT key, submitted FROM jobs WHERE key NOT LIKE 'other-%' AND key NOT LIKE 'counted-%'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many jobs are counted, how many requests are timed, and how many jobs wait for nobody."""

    jobs: int = JOBS
    requests: int = REQUESTS
    others: int = OTHERS


def run(setting: Setting, report: Report, sizes: Sizes | None = None) -> None:
    """Measure an idle farm, then as many jobs as it can, then the idle farm with a long queue of others."""
    sizes = sizes or Sizes()
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder, open_farm(Path(folder)) as farm:
        fleets = [farm.builders(name, slots=SLOTS) for name in _BUILDERS]
        for number in range(_WARM):
            farm.wait_for(farm.request(-number))
        measured = _Measured(farm, fleets)
        report.say("an idle farm")
        idle = measured.latencies(sizes.requests)
        report.say(f"{sizes.jobs:,} jobs")
        usage, shares = measured.throughput(sizes.jobs)
        report.say(f"{sizes.others:,} jobs that nobody here can run")
        measured.add_others(sizes.others)
        busy = measured.latencies(sizes.requests)
    for name, seconds in shares.items():
        print(f"{name}: {seconds / sizes.jobs * 1000:.2f} ms of processor time a job")
    report.publish("dispatch", _rows(sizes, usage, idle, busy))


def _rows(
    sizes: Sizes, usage: Usage, idle: Sequence[float], busy: Sequence[float]
) -> Sequence[Row]:
    # The aim is a least rate: as a verdict it is the most milliseconds that one may take.
    each = usage.wall / sizes.jobs * 1000
    first, second = statistics.median(idle), statistics.median(busy)
    print(
        f"{sizes.jobs / usage.wall:.0f} jobs a second; ready to started p50 {first:.1f} ms, ",
        end="",
    )
    print(f"p90 {_p90(idle):.1f} ms; with the others p50 {second:.1f} ms, p90 {_p90(busy):.1f} ms")
    return (
        Row(
            subject=f"{sizes.jobs:,} jobs, two builders",
            runner="end to end",
            usages=(usage,),
            verdicts=(Verdict(what="each", unit="ms", found=each, most=1000 / _LEAST_RATE),),
        ),
        Row(
            subject="an idle farm",
            runner="ready to started",
            verdicts=(Verdict(what="p50", unit="ms", found=first, most=_MOST_MS),),
        ),
        Row(
            subject=f"and {sizes.others:,} jobs for nobody",
            runner="ready to started",
            verdicts=(Verdict(what="p50 / idle", unit="", found=second / first, most=_MOST_TIMES),),
        ),
    )


def _p90(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=10)[8]


class _Measured:
    """A farm with builders, and its database, which nobody but the measuring asks directly."""

    def __init__(self, farm: MeasuredFarm, fleets: Sequence[Fleet]) -> None:
        self._farm = farm
        self._fleets = fleets
        self._asked = 0

    def latencies(self, count: int) -> Sequence[float]:
        """Ask for some commands one after another; return how many milliseconds each was ready and not started."""
        before = set(self._started())
        for _ in range(count):
            self._asked += 1
            self._farm.wait_for(self._farm.request(self._asked))
        started = self._started()
        ready = asyncio.run(self._ready())
        return [(started[key] - ready[key]) * 1000 for key in started.keys() - before]

    def throughput(self, count: int) -> tuple[Usage, Mapping[str, float]]:
        """Let jobs wait, let builders take them, and return what it took until the last one was done."""
        self._tell("pause")
        asyncio.run(self._submit(count))
        before, began = self._cpu(), time.monotonic()
        self._tell("resume")
        asyncio.run(self._until_done())
        wall = time.monotonic() - began
        shares = {name: seconds - before[name] for name, seconds in self._cpu().items()}
        return Usage(cpu=sum(shares.values()), wall=wall), shares

    def add_others(self, count: int) -> None:
        """Add jobs that need another processor than any builder has."""
        asyncio.run(self._add_others(count))

    def _started(self) -> dict[str, float]:
        return {key: at for fleet in self._fleets for key, at in fleet.started().items()}

    def _tell(self, verb: str) -> None:
        for name in _BUILDERS:
            self._farm.ask("POST", f"/api/builders/{name}/{verb}", {"reason": "measuring"})

    def _cpu(self) -> dict[str, float]:
        parts = {name: cpu_seconds(pids) for name, pids in self._farm.parts().items()}
        return parts | {"builders": cpu_seconds([one.process.pid for one in self._fleets])}

    async def _ready(self) -> dict[str, float]:
        database = await open_database(self._farm.database)
        rows = await database.read(lambda connection: connection.execute(_READY).fetchall())
        await database.close()
        return {row["key"]: row["submitted"] / 1e6 for row in rows}

    async def _submit(self, count: int) -> None:
        template = BuildKey(next(iter(self._started())))
        database = await open_database(self._farm.database)
        queue = StoredQueue(database=database, clock=SystemClock())
        known = await queue.queued(template)
        assert known is not None
        for number in range(count):
            key = BuildKey(f"counted-{number}")
            # Each of another project, as jobs are: those of one project for one target share a cell of the matrix.
            release = Release.of(f"counted-{number}", str(known.offer.release.version))
            await queue.submit(replace(known.offer, key=key, release=release), known.terms)
        await database.close()

    async def _until_done(self) -> None:
        database = await open_database(self._farm.database)
        deadline = time.monotonic() + _MOST_SECONDS
        while True:
            row = await database.read(lambda connection: connection.execute(_UNDONE).fetchone())
            if row["n"] == 0:
                break
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{row['n']} jobs were not done in {_MOST_SECONDS:.0f} s")
            await asyncio.sleep(0.1)
        await database.close()

    async def _add_others(self, count: int) -> None:
        key = next(iter(self._started()))
        database = await open_database(self._farm.database)
        queue = StoredQueue(database=database, clock=SystemClock())
        known = await queue.queued(BuildKey(key))
        assert known is not None
        needs = Needs.of({**known.terms.needs, "arch": "riscv64"})
        await database.write(lambda connection: _copy(connection, key, needs, count))
        await database.write(lambda connection: connection.execute("ANALYZE"))
        await database.close()


def _copy(connection: Connection, key: str, needs: Needs, count: int) -> None:
    names = {"key": key, "count": count}
    connection.execute(_COPY_JOBS, {**names, "pool": f"{needs},rack=", "pools": _POOLS})
    connection.execute(_COPY_OFFERS, names)
    for number in range(_POOLS):
        keep_needs(connection, f"{needs},rack={number}", {**dict(needs.items), "rack": number})
    connection.execute(_DEPTHS)
