"""Whatever happens to a queue, the databases answer as the one in memory does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.conftest import Stores, empty, in_memory, of_database
from store.test_queue import terms
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
Step = Callable[[Stores], Awaitable[object]]

keys = st.sampled_from(KEYS)
fences = st.integers(1, 3)


def submitting(key: str, pool: str, owner: str, rank: int) -> Step:
    said = terms(pool=pool, needs={"label": pool}, owner=owner, rank=rank, request=RequestId(owner))
    release = "six==1.0" if key in KEYS[:2] else "rich==1.0"
    return lambda stores: stores.queue.submit(offer(key, release), said)


def leasing(builder: str, count: int, other: tuple[str, ...]) -> Step:
    pools = dict.fromkeys(POOLS, other)
    return lambda stores: stores.queue.lease_next(
        pools, builder, owners=OWNERS, count=count, seconds=60
    )


def finishing(key: str, fence: int, outcome: Outcome | None) -> Step:
    report = built(wheel(text=key)) if outcome is None else ended(outcome)
    return lambda stores: stores.jobs.finish(BuildKey(key), fence, report)


def waking(seconds: int) -> Step:
    async def wake(stores: Stores) -> object:
        stores.clock.advance(seconds)
        return await stores.queue.wake()

    return wake


steps = st.one_of(
    st.builds(
        submitting, keys, st.sampled_from(POOLS), st.sampled_from(OWNERS), st.integers(-2, 2)
    ),
    st.builds(
        leasing, st.sampled_from(BUILDERS), st.integers(1, 3), st.sampled_from([(), BUILDERS])
    ),
    st.builds(finishing, keys, fences, st.sampled_from([None, *OUTCOMES])),
    st.builds(waking, st.integers(0, 9)),
    st.builds(lambda k, f: lambda s: s.queue.hand_back(BuildKey(k), f), keys, fences),
    st.builds(lambda b: lambda s: s.queue.expire_of(b), st.sampled_from(BUILDERS)),
    st.builds(
        lambda by: lambda s: s.queue.rank_again(Selection(project=project_name("six")), by=by),
        st.integers(-2, 2),
    ),
    st.builds(lambda k: lambda s: s.jobs.cancel(BuildKey(k)), keys),
    st.builds(lambda k: lambda s: s.jobs.hold(BuildKey(k), "look"), keys),
    st.just(lambda s: s.jobs.retry(Selection(target=TARGET))),
    st.builds(
        lambda k, f: lambda s: s.queue.renew_all([(BuildKey(k), f)], seconds=5), keys, fences
    ),
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
        for number, step in enumerate(life):
            # Nothing else is done between two steps, so that woken jobs are woken in both.
            await model.queue.wake()
            await stores.queue.wake()
            expected, answer = await step(model), await step(stores)
            assert _plain(answer) == _plain(expected), number
        assert await seen(stores) == await seen(model)
    finally:
        await database.close()


def _plain(answer: object) -> object:
    return list(answer) if isinstance(answer, list | tuple) else answer


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=5, max_size=30))
def test_sqlite_answers_as_memory_does(
    tmp_path: Path, empty_database: bytes, life: list[Step]
) -> None:
    path = tmp_path / "state.sqlite"
    for old in tmp_path.glob("state.sqlite*"):
        old.unlink()
    path.write_bytes(empty_database)
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
