"""Several processes on one state folder, and processes that are killed."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from store.processes import start
from store.things import offer
from wheelyard.jobs.job import State
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.store.folder import StateFolder

pytestmark = pytest.mark.anyio

RACE = """
input()
async with await StateFolder.open(path) as folder:
    name = await folder.builder()
    mine = []
    for number in range(25):
        lease = await folder.jobs.lease(offer(f"k{number}"), name, seconds=60)
        if lease is not None:
            mine.append(number)
            report = built(wheel("six==1.17.0", f"{number}"))
            assert await folder.jobs.finish(lease.key, lease.fence, report)
    say(json.dumps(mine))
"""

ENDLESS = """
folder = await StateFolder.open(path)
name = await folder.builder()
for number in range(10**9):
    key = f"{words[0]}-{number}"
    lease = await folder.jobs.lease(offer(key), name, seconds=3600)
    report = built(wheel("six==1.17.0", key))
    assert await folder.jobs.finish(lease.key, lease.fence, report)
    await folder.artifacts.publish(report.artifact)
    await folder.memory.keep("number", words[0], key.encode())
    say(key)
"""

HOLD = """
async with await StateFolder.open(path) as folder:
    lease = await folder.jobs.lease(offer("k"), await folder.builder(), seconds=3600)
    say(lease.fence)
    input()
"""


def told_until_killed(process: "subprocess.Popen[str]", lines: int) -> list[str]:
    """Kill a process after some lines; return all whole lines that it said."""
    with process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n")]


async def test_processes_that_race_get_each_job_once(tmp_path: Path) -> None:
    """They all find a folder that is not there yet, make it, and migrate its database."""
    racers = [start(RACE, tmp_path / "state") for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    won = [json.loads(racer.communicate()[0]) for racer in racers]
    assert sorted(number for mine in won for number in mine) == list(range(25))
    async with await StateFolder.open(tmp_path / "state") as folder:
        jobs = await folder.jobs.jobs()
        assert {job.outcome for job in jobs} == {Outcome.BUILT}
        assert {(job.fence, job.attempt) for job in jobs} == {(1, 1)}
        assert len(await folder.jobs.attempts()) == 25


@pytest.mark.parametrize("lines", [1, 7, 40])
async def test_what_a_killed_process_had_finished_is_kept_and_the_rest_is_free(
    tmp_path: Path, lines: int
) -> None:
    state = tmp_path / "state"
    async with await StateFolder.open(state):
        pass
    killed, witness = start(ENDLESS, state, "killed"), start(ENDLESS, state, "witness")
    told = told_until_killed(killed, lines)
    # The other one goes on, whatever the killed one held.
    told += told_until_killed(witness, 3)
    async with await StateFolder.open(state) as folder:
        assert await folder.recover() <= 2
        jobs = {job.key: job for job in await folder.jobs.jobs(limit=10**6)}
        assert {jobs[BuildKey(key)].outcome for key in told} == {Outcome.BUILT}
        for job in jobs.values():
            built = job.state is State.DONE
            assert built == (await folder.artifacts.by_key(job.key) is not None)
            assert built or job.state is State.READY
        assert await folder.dead_owners() == []
        assert all(a.report is not None for a in await folder.jobs.attempts(limit=10**6))
    with closing(sqlite3.connect(state / "state.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_only_what_an_ended_process_held_is_given_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with await StateFolder.open(state):
        pass
    holder = start(HOLD, state)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "1\n"
    async with await StateFolder.open(state) as folder:
        me = await folder.builder()
        assert await folder.dead_owners() == []
        assert await folder.recover() == 0
        assert await folder.jobs.lease(offer("k"), me, seconds=60) is None
        holder.kill()
        holder.communicate()
        assert len(await folder.dead_owners()) == 1
        assert await folder.recover() == 1
        lease = await folder.jobs.lease(offer("k"), me, seconds=60)
        assert lease is not None
        assert lease.fence == 2
        assert await folder.recover() == 0
        assert len(list(folder.place("runs").iterdir())) == 1
    assert list(folder.place("runs").iterdir()) == []


async def test_a_process_that_ends_in_order_gives_back_what_it_held(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path / "state"):
        pass
    holder = start(HOLD, tmp_path / "state")
    assert holder.communicate("\n")[0] == "1\n"
    async with await StateFolder.open(tmp_path / "state") as folder:
        job = await folder.jobs.job(BuildKey("k"))
        assert job is not None
        assert (job.state, job.counts) == (State.READY, ())
