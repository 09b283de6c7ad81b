"""Warm interpreters that fork from their Python's root are as far apart as if each had a sandbox."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from executor.yard import BACKEND, MakeYard, Yard
from wheelyard.executor.settings import Sandbox
from wheelyard.model.artifact import InputWheel
from wheelyard.model.job import Outcome

pytestmark = pytest.mark.anyio

# What a back end tries when it is loaded, before there is a job: to take away what hides other jobs.
_PRYING = """
import ctypes, os, sys
LIBC = ctypes.CDLL(None, use_errno=True)
def look(what):
    for _ in range(3):
        LIBC.umount2(b"/jobs", 2)
        LIBC.umount2(b"/env", 2)
    return [what, sorted(os.listdir("/jobs")), sorted(n for n in os.listdir("/env/bin") if n == "python")]
FOUND = [look("as it is")]
reader, writer = os.pipe()
if os.fork() == 0:
    LIBC.unshare(0x10020000)
    os.write(writer, repr(look("in a namespace of its own")).encode())
    os._exit(0)
os.close(writer)
FOUND.append(os.read(reader, 65536).decode())
os.close(reader)
TOLD = [FOUND, "LOADED", sorted(name for name in sys.modules if name.startswith("tinyback"))]
"""


@pytest.fixture
def yard(make_yard: MakeYard) -> Yard:
    return make_yard(sandbox=Sandbox.REQUIRE)


def prying(yard: Yard) -> InputWheel:
    return yard.wheel("tinyback", {"tinyback.py": _PRYING + BACKEND}, version="2.0")


async def test_a_back_end_that_is_loaded_sees_no_job_of_another_environment(yard: Yard) -> None:
    began = asyncio.Event()
    offer = yard.offer("import time; print('begun', flush=True); time.sleep(3)", name="victim")

    async def pry() -> str:
        await began.wait()
        hook = "import tinyback; print(tinyback.TOLD)"
        return await yard.log(
            await yard.run(yard.offer(hook, name="thief", requirements=(prying(yard),)))
        )

    def tell(progress: object) -> None:
        if "begun" in str(progress):
            began.set()

    victim, log = await asyncio.gather(yard.executor.run(offer, tell), pry())

    assert victim.outcome is Outcome.BUILT
    told = next(line for line in log.splitlines() if "LOADED" in line)
    assert "['as it is', [], ['python']]" in told
    assert "['in a namespace of its own', [], ['python']]" in told
    assert "['tinyback']" in told


async def test_environments_of_one_python_do_not_see_each_others_packages(yard: Yard) -> None:
    extra = yard.wheel("extra", {"extra.py": ""})
    lone = yard.offer("import importlib.util; print('extra:', importlib.util.find_spec('extra'))")
    rich = yard.offer("import extra; print(extra.__file__)", requirements=(yard.backend(), extra))

    with_it, without = await yard.run(rich), await yard.run(lone)

    assert with_it.outcome is Outcome.BUILT
    assert "extra: None" in await yard.log(without)


async def test_what_back_ends_need_does_not_hide_what_a_wheel_forgot_to_import(yard: Yard) -> None:
    hook = """
import os, sys
assert "urllib.request" in sys.modules
for name in os.listdir("src"):
    open("src/" + name, "w").write("import urllib\\nurllib.request\\n")
"""

    report = await yard.run(yard.offer(hook))

    assert report.outcome is Outcome.FAILED
    assert "has no attribute 'request'" in report.reason


async def test_what_runs_when_an_environment_starts_runs_in_a_branch(yard: Yard) -> None:
    begin = yard.wheel(
        "begin", {"begin.pth": "import begin_now\n", "begin_now.py": "import sys; sys.begun = 1\n"}
    )

    report = await yard.run(
        yard.offer("import sys; assert sys.begun", requirements=(yard.backend(), begin))
    )

    assert report.outcome is Outcome.BUILT


async def test_when_all_interpreters_were_killed_the_next_job_has_new_ones(yard: Yard) -> None:
    await yard.run(yard.offer("pass", name="first"))
    killed = _descendants(os.getpid())
    for pid in killed:
        if "bwrap" in _command(pid):
            os.kill(pid, signal.SIGKILL)
    for _ in range(500):
        if not any(_command(pid) for pid in killed):
            break
        await asyncio.sleep(0.02)

    report = await yard.run(yard.offer("pass", name="second"))

    assert killed
    assert report.outcome is Outcome.BUILT


def _descendants(root: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{root}/task").iterdir():
        for pid in map(int, (task / "children").read_text().split()):
            found += [pid, *_descendants(pid)]
    return found


def _command(pid: int) -> str:
    """Return a process's command line; one that has ended has none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return ""
