"""Coordinators that die, or that are two."""

import asyncio
import shutil
import signal

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.selftest import graph
from wheelyard.selftest.engines import free_port
from wheelyard.selftest.farm import BUILDERS, LEASE, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.program import Program
from wheelyard.selftest.verdict import check, until
from wheelyard.store.folder import StateFolder

_LONG = graph.SLOW.replace("range(40)", "range(120)")
_SLOW = (7, 8, 9)


async def killed(farm: FarmUnderTest) -> None:
    """Row 6: builds run on while the coordinator is away for longer than a lease, and are taken over by their fence."""
    farm.upload(dict.fromkeys(_SLOW, _LONG))
    await farm.start()
    await farm.join(*BUILDERS)
    request = await farm.submit()
    for number in _SLOW:
        await farm.running(graph.name_of(number))
    before = {job["key"]: job for job in await farm.client.jobs(state="leased")}
    await farm.coordinator.kill()
    await asyncio.sleep(LEASE + 1)
    await farm.start()
    await farm.done(request)
    for number in _SLOW:
        job = await farm.client.job(graph.name_of(number))
        known = before[job["key"]]
        check(
            (job["builder"], job["fence"], job["attempt"]) == (known["builder"], known["fence"], 1),
            f"{job['release']} was built by {job['builder']} in attempt {job['attempt']}",
        )
        lost = await farm.client.happened("job.lost", subject=job["key"])
        check(not lost, f"the lease of {job['release']} was lost with the coordinator")
    await hold(farm)


async def crashed_after_commit(farm: FarmUnderTest) -> None:
    """Row 7: a result that is in the database when its reply is lost is told again, and counts once."""
    await _crash_and_go_on(
        farm,
        "dispatch.after_lease=kill@4",
        "intake.after_commit=kill@6",
        "result.before_settled=kill@8",
        "request.before_end=kill",
    )
    await hold(farm)


async def crashed_before_commit(farm: FarmUnderTest) -> None:
    """Row 8: a blob of a result that was never committed is collected later; the job completes."""
    request = await _begun_and_crashed(
        farm, "blobs.before_name=kill@4", "blobs.after_name=kill@6", "intake.before_commit=kill@6"
    )
    # Whoever made it is gone for good, too: what it uploaded is nobody's.
    for name in BUILDERS:
        await farm.builders[name].program.kill()
        shutil.rmtree(farm.builders[name].state / "spool", ignore_errors=True)
    await farm.start()
    for name in BUILDERS:
        await farm.start_builder(farm.builders[name])
    await farm.done(request)
    check(await _unnamed(farm), "no blob is left over, so that nothing is shown by this row")
    # What nothing names is collected while nothing runs that might want it.
    await farm.coordinator.stop()
    cleaner = Program("clean", farm.folder)
    database = [f"--database={farm.engine.database}"] if farm.engine.database else []
    await cleaner.start("state", "clean", "--unused=0h", "--state", farm.state, *database)
    check(await cleaner.ended(seconds=180) == 0, f"it cannot be cleaned: {cleaner.says[-300:]}")
    left = await _unnamed(farm)
    check(not left, f"{len(left)} blobs are left that nothing names")
    await farm.start()
    await farm.present(*BUILDERS)
    await hold(farm)


async def _unnamed(farm: FarmUnderTest) -> set[str]:
    """Return the blobs that nothing in the database names."""
    blobs = FolderBlobs(farm.state / "blobs")
    async with await StateFolder.open(farm.state, database=farm.engine.database) as folder:
        named = {reference.digest for reference in await folder.references.all()}
    return set(await asyncio.to_thread(blobs.digests)) - named


async def two(farm: FarmUnderTest) -> None:
    """Row 10: of two coordinators one leads, and the other one goes on where the first was killed."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS)
    second, port = Program("second", farm.folder), free_port()
    farm.programs.append(second)
    state = farm.state
    if farm.engine.bus_port:
        # Coordinators of one database share the blobs and nothing else of their folders.
        state = farm.folder / "farm-2"
        state.mkdir()
        shutil.copy(farm.state / "wheelyard-state", state)
        (state / "blobs").symlink_to(farm.state / "blobs")
    await farm.serve(second, port, state)
    request = await farm.submit()
    await farm.built(15)
    leaders = await farm.client.happened("leader.changed")
    check(len(leaders) == 1, f"{len(leaders)} coordinators lead at once")
    check("this coordinator leads" not in second.says, "both coordinators lead")
    farm.coordinator.send(signal.SIGKILL)
    await farm.coordinator.ended()
    farm.move(port)
    await second.hear("this coordinator leads", seconds=20)
    await farm.done(request)
    await hold(farm)


async def _crash_and_go_on(farm: FarmUnderTest, *failpoints: str) -> None:
    """Run the graph while the coordinator dies at each of some places, once."""
    request = await _begun_and_crashed(farm, *failpoints)
    await farm.start()
    await farm.done(request)


async def _begun_and_crashed(farm: FarmUnderTest, first: str, *failpoints: str) -> str:
    """Begin the graph, and let the coordinator die at each of some places; return the request."""
    farm.upload()
    await farm.start(failpoints=first)
    await farm.join(*BUILDERS)
    request = await farm.submit()
    for following in failpoints:
        await farm.coordinator.ended(seconds=240)
        await farm.start(failpoints=following)
    await farm.coordinator.ended(seconds=240)
    return request


async def engines_away(farm: FarmUnderTest) -> None:
    """Row 9: a database that is away or locked for ten seconds, and a bus that crashes, lose nothing."""
    farm.upload(dict.fromkeys(_SLOW, graph.SLOW))
    await farm.start()
    await farm.join(*BUILDERS)
    request = await farm.submit()
    await farm.built(5)
    if farm.engine.bus_port:
        await farm.engine.stop_database()
        await asyncio.sleep(10)
        await farm.engine.start_database()
        await _leads_still(farm)
        await farm.engine.stop_bus()
        await asyncio.sleep(2)
        await farm.engine.start_bus()
    else:
        await asyncio.to_thread(_lock, farm)
    await farm.done(request)
    await hold(farm)


async def _leads_still(farm: FarmUnderTest) -> None:
    async def answers() -> bool:
        return bool(await farm.builders_now())

    await until(answers, "the farm answers again", seconds=30)


def _lock(farm: FarmUnderTest) -> None:
    import sqlite3
    import time

    connection = sqlite3.connect(farm.state / "state.sqlite", timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(10)
        connection.execute("ROLLBACK")
    finally:
        connection.close()
