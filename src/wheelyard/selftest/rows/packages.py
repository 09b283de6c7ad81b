"""Builders that fail everything, and packages that harm whoever builds them."""

import asyncio
from pathlib import Path

from wheelyard.depot import identity as identities
from wheelyard.jobs.retry import LOST_CAP
from wheelyard.model.job import Outcome
from wheelyard.selftest import graph
from wheelyard.selftest.actor import Actor, in_quarantine
from wheelyard.selftest.farm import BUILDERS, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.verdict import check, until

_MEMORY = "keep = []\nwhile True: keep.append(bytearray(16 << 20))\n"
_FORKS = "import subprocess, time\nfor _ in range(400): subprocess.Popen(['sleep', '{marker}'])\ntime.sleep(60)\n"
_DISK = "import time\nfor n in range(4000):\n    open('f%d' % n, 'wb').write(b'x' * (1 << 20)); time.sleep(0.01)\n"
_SILENT = "import time\nprint('going quiet', flush=True)\nwhile True: time.sleep(60)\n"
_ENDLESS = "while True: print('all work and no play ' * 50, flush=True)\n"
_STUBBORN = (
    "import signal, subprocess, time\n"
    "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
    "subprocess.Popen(['sleep', '{marker}'], start_new_session=True)\n"
    "print('going quiet', flush=True)\nwhile True: time.sleep(60)\n"
)
_LARGE = "import os\nopen('src/{module}/large.bin', 'wb').write(os.urandom(6 << 20))\n"
_SILENCE_SECONDS, _WITHIN_SECONDS = 10, 30
_MARKER = "86461.{number}"


async def broken_builders(farm: FarmUnderTest) -> None:
    """Row 15: who fails everything at once is quarantined, and no package is blamed for it."""
    farm.upload()
    await farm.start()
    await farm.join("two", "three")
    await farm.join("one", failpoints="build.begin=disk-full")
    async with Actor.joined(farm, "broken", slots=6) as broken:
        request = await farm.submit()
        failing = asyncio.create_task(_fail_all(broken))
        try:
            await in_quarantine(farm, broken.name)
            check(
                await farm.client.happened("builder.alarm", subject=broken.name),
                "no alarm was raised",
            )

            async def doubted() -> bool:
                return bool(await farm.client.happened("job.doubted", actor=broken.name))

            await until(doubted, "its failures are tried elsewhere", seconds=20)
            (moved, *_) = await farm.client.happened("builder.mode", subject=broken.name)

            async def probed() -> bool:
                leased = await farm.client.happened("job.leased", actor=broken.name)
                return any(one["id"] > moved["id"] for one in leased)

            await until(probed, "it is probed", seconds=40)
            await farm.done(request)
        finally:
            failing.cancel()
            await asyncio.wait({failing})
        for one in await farm.client.jobs():
            check(one["outcome"] == "built", f"{one['release']} is recorded as {one['outcome']}")
        broken.free = 0
        await hold(farm)


async def _fail_all(broken: Actor) -> None:
    while True:
        order = await broken.take(seconds=3600)
        await broken.fail(order, Outcome.FAILED, "cc1: cannot be run")


async def deadly_packages(farm: FarmUnderTest) -> None:
    """Row 16: memory, forks and disk are contained; a job that loses its builders is held, and they are not."""
    memory, forks, disk, deadly = graph.LEAVES[:4]
    marker = _MARKER.format(number=farm.port)
    farm.upload(
        {
            memory: _MEMORY,
            forks: _FORKS.format(marker=marker),
            disk: _DISK,
            deadly: graph.SLOW.replace("range(40)", "range(6000)"),
        }
    )
    await farm.start()
    await farm.join(*BUILDERS)
    limits = {"memory_bytes": 384 << 20, "processes": 120, "disk_bytes": 64 << 20}
    request = await farm.submit(limits=limits)
    bad = (memory, forks, disk)
    # What runs beside it would be lost as often as it is.
    await farm.built(graph.COUNT - len(bad) - 1)
    for number in bad:
        await farm.state_of(graph.name_of(number), "done")
    for _ in range(LOST_CAP):
        victim = await farm.running(graph.name_of(deadly), seconds=240)
        lost = (await farm.client.job(graph.name_of(deadly)))["fence"]
        await victim.program.kill()
        await farm.start_builder(victim)
        await until(
            lambda lost=lost: _moved_on(farm, deadly, lost),  # type: ignore[misc]
            "the loss is noticed",
            seconds=60,
        )
    held = await farm.state_of(graph.name_of(deadly), "held", seconds=30)
    check(held["outcome"] == "lost", f"it is held as {held['outcome']}")
    await farm.ended(request)
    for name, one in (await farm.client.builders()).items():
        check(one["mode"] == "active", f"{name} is {one['mode']}: {one['reason']}")
    for number in bad:
        job = await farm.client.job(graph.name_of(number))
        check(job["outcome"] in {"out-of-resources", "failed"}, f"{job['release']}: {job}")
    await hold(
        farm,
        built=_all_but(*bad, deadly),
        others={graph.name_of(number): "done" for number in bad} | {graph.name_of(deadly): "held"},
    )
    check(not processes_with(marker), "processes of a fork bomb are left")


async def _moved_on(farm: FarmUnderTest, number: int, fence: int) -> bool:
    job = await farm.client.job(graph.name_of(number))
    return bool(job["state"] == "held" or job["fence"] > fence or job["state"] == "ready")


async def over_limits(farm: FarmUnderTest) -> None:
    """Row 17: each limit ends a build in its own outcome, in time, with its log, and for good."""
    silent, endless, large, stubborn = graph.LEAVES[:4]
    marker = _MARKER.format(number=farm.port)
    module = graph.name_of(large).replace("-", "_")
    farm.upload(
        {
            silent: _SILENT,
            endless: _ENDLESS,
            large: _LARGE.format(module=module),
            stubborn: _STUBBORN.format(marker=marker),
        }
    )
    await farm.start()
    await farm.join(*BUILDERS)
    limits = {
        "silence_seconds": _SILENCE_SECONDS,
        "wall_seconds": 120,
        "log_bytes": 300_000,
        "artifact_bytes": 2 << 20,
    }
    request = await farm.submit(limits=limits)
    await farm.ended(request)
    outcomes = {
        silent: "timed-out",
        endless: "over-limit",
        large: "over-limit",
        stubborn: "timed-out",
    }
    for number, outcome in outcomes.items():
        job = await farm.client.job(graph.name_of(number))
        check(job["outcome"] == outcome, f"{job['release']} ended as {job['outcome']}: {job}")
        check(job["attempt"] == 1, f"{job['release']} was tried {job['attempt']} times")
        (attempt,) = (await farm.client.detail(job["key"]))["attempts"]
        latest = _SILENCE_SECONDS + _WITHIN_SECONDS
        check(attempt["wall_seconds"] <= latest, f"it took {attempt['wall_seconds']:.0f} s")
        check(await farm.client.log(job["key"]), f"the log of {job['release']} is gone")
    check(not processes_with(marker), "a child that ignores SIGTERM is left")
    await hold(
        farm,
        built=_all_but(*outcomes),
        others={graph.name_of(number): outcome for number, outcome in outcomes.items()},
    )


_HOSTILE = """
import os, socket, subprocess, sys, time
def attempt(what, work):
    try:
        print('REACHED', what, work(), flush=True)
    except BaseException as error:
        print('failed', what, type(error).__name__, flush=True)
for path in {secrets!r}:
    attempt('secret ' + path, lambda: open(path).read())
attempt('network', lambda: socket.create_connection(('127.0.0.1', {port}), 2))
for path in {places!r}:
    attempt('write ' + path, lambda: open(path, 'w').write('x'))
attempt('interpreter', lambda: open(os.path.join(os.path.dirname(os.__file__), 'poison.py'), 'w').write('x'))
attempt('environment', lambda: open(os.path.join(sys.prefix, 'poison'), 'w').write('x'))
found = []
for name in os.listdir('/proc'):
    for part in ('environ', 'cmdline'):
        try:
            content = open('/proc/%s/%s' % (name, part), 'rb').read()
        except OSError:
            continue
        if b'wheelyard' in content and b'--token' in content:
            found.append(name)
print('builders seen', found, flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 3)
        os.execvp('sleep', ['sleep', {marker!r}])
    os._exit(0)
time.sleep(0.2)
"""


async def hostile_packages(farm: FarmUnderTest) -> None:
    """Row 22: a package reads no secret, reaches no network, writes nowhere else and leaves nothing behind."""
    marker = _MARKER.format(number=farm.port)
    states = [farm.folder / f"builder-{name}" for name in BUILDERS]
    secrets = [str(state / identities.FILE) for state in states]
    secrets += [str(farm.state / "state.sqlite"), "/etc/shadow"]
    places = [str(state / "blobs" / "poison") for state in states]
    places += ["/usr/poison", "/etc/poison", str(farm.folder / "poison")]
    hostile = graph.LEAVES[0]
    hook = _HOSTILE.format(secrets=secrets, places=places, port=farm.port, marker=marker)
    farm.upload({hostile: hook})
    await farm.start()
    await farm.join(*BUILDERS)
    await farm.done(await farm.submit())
    job = await farm.client.job(graph.name_of(hostile))
    log = await farm.client.log(job["key"])
    reached = [line for line in log.splitlines() if line.startswith("REACHED")]
    check(not reached, f"it reached what it must not: {reached[:3]}")
    check(log.count("failed ") >= len(secrets) + len(places) + 3, "it did not try everything")
    check("builders seen []" in log, "it saw the builder's process")
    for state in states:
        known = identities.load(state)
        check(known is None or known.token not in log, "a token is in its log")
        check(not list(state.rglob("poison*")), f"it poisoned {state.name}")
    check(not processes_with(marker), "its daemon lives on")
    await hold(farm)


def _all_but(*numbers: int) -> set[str]:
    return set(graph.names()) - {graph.name_of(number) for number in numbers}


def processes_with(marker: str) -> list[int]:
    """Return the processes that have a word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes().split(b"\0")[1:2]:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
