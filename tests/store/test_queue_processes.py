"""Several coordinators' processes on one queue, on both engines."""

import json
from pathlib import Path

import pytest

from store.processes import start
from store.queueing import terms
from store.things import offer
from wheelyard.store.database import open_database
from wheelyard.store.queue import StoredQueue
from wheelyard.testing.clock import ManualClock

pytestmark = pytest.mark.anyio

JOBS = 60

CHOOSE = """
from wheelyard.store.clock import SystemClock
from wheelyard.store.database import open_database
from wheelyard.store.jobs import StoredJobs
from wheelyard.store.queue import StoredQueue
database = await open_database(words[0])
queue = StoredQueue(database=database, clock=SystemClock())
jobs = StoredJobs(database=database, clock=SystemClock())
say("ready")
input()
mine = []
while True:
    chosen = await queue.lease_next({"os=linux": ()}, words[1], owners=["ada"], count=2, seconds=60)
    mine += [(queued.job.key, lease.fence) for queued, lease in chosen]
    for queued, lease in chosen:
        assert await jobs.finish(lease.key, lease.fence, ended(Outcome.FAILED))
    if not chosen:
        break
await database.close()
say(json.dumps(mine))
"""


async def test_processes_that_choose_at_once_never_get_the_same_job(
    tmp_path: Path, address: str | Path
) -> None:
    database = await open_database(address)
    queue = StoredQueue(database=database, clock=ManualClock())
    for number in range(JOBS):
        await queue.submit(offer(f"k{number:02}"), terms(rank=number))
    racers = [start(CHOOSE, tmp_path, str(address), f"arm-{number}") for number in range(3)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    won = [json.loads(racer.communicate("\n")[0]) for racer in racers]
    assert sorted(key for mine in won for key, _ in mine) == [f"k{n:02}" for n in range(JOBS)]
    assert {fence for mine in won for _, fence in mine} == {1}
    assert list(await queue.open_pools()) == []
    await database.close()
