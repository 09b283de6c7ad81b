"""Builders that die, stand still or are cut off while they build."""

import asyncio
import re
import signal

from wheelyard.selftest import graph
from wheelyard.selftest.farm import BUILDERS, LEASE, Builder, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.verdict import check, until

SLOW = graph.name_of(graph.SLOW_ONE)
_TICK = re.compile(r"^tick (\d+)$", re.MULTILINE)
_LONG = graph.SLOW.replace("range(40)", "range(100)")


async def killed(farm: FarmUnderTest) -> None:
    """Row 1: the job of a builder that was killed runs again within a lease and five seconds."""
    request = await _begun(farm, graph.SLOW)
    victim = await farm.running(SLOW)
    before = await farm.client.job(SLOW)
    await victim.program.kill()
    loop = asyncio.get_running_loop()
    since = loop.time()
    after = await _given_anew(farm, before["fence"])
    took = loop.time() - since
    check(took <= LEASE + 5, f"its job ran elsewhere after {took:.1f} s")
    check(after["builder"] != victim.name, "its job was given to the builder that is dead")
    await farm.done(request)
    attempts = (await farm.client.detail(before["key"]))["attempts"]
    outcomes = [one["outcome"] for one in sorted(attempts, key=lambda one: one["number"])]
    check(outcomes == ["lost", "built"], f"its attempts are recorded as {outcomes}")
    check(await farm.client.happened("job.lost", subject=before["key"]), "no line says it was lost")
    await hold(farm)


async def killed_before_result(farm: FarmUnderTest) -> None:
    """Row 2: what a builder uploaded before it died is in no index by itself."""
    farm.upload()
    await farm.start()
    (victim,) = await farm.join("one", failpoints="delivery.after_upload=kill@3")
    (other,) = await farm.join("two", failpoints="delivery.before_upload=kill@4")
    await farm.join("three")
    request = await farm.submit()
    for dead in (victim, other):
        await dead.program.ended(seconds=180)
        await until(
            lambda name=dead.name: farm.client.happened("job.lost", actor=name),  # type: ignore[misc]
            "the dead builder's job is lost",
            seconds=LEASE + 10,
        )
    for dead in (victim, other):
        await farm.start_builder(dead)
    await farm.present(victim.name, other.name)
    await farm.done(request)
    await spool_empty(victim)
    await spool_empty(other)
    await hold(farm)


async def stopped(farm: FarmUnderTest) -> None:
    """Row 3: who slept through its lease kills its build, and changes nothing."""
    request = await _begun(farm, _LONG)
    sleeper = await farm.running(SLOW)
    before = await farm.client.job(SLOW)
    sleeper.program.send(signal.SIGSTOP)
    owner = await _given_anew(farm, before["fence"])
    sleeper.program.send(signal.SIGCONT)
    await sleeper.program.hear(f"stopped {SLOW}==1.0", seconds=20)
    await farm.done(request)
    after = await farm.client.job(SLOW)
    check(
        (after["builder"], after["fence"]) == (owner["builder"], owner["fence"]),
        f"{after['builder']} has the job that {owner['builder']} was given",
    )
    await ticks(farm, after["key"], 100)
    await hold(farm)


async def cut_briefly(farm: FarmUnderTest) -> None:
    """Row 4: a cut that is shorter than the lease is not noticed in result or log."""
    request = await _begun(farm, graph.SLOW)
    victim = await farm.running(SLOW)
    key = (await farm.client.job(SLOW))["key"]
    following = asyncio.create_task(farm.client.follow(key))
    try:
        await asyncio.sleep(0.5)
        await farm.cut(victim)
        await asyncio.sleep(LEASE * 0.4)
        await farm.heal(victim)
        await farm.done(request)
        followed = await asyncio.wait_for(following, 30)
    finally:
        following.cancel()
    job = await farm.client.job(SLOW)
    check((job["attempt"], job["fence"]) == (1, 1), f"it took {job['attempt']} attempts")
    await ticks(farm, key, 40)
    check(followed == await farm.client.log(key), "who followed the log saw another one")
    check(not await farm.client.happened("builder.lost"), "the builder was given up")
    await hold(farm)


async def cut_for_long(farm: FarmUnderTest) -> None:
    """Row 5: a cut that is longer than the lease costs the job, and the finished artifact is kept meanwhile."""
    request = await _begun(farm, graph.SLOW)
    victim = await farm.running(SLOW)
    before = await farm.client.job(SLOW)
    await farm.cut(victim)
    owner = await _given_anew(farm, before["fence"])
    await until(lambda: _keeps(victim), "it keeps what it finished", seconds=30)
    await farm.heal(victim, forgotten=True)
    await farm.present(victim.name)
    await farm.done(request)
    after = await farm.client.job(SLOW)
    check(
        (after["builder"], after["fence"]) == (owner["builder"], owner["fence"]),
        f"{after['builder']} has the job that {owner['builder']} was given",
    )
    await spool_empty(victim)
    await hold(farm)


async def _begun(farm: FarmUnderTest, hook: str) -> str:
    farm.upload({graph.SLOW_ONE: hook})
    await farm.start()
    await farm.join(*BUILDERS)
    return await farm.submit()


async def _given_anew(farm: FarmUnderTest, fence: int) -> dict[str, object]:
    """Wait until somebody else has the slow job."""

    async def look() -> dict[str, object]:
        job = await farm.client.job(SLOW)
        return job if job["fence"] > fence and job["state"] in {"leased", "done"} else {}

    return await until(look, "somebody else has the job", seconds=LEASE + 15, every=0.1)


async def _keeps(builder: Builder) -> bool:
    return any((builder.state / "spool").glob("*.json"))


async def spool_empty(builder: Builder) -> None:
    """Wait until a builder was told of every result what became of it."""

    async def empty() -> bool:
        return not await _keeps(builder)

    await until(empty, f"{builder.name} is told what became of its results", seconds=60)


async def ticks(farm: FarmUnderTest, key: str, count: int) -> None:
    """Raise NotSurvivedError where the log of a slow job has a gap, a repeat, or lines of another attempt."""
    found = [int(number) for number in _TICK.findall(await farm.client.log(key))]
    check(found == list(range(count)), f"its log has {len(found)} lines of {count}: {found[:60]}")
