"""What a queue gives out first, in memory, in SQLite and in PostgreSQL: as ``jobs.priority`` says."""

from collections.abc import Mapping

import pytest

from store.conftest import Stores
from store.queueing import choose, keys, submit, waiting
from wheelyard.jobs.priority import Worth, in_fair_order, rank

pytestmark = pytest.mark.anyio

_DAY = 24 * 3600


async def ask(
    stores: Stores, key: str, speaks: Mapping[str, float] | None = None, *, owner: str = "ada"
) -> None:
    worth = Worth(submitted=stores.clock.now(), **(speaks or {}))  # type: ignore[arg-type] # real fields
    await submit(stores, key, rank=rank(worth), owner=owner)


@pytest.mark.parametrize(
    "speaks", [{"priority": 1}, {"path_seconds": 600.0}, {"dependants": 30}], ids=str
)
async def test_what_speaks_for_a_job_brings_it_before_older_ones(
    stores: Stores, speaks: Mapping[str, float]
) -> None:
    await ask(stores, "older")
    stores.clock.advance(60)
    await ask(stores, "younger", speaks)
    assert keys(await choose(stores)) == ["younger", "older"]


async def test_nothing_starves_however_much_is_asked_for_later(stores: Stores) -> None:
    await ask(stores, "humble", {"priority": -1})
    given: list[str] = []
    for day in range(6):
        for number in range(3):
            await ask(stores, f"day-{day}-{number}", {"priority": 1, "dependants": 100})
        stores.clock.advance(_DAY)
        # One less than what comes in each day: the queue only grows.
        given += keys(await choose(stores, count=2))
    assert "humble" in given
    assert len(await waiting(stores)) > 1


async def test_who_has_little_running_comes_before_who_asked_for_much(stores: Stores) -> None:
    for number in range(5):
        await ask(stores, f"ada-{number}")
    stores.clock.advance(60)
    await ask(stores, "bob-0", owner="bob")
    await ask(stores, "bob-1", owner="bob")
    running = {"ada": 0, "bob": 0}
    order = []
    for _ in range(4):
        owners = in_fair_order(("ada", "bob"), running)
        ((queued, _),) = await choose(stores, count=1, owners=owners)
        running[queued.terms.owner] += 1
        order.append(queued.terms.owner)
    assert order == ["ada", "bob", "ada", "bob"]
