"""What requests, builders, tokens and events promise, in memory, in SQLite and in PostgreSQL."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from store.conftest import Stores
from wheelyard.errors import ConfigurationError, StoreError
from wheelyard.farm_ports import Role, Token
from wheelyard.model.builder import Builder, Facts, Health, Mode, Tier
from wheelyard.model.request import Kind, Notice, Request, RequestId, RequestState
from wheelyard.store.happenings import StoredEvents
from wheelyard.store.sqlite import SqliteDatabase
from wheelyard.testing.clock import NOON, ManualClock

pytestmark = pytest.mark.anyio

R1 = RequestId("r1")
MAIL = "mailto://ada@example.test"
CHAT = "json://chat.example.test"


def request(name: str = "r1", digest: str = "d1", **changes: object) -> Request:
    usual = Request(
        id=RequestId(name),
        kind=Kind.WHEELS,
        owner="ada",
        text=b'{"requirements": ["six"]}\x00\xff',
        digest=digest,
        summary="six for cp312",
        created=NOON,
        priority=-3,
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the tests name real fields


async def test_a_request_is_kept_as_it_is(stores: Stores) -> None:
    whole = request(kind=Kind.COMMAND, created=NOON + timedelta(microseconds=1))
    assert await stores.requests.add(whole, [MAIL]) == whole
    assert await stores.requests.get(R1) == whole
    assert await stores.requests.get(RequestId("other")) is None
    assert list(await stores.requests.waiters(RequestId("other"))) == []


async def test_who_asks_for_the_same_joins_the_open_request(stores: Stores) -> None:
    first = await stores.requests.add(request(), [MAIL, MAIL])
    assert await stores.requests.add(request("r2", owner="bob"), [CHAT, MAIL]) == first
    assert await stores.requests.get(RequestId("r2")) is None
    assert list(await stores.requests.waiters(R1)) == [MAIL, CHAT]


async def test_after_its_end_the_same_request_is_a_new_one(stores: Stores) -> None:
    await stores.requests.add(request(), [MAIL])
    assert await stores.requests.end(R1, RequestState.FAILED, "six failed", [])
    second = request("r2")
    assert await stores.requests.add(second, []) == second
    assert list(await stores.requests.waiters(second.id)) == []


async def test_requests_are_found_newest_first(stores: Stores) -> None:
    for number, owner in enumerate(["ada", "bob", "ada"]):
        created = NOON + timedelta(minutes=number)
        one = request(f"r{number}", f"d{number}", owner=owner, created=created)
        await stores.requests.add(one, [])
    await stores.requests.end(RequestId("r2"), RequestState.CANCELLED, "not wanted", [])

    async def found(**how: object) -> list[str]:
        return [one.id for one in await stores.requests.find(**how)]  # type: ignore[arg-type] # real ones

    assert await found() == ["r2", "r1", "r0"]
    assert await found(limit=1) == ["r2"]
    assert await found(owner="ada") == ["r2", "r0"]
    assert await found(state=RequestState.OPEN) == ["r1", "r0"]
    assert await found(state=RequestState.CANCELLED, owner="bob") == []


async def test_waiters_are_told_once_when_a_request_ends(stores: Stores) -> None:
    await stores.requests.add(request(), [MAIL, CHAT])
    notices = [(MAIL, "six is there", "take it"), (CHAT, "six is there", "take it")]
    assert await stores.requests.end(R1, RequestState.DONE, "", notices)
    assert not await stores.requests.end(R1, RequestState.DONE, "", notices)
    assert not await stores.requests.end(R1, RequestState.FAILED, "late", notices)
    ended = await stores.requests.get(R1)
    assert ended == request(state=RequestState.DONE, ended=stores.clock.now())
    mail, chat = await stores.requests.due_notices()
    assert mail == Notice(
        id=mail.id, request=R1, address=MAIL, subject="six is there", body="take it"
    )
    assert list(await stores.requests.due_notices(limit=1)) == [mail]
    await stores.requests.notice_sent(mail.id)
    assert list(await stores.requests.due_notices()) == [chat]
    assert not await stores.requests.end(RequestId("none"), RequestState.DONE, "", notices)


async def test_a_notice_that_failed_is_tried_again_later(stores: Stores) -> None:
    await stores.requests.add(request(), [MAIL])
    await stores.requests.end(R1, RequestState.DONE, "", [(MAIL, "subject", "body")])
    (notice,) = await stores.requests.due_notices()
    await stores.requests.notice_failed(notice.id, again_in=60, reason="no such host")
    assert list(await stores.requests.due_notices()) == []
    stores.clock.advance(60)
    assert list(await stores.requests.due_notices()) == [replace(notice, tries=1)]
    await stores.requests.notice_sent(notice.id)
    stores.clock.advance(9999)
    assert list(await stores.requests.due_notices()) == []


def builder(name: str = "arm-1", **changes: object) -> Builder:
    values = (("python", ("cp311", "cp312")), ("memory_gb", 8), ("libc", "glibc"), ("load", 0.5))
    usual = Builder(
        name=name,
        owner="ada",
        tier=Tier.STRANGER,
        facts=Facts(version="1.0", slots=2, values=values),
        session="s1",
        health=Health(well=False, reason="disk", load=1.5, free_disk_bytes=1 << 40),
        enrolled=NOON,
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the tests name real fields


async def test_a_builder_is_kept_as_it_is(stores: Stores) -> None:
    await stores.builders.add(builder("b"))
    await stores.builders.add(builder("a", enrolled=None))
    assert await stores.builders.get("b") == builder("b")
    assert await stores.builders.get("c") is None
    both = await stores.builders.all()
    assert list(both) == [builder("a", enrolled=stores.clock.now()), builder("b")]


async def test_the_name_of_a_living_builder_is_taken(stores: Stores) -> None:
    await stores.builders.add(builder())
    with pytest.raises(ConfigurationError, match="called 'arm-1' already") as raised:
        await stores.builders.add(builder(owner="mallory"))
    assert "revoke" in raised.value.hint
    assert await stores.builders.get("arm-1") == builder()
    await stores.builders.set_mode("arm-1", Mode.REVOKED, "stolen")
    await stores.builders.add(builder(owner="bob"))
    assert await stores.builders.get("arm-1") == builder(owner="bob")


async def test_an_announcement_changes_what_is_the_builders_to_say_and_nothing_else(
    stores: Stores,
) -> None:
    await stores.builders.add(builder())
    await stores.builders.set_mode("arm-1", Mode.PAUSED, "its disk")
    await stores.builders.set_streak("arm-1", 4)
    stores.clock.advance(5)
    facts = Facts(version="2.0", slots=1)
    said = builder(facts=facts, health=Health(), session="s2", tier=Tier.TRUSTED, owner="mallory")
    await stores.builders.hear(said)
    expected = builder(
        facts=facts,
        health=Health(),
        session="s2",
        mode=Mode.PAUSED,
        reason="its disk",
        streak=4,
        heard=stores.clock.now(),
    )
    assert await stores.builders.get("arm-1") == expected


async def test_who_is_not_enrolled_is_not_heard(stores: Stores) -> None:
    await stores.builders.hear(builder())
    assert list(await stores.builders.all()) == []
    assert not await stores.builders.set_mode("arm-1", Mode.PAUSED)
    await stores.builders.set_streak("arm-1", 1)
    assert await stores.builders.get("arm-1") is None


async def test_a_mode_is_set_as_often_as_one_likes(stores: Stores) -> None:
    await stores.builders.add(builder())
    assert await stores.builders.set_mode("arm-1", Mode.DRAINING, "moving")
    assert await stores.builders.set_mode("arm-1", Mode.DRAINING, "moving")
    assert await stores.builders.set_mode("arm-1", Mode.ACTIVE)
    assert await stores.builders.get("arm-1") == builder()


def token(name: str = "t1", **changes: object) -> Token:
    usual = Token(
        id=name, secret_digest="sha256:00", role=Role.OPERATOR, subject="ada", created=NOON
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the tests name real fields


async def test_a_token_is_kept_as_it_is(stores: Stores) -> None:
    whole = token(
        role=Role.ENROLMENT, tier=Tier.STRANGER, note="arm-1's", expires=NOON + timedelta(hours=1)
    )
    await stores.tokens.add(whole)
    assert await stores.tokens.get("t1") == whole
    assert await stores.tokens.get("t2") is None
    with pytest.raises(ValueError, match="'t1' already"):
        await stores.tokens.add(token(role=Role.ADMINISTRATOR))
    assert await stores.tokens.get("t1") == whole


async def test_tokens_are_listed_newest_first_but_for_those_of_jobs(stores: Stores) -> None:
    await stores.tokens.add(token("old"))
    await stores.tokens.add(token("new", created=NOON + timedelta(seconds=1)))
    await stores.tokens.add(token("job", role=Role.JOB, subject="k1.1"))
    assert [one.id for one in await stores.tokens.all()] == ["new", "old"]


async def test_a_code_counts_once(stores: Stores) -> None:
    await stores.tokens.add(token("once", role=Role.ENROLMENT))
    await stores.tokens.add(token("revoked", role=Role.ENROLMENT))
    expires = stores.clock.now() + timedelta(seconds=60)
    await stores.tokens.add(token("over", role=Role.ENROLMENT, expires=expires))
    assert await stores.tokens.spend("once")
    assert not await stores.tokens.spend("once")
    assert await stores.tokens.revoke("revoked")
    assert not await stores.tokens.spend("revoked")
    stores.clock.advance(60)
    assert not await stores.tokens.spend("over")
    assert not await stores.tokens.spend("unknown")


async def test_a_revoked_token_says_so(stores: Stores) -> None:
    await stores.tokens.add(token())
    assert await stores.tokens.revoke("t1")
    assert await stores.tokens.revoke("t1")
    assert not await stores.tokens.revoke("t2")
    assert await stores.tokens.get("t1") == token(revoked=True)


async def test_all_tokens_of_a_subject_are_revoked_together(stores: Stores) -> None:
    for name, role, subject in (
        ("a", Role.BUILDER, "arm-1"),
        ("b", Role.BUILDER, "arm-1"),
        ("c", Role.BUILDER, "arm-2"),
        ("d", Role.OPERATOR, "arm-1"),
    ):
        await stores.tokens.add(token(name, role=role, subject=subject))
    assert await stores.tokens.revoke_of(Role.BUILDER, "arm-1") == 2
    assert await stores.tokens.revoke_of(Role.BUILDER, "arm-1") == 0
    assert [one.id for one in await stores.tokens.all() if not one.revoked] == ["d", "c"]


async def test_events_are_read_in_order_from_a_number_on(stores: Stores) -> None:
    await stores.events.write("leased", "k1", actor="arm-1", fence=1, share=0.5, why="first")
    stores.clock.advance(1)
    await stores.events.write("drained", "arm-1")
    await stores.events.write("finished", "k1")
    leased, drained, finished = await stores.events.read()
    assert (leased.at, leased.action, leased.actor) == (NOON, "leased", "arm-1")
    assert leased.detail == {"fence": 1, "share": 0.5, "why": "first"}
    assert (drained.at, drained.subject, drained.detail) == (stores.clock.now(), "arm-1", {})
    assert leased.id < drained.id < finished.id
    assert list(await stores.events.read(after=leased.id)) == [drained, finished]
    assert list(await stores.events.read(after=leased.id, limit=1)) == [drained]
    assert list(await stores.events.read(subject="k1")) == [leased, finished]
    assert list(await stores.events.read(subject="k1", after=leased.id)) == [finished]
    assert list(await stores.events.read(after=finished.id)) == []


async def test_events_that_come_at_once_are_all_there_in_their_order(stores: Stores) -> None:
    await asyncio.gather(*(stores.events.write("leased", f"k{number}") for number in range(30)))
    found = await stores.events.read()
    assert [one.subject for one in found] == [f"k{number}" for number in range(30)]


async def test_who_gives_up_writing_takes_nobody_elses_event_along(stores: Stores) -> None:
    writing = [asyncio.create_task(stores.events.write("leased", f"k{n}")) for n in range(10)]
    await asyncio.sleep(0)
    writing[0].cancel()
    writing[5].cancel()
    await asyncio.gather(*writing, return_exceptions=True)
    await stores.events.write("finished", "last")
    subjects = [one.subject for one in await stores.events.read()]
    assert len(subjects) == len(set(subjects))
    assert {*subjects} >= {f"k{n}" for n in range(10) if n not in {0, 5}} | {"last"}


async def test_an_event_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "state.sqlite", busy_seconds=0.05)
    events = StoredEvents(database=database, clock=ManualClock())
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            await events.write("leased", "k1")
        other.execute("ROLLBACK")
    await events.write("leased", "k2")
    assert [one.subject for one in await events.read()] == ["k2"]
    await database.close()
