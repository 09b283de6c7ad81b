"""What people want meanwhile, machines whose clocks or disks are wrong, and builders that are hostile."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

from wheelyard.selftest import graph
from wheelyard.selftest.farm import BUILDERS, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.rows.builders import SLOW
from wheelyard.selftest.verdict import NotSurvivedError, check, until

_LONG = graph.SLOW.replace("range(40)", "range(200)")
_MINUTE = 60.0
_BALLAST, _MARGIN = 1 << 30, 1 << 29


async def nobody_can(farm: FarmUnderTest) -> None:
    """Row 18: a job that nobody can run says what it needs, and runs by itself when somebody comes who can."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS)
    request = await farm.submit(needs={"site": "cellar"})
    await _says(farm, "site=cellar", "nearest builder")
    (cellar,) = await farm.join("cellar", WHEELYARD_LABEL="site=cellar", slots=4)
    await farm.built(5)
    cellar.program.send(signal.SIGTERM)
    await cellar.program.ended(seconds=180)
    await _says(farm, "cellar could run it", "not there")
    await farm.start_builder(cellar, slots=4, WHEELYARD_LABEL="site=cellar")
    await farm.done(request)
    await hold(farm)


async def _says(farm: FarmUnderTest, *texts: str) -> None:
    """Wait until a job that waits says why."""

    async def look() -> bool:
        pools = await farm.client.pools()
        return any(all(t in job["why"] for t in texts) for pool in pools for job in pool["jobs"])

    await until(look, f"a job that waits says: {', '.join(texts)}", seconds=_MINUTE)


async def people_decide(farm: FarmUnderTest) -> None:
    """Row 19: what is raised comes next, what is cancelled stops, and dependants of a failure revive."""
    boosted, cancelled, fails = 9, graph.SLOW_ONE, 0
    await farm.start()
    until_then = time.time() + 60
    failing = f"import time\nif time.time() < {until_then!r}: raise SystemExit('fatal: not yet')\n"
    farm.upload({cancelled: _LONG, fails: failing})
    request = await farm.submit()
    first = await farm.state_of(graph.name_of(boosted), "ready")
    await farm.client.post(f"/api/jobs/{first['key']}/boost", {"by": 10})
    await farm.join("one", slots=1)
    leased = await until(
        lambda: farm.client.happened("job.leased"), "a job is given out", seconds=30
    )
    check(leased[0]["subject"] == first["key"], "what was raised was not the next one")
    await farm.client.post("/api/builders/one/pause", {"reason": "a test"})
    before = len(await farm.client.happened("job.leased", actor="one"))
    await farm.join("two", "three")
    runner = await farm.running(SLOW)
    victim = await farm.client.job(SLOW)
    await farm.client.post(f"/api/jobs/{victim['key']}/cancel", {"reason": "a test"})
    await runner.program.hear(f"stopped {SLOW}==1.0", seconds=10)
    failed = await _failed(farm, fails)
    given = len(await farm.client.happened("job.leased", actor="one"))
    check(given == before, "a builder that is paused was given work")
    await farm.client.post("/api/builders/one/resume")
    await farm.ended(request)
    await _root_cause(farm, request, fails)
    await asyncio.sleep(max(0.0, until_then - time.time()))
    for key in (failed["key"], victim["key"]):
        await farm.client.post(f"/api/jobs/{key}/retry")
    await farm.done(await farm.submit())
    await hold(farm)


async def _root_cause(farm: FarmUnderTest, request: str, fails: int) -> None:
    """See that what needs a failure was not begun, and names it."""
    name = graph.name_of(fails)
    needing = {graph.name_of(n) for n in range(graph.COUNT) if name in graph.needs_of(n)}
    rows = {str(row["unit"]["release"]): row for row in await farm.client.rows(request)}
    for project in sorted(needing):
        check(not await farm.client.job(project), f"{project} was begun without {name}")
        row = next((row for release, row in rows.items() if project in release), {})
        check(
            name in str(row.get("cause")),
            f"{project} does not name {name} as the cause, but {row.get('cause')}",
        )


async def _failed(farm: FarmUnderTest, number: int) -> dict[str, object]:
    async def look() -> dict[str, object]:
        job = await farm.client.job(graph.name_of(number))
        return job if job.get("outcome") == "failed" else {}

    return await until(look, f"{graph.name_of(number)} has failed", seconds=180)


async def wrong_machines(farm: FarmUnderTest) -> None:
    """Row 20: wrong clocks expire nothing, who is revoked is shut out, and a full disk is noticed in time."""
    free = shutil.disk_usage(farm.folder).free
    if free < 2 * _BALLAST:
        raise NotSurvivedError(
            f"{2 * _BALLAST >> 30} GiB of disk must be free to fill a part of it"
        )
    farm.upload({graph.SLOW_ONE: _LONG})
    least = f"--min-free-disk={(free - _MARGIN) >> 20}M"
    await farm.start(least, failpoints="clock.now=shift:3600")
    await farm.join("one", failpoints="clock.now=shift:-3600")
    await farm.join("two", "three")
    request = await farm.submit()
    revoked = await farm.running(SLOW)
    fence = (await farm.client.job(SLOW))["fence"]
    await farm.client.post(f"/api/builders/{revoked.name}/revoke", {"reason": "a test"})
    code = await revoked.program.ended(seconds=60)
    check(code == 2, f"the builder that was revoked ended with {code}")  # noqa: PLR2004 - ExitCode.USAGE

    async def elsewhere() -> bool:
        job = await farm.client.job(SLOW)
        return bool(job["fence"] > fence and job["builder"] != revoked.name)

    await until(elsewhere, "its job runs elsewhere", seconds=30)
    lost = len(await farm.client.happened("job.lost"))
    await farm.coordinator.kill()
    await farm.start(least, failpoints="clock.now=shift:-3600")
    await farm.built(12)
    check(len(await farm.client.happened("job.lost")) == lost, "a wrong clock lost leases")
    await _fill_the_disk(farm)
    await farm.done(request)
    check(len(await farm.client.happened("job.lost")) == lost, "leases were lost")
    await hold(farm)


async def _fill_the_disk(farm: FarmUnderTest) -> None:
    ballast = farm.folder / "ballast"
    await asyncio.to_thread(_allocate, ballast)
    try:
        await asyncio.sleep(3)
        before = len(await farm.client.happened("job.leased"))

        async def finished() -> bool:
            return not await farm.client.jobs(state="leased")

        await until(finished, "what runs is finished, and taken in", seconds=60)
        check(
            len(await farm.client.happened("job.leased")) == before,
            "work was given out with a full disk",
        )
        ready = await farm.client.jobs(state="ready")
        if ready:
            why = (await farm.client.detail(ready[0]["key"]))["why"]
            check("room on the farm's own disk" in why, f"a job that waits says: {why}")
    finally:
        ballast.unlink()


def _allocate(path: Path) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, _BALLAST)
