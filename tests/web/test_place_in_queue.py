"""What a waiting job's place is made of, and when it is likely to begin."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.things import built
from web.place import FACTS, NEEDS, Place
from wheelyard.farm_ports import Role, Terms
from wheelyard.jobs.priority import Worth, rank
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder, Facts, Mode
from wheelyard.model.job import BuildKey
from wheelyard.model.request import RequestId
from wheelyard.web.place_in_queue import begins, terms_of, usual_seconds

pytestmark = pytest.mark.anyio
KEY = BuildKey("k1" * 8)


def standing(free: int, *, mode: Mode = Mode.ACTIVE, facts: Facts = FACTS) -> Standing:
    builder = Builder(name="arm-1", facts=facts, mode=mode)
    return Standing(builder=builder, free=free, present=True)


async def submitted(place: Place, *, priority: int = 0, dependants: int = 0) -> None:
    offered = await place.submit(KEY)
    worth = Worth(
        submitted=place.clock.now(), priority=priority, path_seconds=30, dependants=dependants
    )
    terms = Terms(
        owner="ann",
        pool=str(NEEDS),
        needs=dict(NEEDS.items),
        rank=rank(worth),
        request=RequestId("r2"),
        worth=worth,
    )
    # What comes first ranks as the test's place says; the better of the two stays.
    await place.ports.queue.rank_again(Selection(keys=(KEY,)), by=1 << 50)
    await place.ports.queue.submit(offered, terms)


async def test_the_terms_are_kept_and_add_up_to_the_rank(place: Place) -> None:
    await submitted(place, priority=1, dependants=3)
    place.clock.advance(60)
    queued = await place.ports.queue.queued(KEY)
    assert queued is not None
    found = terms_of(queued, place.clock.now())
    assert found == {
        "priority": 86_400.0,
        "critical path": 120.0,
        "dependants": 600.0,
        "age": 60.0,
    }
    ahead = place.clock.now().timestamp() - queued.terms.rank / 1000
    assert sum(found.values()) == pytest.approx(ahead, abs=0.01)


async def test_the_terms_are_those_of_whoever_wants_it_most(place: Place) -> None:
    await submitted(place, priority=2)
    queued = await place.ports.queue.queued(KEY)
    assert queued is not None
    assert queued.terms.worth is not None
    later = replace(queued.terms, rank=queued.terms.rank + 5, worth=None)
    await place.ports.queue.submit(queued.offer, later)
    again = await place.ports.queue.queued(KEY)
    assert again is not None
    assert again.terms.worth == queued.terms.worth


async def test_who_is_put_ahead_by_hand_is_told_so(place: Place) -> None:
    await submitted(place)
    await place.ports.queue.rank_again(Selection(keys=(KEY,)), by=-7_000)
    queued = await place.ports.queue.queued(KEY)
    assert queued is not None
    assert terms_of(queued, place.clock.now())["put ahead by hand"] == pytest.approx(7.0)


async def test_nobody_said_what_it_is_worth(place: Place) -> None:
    await place.submit(KEY)
    queued = await place.ports.queue.queued(KEY)
    assert queued is not None
    assert terms_of(queued, place.clock.now()) == {}


async def test_a_job_begins_after_those_before_it(place: Place) -> None:
    await place.submit(KEY)
    queued = await place.ports.queue.queued(KEY)
    assert queued is not None
    now = place.clock.now()

    def at(*standings: Standing, ahead: int, seconds: float | None = 100.0) -> float | None:
        found = begins(queued, standings, now, ahead=ahead, seconds=seconds)
        return None if found is None else (found - now).total_seconds()

    assert at(standing(2), ahead=1) == 0.0
    assert at(standing(0), ahead=0) == 100.0
    assert at(standing(0), ahead=1) == 100.0
    assert at(standing(0), ahead=2) == 200.0
    assert at(standing(0), ahead=2, seconds=None) is None
    assert at(ahead=0) is None
    assert at(standing(2, mode=Mode.PAUSED), ahead=0) is None
    assert at(standing(2, facts=Facts(version="", slots=2)), ahead=0) is None
    asleep = replace(queued, job=replace(queued.job, not_before=now + timedelta(seconds=30)))
    found = begins(asleep, [standing(2)], now, ahead=0, seconds=None)
    assert found == now + timedelta(seconds=30)


async def test_the_usual_time_is_the_middle_of_what_builds_took(place: Place) -> None:
    assert await usual_seconds(place.ports.jobs) is None
    for number, seconds in enumerate((5.0, 90.0, 20.0)):
        lease = await place.leased(f"{number:016x}")
        await place.jobs.finish(lease.key, lease.fence, replace(built(), wall_seconds=seconds))
    assert await usual_seconds(place.ports.jobs) == 20.0


async def test_pages_and_their_twins_show_it(place: Place) -> None:
    await submitted(place, priority=1)
    headers = await place.bearer(Role.READER)
    for address in ("/queue", f"/jobs/{KEY}"):
        page = await place.client.get(address, headers={**headers, "Accept": "text/html"})
        assert "priority +24 h" in page.text or "priority +1 d" in page.text, page.text
    twin = (
        await place.client.get("/queue", headers={**headers, "Accept": "application/json"})
    ).json()
    assert twin["pools"][0]["jobs"][0]["terms"]["priority"] == 86_400.0
    job = (await place.client.get(f"/jobs/{KEY}?format=json", headers=headers)).json()
    assert job["terms"]["critical path"] == 120.0
