"""What takes long to count is counted once for all who look, and what is wrong is said in words."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wheelyard.errors import StoreError
from wheelyard.web.site.condition import LEAST_FREE_BYTES, Condition, faults
from wheelyard.web.site.figures import Kept

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 10, tzinfo=UTC)
WELL = Condition(
    now=NOW,
    builders=3,
    present=2,
    unwell=(),
    free_slots=0,
    waiting=5,
    running=2,
    free_bytes=LEAST_FREE_BYTES,
    begun=NOW,
    published=NOW,
)


class Counting:
    """Counts how often it was asked; ``gate`` lets it answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()

    async def find(self) -> int:
        self.asked += 1
        await self.gate.wait()
        return self.asked


async def test_many_who_look_at_once_have_it_counted_once() -> None:
    counting = Counting()
    kept = Kept(counting.find)
    looking = [asyncio.ensure_future(kept.get()) for _ in range(20)]
    await asyncio.sleep(0)
    counting.gate.set()
    assert await asyncio.gather(*looking) == [1] * 20
    assert await kept.get() == 1
    await kept.renew()
    assert counting.asked == 1
    kept.forget()
    assert await kept.get() == 2


async def test_nothing_is_counted_while_nobody_looks() -> None:
    counting = Counting()
    await Kept(counting.find).renew()
    assert counting.asked == 0


async def test_who_looks_while_the_database_is_away_is_told() -> None:
    async def fail() -> int:
        raise StoreError("the database is away")

    kept = Kept(fail)
    for _ in range(2):
        with pytest.raises(StoreError):
            await kept.get()


def test_a_farm_that_is_well_has_no_faults() -> None:
    assert faults(WELL) == []
    assert faults(replace(WELL, free_bytes=None, waiting=0, running=0, published=None)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"free_bytes": 10_000_000}, "nearly full: 10 MB are free"),
        ({"builders": 0, "present": 0}, "There are no builders"),
        ({"present": 0}, "No builder is here: 3 are known"),
        ({"unwell": ("arm-1", "arm-2")}, "not well: arm-1, arm-2"),
        ({"published": NOW - timedelta(days=3)}, "Nothing was published for 3 days"),
        ({"published": None}, "Nothing was published yet"),
        (
            {"free_slots": 4, "running": 0, "begun": NOW - timedelta(hours=3)},
            "Jobs wait (5), slots are free (4), and nothing was given out for 3 h 0 min",
        ),
    ],
)
def test_each_fault_is_said_alone(change: dict[str, object], words: str) -> None:
    (said,) = faults(replace(WELL, **change))  # type: ignore[arg-type]
    assert words in said
