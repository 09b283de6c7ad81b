"""Whatever happens to a queue, the databases answer as the one in memory does."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.conftest import Stores, empty, in_memory, of_database
from store.queueing import terms
from store.things import TARGET, built, ended, offer, wheel
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import project_name
from wheelyard.model.request import RequestId
from wheelyard.store.database import open_database
from wheelyard.testing.clock import ManualClock

KEYS = ("k0", "k1", "k2", "k3")
POOLS = ("x", "y")
OWNERS = ("ada", "bob")
BUILDERS = ("arm-1", "arm-2")
OUTCOMES = (
    Outcome.FAILED,
    Outcome.REFUSED,
    Outcome.INFRASTRUCTURE,
    Outcome.RESOURCES,
    Outcome.LOST,
    Outcome.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done to stores, with words that a failure can show."""

    do: Callable[..., Awaitable[object]]
    words: tuple[object, ...]

    def __repr__(self) -> str:
        return f"{self.do.__name__}{self.words!r}"


async def submit(stores: Stores, key: str, pool: str, owner: str, rank: int) -> object:
    said = terms(pool=pool, needs={"label": pool}, owner=owner, rank=rank, request=RequestId(owner))
    release = "six==1.0" if key in KEYS[:2] else "rich==1.0"
    return await stores.queue.submit(offer(key, release), said)


async def lease(stores: Stores, builder: str, count: int, others: tuple[str, ...]) -> object:
    pools = dict.fromkeys(POOLS, others)
    return await stores.queue.lease_next(pools, builder, owners=OWNERS, count=count, seconds=60)


async def finish(stores: Stores, key: str, fence: int, outcome: Outcome | None) -> object:
    report = built(wheel(text=key)) if outcome is None else ended(outcome)
    return await stores.jobs.finish(BuildKey(key), fence, report)


async def wake(stores: Stores, seconds: int) -> object:
    stores.clock.advance(seconds)
    return await stores.queue.wake()


async def hand_back(stores: Stores, key: str, fence: int) -> object:
    return await stores.queue.hand_back(BuildKey(key), fence, "no room")


async def expire(stores: Stores, builder: str) -> object:
    return await stores.queue.expire_of(builder)


async def rank_again(stores: Stores, project: str, by: int) -> object:
    return await stores.queue.rank_again(Selection(project=project_name(project)), by=by)


async def renew(stores: Stores, key: str, fence: int) -> object:
    return await stores.queue.renew_all([(BuildKey(key), fence)], seconds=5)


async def cancel(stores: Stores, key: str) -> object:
    return await stores.jobs.cancel(BuildKey(key))


async def hold(stores: Stores, key: str) -> object:
    return await stores.jobs.hold(BuildKey(key), "look")


async def retry(stores: Stores) -> object:
    return await stores.jobs.retry(Selection(target=TARGET))


def of(do: Callable[..., Awaitable[object]], *words: st.SearchStrategy[Any]) -> Any:
    return st.builds(Step, st.just(do), st.tuples(*words))


keys = st.sampled_from(KEYS)
builders = st.sampled_from(BUILDERS)
fences = st.integers(1, 3)
steps: st.SearchStrategy[Step] = st.one_of(
    of(submit, keys, st.sampled_from(POOLS), st.sampled_from(OWNERS), st.integers(-2, 2)),
    of(lease, builders, st.integers(1, 3), st.sampled_from([(), BUILDERS])),
    of(finish, keys, fences, st.sampled_from([None, *OUTCOMES])),
    of(wake, st.integers(0, 9)),
    of(hand_back, keys, fences),
    of(expire, builders),
    of(rank_again, st.sampled_from(["six", "rich"]), st.integers(-2, 2)),
    of(renew, keys, fences),
    of(cancel, keys),
    of(hold, keys),
    of(retry),
)


async def seen(stores: Stores) -> list[object]:
    """Return all that can be seen of a queue."""
    await stores.queue.wake()
    found: list[object] = [list(await stores.queue.open_pools()), list(await stores.queue.leased())]
    found += [list(await stores.queue.waiting(pool)) for pool in POOLS]
    found += [await stores.queue.queued(BuildKey(key)) for key in KEYS]
    found += [list(await stores.queue.requests_of(BuildKey(key))) for key in KEYS]
    return found


async def compare(address: str | Path, life: list[Step]) -> None:
    model = in_memory(ManualClock())
    database = await open_database(address)
    try:
        stores = of_database(database, ManualClock())
        for step in life:
            # Nothing else is done between two steps, so that woken jobs are woken in both.
            await model.queue.wake()
            await stores.queue.wake()
            expected, answer = await step.do(model, *step.words), await step.do(stores, *step.words)
            assert _plain(answer) == _plain(expected), step
        assert await seen(stores) == await seen(model)
    finally:
        await database.close()


def _plain(answer: object) -> object:
    return list(answer) if isinstance(answer, list | tuple) else answer


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Path:
    path = tmp_path_factory.mktemp("model") / "empty.sqlite"
    path.write_bytes(empty_database)
    return path


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=5, max_size=30))
def test_sqlite_answers_as_memory_does(tmp_path: Path, empty_file: Path, life: list[Step]) -> None:
    path = tmp_path / "state.sqlite"
    for old in tmp_path.glob("state.sqlite*"):
        old.unlink()
    shutil.copy(empty_file, path)
    asyncio.run(compare(path, life))


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=5, max_size=30))
def test_postgresql_answers_as_memory_does(migrated: str, life: list[Step]) -> None:
    empty(migrated)
    asyncio.run(compare(migrated, life))
