"""How many more jobs a builder would take, and what waits in which pool, by what is known at the moment."""

import asyncio
from dataclasses import replace

import pytest

from plan.world import target
from wheelyard.coordinator.farm.open_pools import OpenPools
from wheelyard.coordinator.farm.roster import Held, Roster
from wheelyard.farm_ports import PoolDepth, QueuedJob, Terms
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.needs import Needs
from wheelyard.model.builder import Builder, Facts, Health, Mode, Running
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.release import Release
from wheelyard.model.request import RequestId
from wheelyard.model.source import Source, SourceKind
from wheelyard.protocol.messages import Presence

DEMO = Release.parse("demo==1.0")
TERMS = Terms(owner="ann", pool="os=linux", needs={"os": "linux"}, rank=1, request=RequestId("r"))
FACTS = Facts(version="1", slots=2, values=(("os", "linux"),))


def held(key: str, fence: int = 1, builder: str = "one") -> Held:
    offer = Offer(
        key=BuildKey(key),
        release=DEMO,
        source=Source(kind=SourceKind.SDIST, location="demo.tar.gz", digest=""),
        target=target("cp311"),
        requirements=(),
    )
    job = Job(
        key=offer.key,
        release=DEMO,
        target=offer.target,
        state=State.LEASED,
        fence=fence,
        builder=builder,
    )
    return Held(queued=QueuedJob(job=job, offer=offer, terms=TERMS), vouched=0.0)


def says(*running: str, free: int, slots: int = 2, builder: str = "one") -> Presence:
    return Presence(
        builder=builder,
        session="s",
        facts=replace(FACTS, slots=slots),
        health=Health(),
        running=tuple(Running(key=BuildKey(key), fence=1) for key in running),
        free=free,
    )


def delivers(*keys: str, free: int, slots: int = 2) -> Presence:
    said = says(*keys, free=free, slots=slots)
    return replace(said, running=tuple(replace(one, step="deliver") for one in said.running))


@pytest.fixture
def roster() -> Roster:
    made = Roster()
    made.refresh([Builder(name="one")])
    return made


def test_a_builder_that_said_nothing_takes_nothing(roster: Roster) -> None:
    assert roster.free("one") == 0
    assert roster.willing() == []


def test_what_is_on_its_way_to_a_builder_takes_room_until_it_says_that_it_runs(
    roster: Roster,
) -> None:
    roster.hear(says(free=2))
    roster.grant(held("a"))
    assert roster.free("one") == 1
    roster.hear(says(free=2))  # it was said before the job came
    assert roster.free("one") == 1
    roster.hear(says("a", free=1))
    assert roster.free("one") == 1


def test_a_builder_that_wants_fewer_than_it_has_slots_gets_fewer(roster: Roster) -> None:
    roster.hear(says(free=1, slots=8))
    roster.grant(held("a"))
    assert roster.free("one") == 0


def test_what_was_settled_makes_room_before_the_builder_says_so(roster: Roster) -> None:
    roster.hear(says(free=2))
    roster.grant(held("a"))
    roster.grant(held("b"))
    roster.hear(says("a", "b", free=0))
    assert roster.free("one") == 0
    roster.end(BuildKey("a"), 1)
    assert roster.free("one") == 1
    roster.hear(says("b", free=1))
    assert roster.free("one") == 1


def test_what_is_not_its_own_makes_no_room(roster: Roster) -> None:
    heard = roster.hear(says("stale", "old", free=0))
    assert heard is not None
    assert heard.stale == (("stale", 1), ("old", 1))
    assert roster.free("one") == 0


def test_leases_never_exceed_the_slots_whatever_a_builder_says(roster: Roster) -> None:
    roster.hear(says(free=99))
    assert roster.free("one") == 2
    roster.grant(held("a"))
    roster.hear(says("a", free=99))
    assert roster.free("one") == 1


def test_a_revoked_or_unknown_builder_is_not_heard(roster: Roster) -> None:
    assert roster.hear(says(free=1, builder="nobody")) is None
    roster.refresh([Builder(name="one", mode=Mode.REVOKED)])
    assert roster.hear(says(free=1)) is None
    roster.refresh([])
    assert roster.get("one") is None


def test_pools_are_asked_only_where_something_waits(roster: Roster) -> None:
    roster.hear(says(free=2))
    builder = roster.willing()[0]
    pools = OpenPools()
    assert pools.met_by(builder, roster) == {}
    pools.submitted(TERMS)
    assert pools.met_by(builder, roster) == {"os=linux": []}
    assert pools.owners(["os=linux"]) == ("ann",)
    pools.leased("os=linux")
    assert pools.met_by(builder, roster) == {}
    other = PoolDepth(pool="os=mac", needs={"os": "mac"}, waiting=3, running=0, owners=("bob",))
    pools.refresh([other])
    assert pools.met_by(builder, roster) == {}


def test_a_pool_names_the_others_that_could(roster: Roster) -> None:
    roster.refresh([Builder(name="one"), Builder(name="two"), Builder(name="away")])
    roster.hear(says(free=1))
    roster.hear(says(free=0, builder="two"))
    pools = OpenPools()
    pools.submitted(TERMS)
    assert pools.met_by(roster.willing()[0], roster) == {"os=linux": ["two"]}
    assert [one.name for one in roster.able(Needs.of({"os": "linux"}))] == ["one", "two"]


def test_what_is_on_its_way_to_the_farm_takes_no_slot(roster: Roster) -> None:
    roster.hear(says(free=1, slots=1))
    roster.grant(held("a"))
    roster.hear(delivers("a", free=1, slots=1))
    assert roster.free("one") == 1
    roster.grant(held("b"))
    assert roster.free("one") == 0
    roster.end(BuildKey("a"), 1)  # it took none, so that its end makes none
    assert roster.free("one") == 0


def test_a_builder_that_delivers_for_ever_holds_twice_its_slots_at_most(roster: Roster) -> None:
    for key in ("a", "b"):
        roster.grant(held(key))
    roster.hear(delivers("a", "b", free=1, slots=1))
    assert roster.free("one") == 0


def test_a_builder_that_was_just_told_of_an_end_may_name_it_for_a_while(roster: Roster) -> None:
    roster.grant(held("a"))
    roster.end(BuildKey("a"), 1)
    roster.told("one", BuildKey("a"), 1)
    crossed = roster.hear(delivers("a", free=1))
    assert crossed is not None
    assert crossed.stale == ()
    roster.now += 60
    late = roster.hear(delivers("a", free=1))
    assert late is not None
    assert late.stale == (("a", 1),)


def test_a_presence_tells_whose_compilers_came_further(roster: Roster) -> None:
    roster.grant(held("a"))
    roster.grant(held("b"))

    def further(compiled: int | None) -> tuple[str, ...]:
        said = says("a", "b", free=0)
        caught = None
        if compiled is not None:
            caught = Caught(calls=9, compiled=compiled, failed=0, what="x.c")
        first, second = said.running
        heard = roster.hear(replace(said, running=(replace(first, caught=caught), second)))
        assert heard is not None
        return heard.further

    assert [further(one) for one in (None, 1, 1, 2)] == [(), ("a",), (), ("a",)]


def test_who_waits_for_facts_hears_of_new_ones_and_of_nothing_else(roster: Roster) -> None:
    async def work() -> None:
        waiting = asyncio.create_task(roster.wait_for_facts())
        await asyncio.sleep(0)
        roster.refresh([Builder(name="one", reason="rested", streak=3)])
        await asyncio.sleep(0)
        assert not waiting.done()
        roster.hear(says(free=2))
        await waiting
        roster.hear(says(free=1))
        again = asyncio.create_task(roster.wait_for_facts())
        await asyncio.sleep(0)
        roster.hear(says(free=0))
        await asyncio.sleep(0)
        assert not again.done()
        roster.refresh([])
        await again

    asyncio.run(work())
