"""Small transactions that are one commit, and statements that nobody waits for, on both engines."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store.conftest import of_database
from store.things import ended, offer
from wheelyard.errors import StoreError
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.store.database import Connection, Database, open_database
from wheelyard.store.postgres import PostgresDatabase
from wheelyard.testing.clock import ManualClock

pytestmark = pytest.mark.anyio

KEEP = "INSERT INTO memory (kind, key, value) VALUES ('test', :key, :value)"
CHANGE = "UPDATE memory SET value = :value WHERE kind = 'test' AND key = :key"
ALL = "SELECT key, value FROM memory WHERE kind = 'test' ORDER BY key"


@pytest.fixture
async def database(address: str | Path) -> AsyncIterator[Database]:
    opened = await open_database(address)
    yield opened
    await opened.close()


def names(key: str, value: bytes = b"") -> dict[str, Any]:
    return {"key": key, "value": value}


def kept(connection: Connection) -> dict[str, bytes]:
    return {row["key"]: bytes(row["value"]) for row in connection.execute(ALL)}


async def test_what_comes_at_the_same_time_is_one_transaction(database: Database) -> None:
    seen: list[Connection] = []

    def work(connection: Connection, number: int) -> int:
        seen.append(connection)
        connection.execute(KEEP, names(str(number)))
        return number

    answers = await asyncio.gather(
        *(database.write_together(lambda c, n=n: work(c, n)) for n in range(9))  # type: ignore[misc]
    )

    assert answers == list(range(9))
    assert len(await database.read(kept)) == 9
    # The first goes at once, and what came meanwhile goes together.
    assert len(set(map(id, seen[1:]))) == 1


async def test_of_what_goes_together_what_fails_fails_alone(database: Database) -> None:
    def work(connection: Connection, number: int) -> None:
        connection.later(KEEP, names(str(number)))
        if number == 4:
            raise KeyError(number)
        if number == 6:
            connection.execute("SELECT nothing FROM nowhere")

    ended = await asyncio.gather(
        *(database.write_together(lambda c, n=n: work(c, n)) for n in range(9)),  # type: ignore[misc]
        return_exceptions=True,
    )

    assert {n: type(one) for n, one in enumerate(ended) if one is not None} == {
        4: KeyError,
        6: StoreError,
    }
    assert sorted(await database.read(kept)) == ["0", "1", "2", "3", "5", "7", "8"]


async def test_who_gives_up_takes_nobody_elses_work_along(database: Database) -> None:
    writing = [
        asyncio.create_task(database.write_together(lambda c, n=n: c.later(KEEP, names(str(n)))))  # type: ignore[misc]
        for n in range(9)
    ]
    await asyncio.sleep(0)
    writing[0].cancel()
    writing[5].cancel()
    await asyncio.gather(*writing, return_exceptions=True)
    assert {*await database.read(kept)} >= {str(n) for n in range(9) if n not in {0, 5}}


async def test_what_may_wait_is_there_for_the_next_statement_and_in_its_order(
    database: Database,
) -> None:
    def work(connection: Connection) -> dict[str, bytes]:
        connection.later(KEEP, names("a", b"1"))
        connection.later(CHANGE, names("a", b"2"))
        connection.later(KEEP, names("b", b"3"))
        found = kept(connection)
        connection.later(CHANGE, names("b", b"4"))
        return found

    assert await database.write(work) == {"a": b"2", "b": b"3"}
    assert await database.read(kept) == {"a": b"2", "b": b"4"}


async def test_where_nothing_was_changed_something_else_is_done(database: Database) -> None:
    def work(connection: Connection) -> None:
        def instead(key: str) -> None:
            connection.later(KEEP, names(key, b"anew"))

        connection.later(KEEP, names("a", b"old"))
        for key in ("a", "b"):
            connection.later(
                CHANGE,
                names(key, b"changed"),
                otherwise=lambda key=key: instead(key),  # type: ignore[misc]
            )

    await database.write(work)
    assert await database.read(kept) == {"a": b"changed", "b": b"anew"}


async def test_what_may_wait_and_fails_leaves_nothing_and_harms_nothing_after_it(
    database: Database,
) -> None:
    def work(connection: Connection, key: str) -> None:
        connection.later(KEEP, names(f"{key}1"))
        connection.later(KEEP, names(f"{key}2"))
        if key == "bad":
            connection.later("UPDATE nowhere SET nothing = :key", {"key": key})
        connection.later(CHANGE, names(f"{key}1", b"x"))

    # Often enough for a driver to prepare what it is asked for again and again.
    for number in range(8):
        with pytest.raises(StoreError):
            await database.write(lambda c: work(c, "bad"))
        await database.write(lambda c, n=number: work(c, f"k{n}-"))  # type: ignore[misc]

    found = await database.read(kept)
    assert sorted(found) == sorted(f"k{n}-{one}" for n in range(8) for one in (1, 2))


async def test_an_error_while_something_else_is_done_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        raise KeyError("on the way")

    def work(connection: Connection) -> None:
        connection.later(KEEP, names("a"))
        connection.later(CHANGE, names("b"), otherwise=fail)

    with pytest.raises(KeyError, match="on the way"):
        await database.write(work)
    assert await database.read(kept) == {}
    await database.write(lambda c: c.later(KEEP, names("a")))
    assert await database.read(kept) == {"a": b""}


async def test_a_connection_that_was_given_up_leaves_no_second_mark(empty_server: str) -> None:
    """The table of marks does not grow with every transaction that meets another one."""
    database = await PostgresDatabase.open(empty_server, connections=1)

    def work(connection: Connection, statement: str) -> None:
        connection.later(KEEP, names(statement))
        connection.later(statement, {})

    await database.write(lambda c: c.later(KEEP, names("before")))
    for _ in range(3):
        with pytest.raises(StoreError):
            await database.write(lambda c: work(c, "UPDATE nowhere SET nothing = 1"))
        await database.write(lambda c: c.later(CHANGE, names("before", b"after")))
    await database.close()
    with psycopg.connect(empty_server) as connection:
        rows = connection.execute("SELECT number FROM commits").fetchall()
    assert len(rows) == 1


async def test_what_locks_rows_comes_first_and_in_the_order_of_their_keys(
    database: Database,
) -> None:
    order: list[str] = []
    began = asyncio.gather(database.write_together(lambda _: order.append("first")))
    await asyncio.gather(
        *(
            database.write_together(lambda _, n=name: order.append(n), locks=locks)  # type: ignore[misc]
            for name, locks in (("x", ""), ("b", "b"), ("y", ""), ("c", "c"), ("a", "a"))
        )
    )
    await began
    assert [name for name in order if name != "first"] == ["a", "b", "c", "x", "y"]


async def test_results_taken_in_together_and_leases_that_are_prolonged_do_not_block_each_other(
    empty_server: str,
) -> None:
    """A deadlock would be found by the server, after a second, and one of both carried out again."""
    database = await open_database(empty_server)
    stores = of_database(database, ManualClock())
    keys = [BuildKey(f"k{number}") for number in range(12)]
    for key in keys:
        await stores.jobs.lease(offer(key), "yard-1", seconds=60)
    leases = [(key, 1) for key in keys]

    await asyncio.gather(
        *(
            work
            for key in reversed(keys)
            for work in (
                stores.queue.renew_all(leases, seconds=60),
                stores.jobs.finish(key, 1, ended(Outcome.FAILED)),
            )
        )
    )

    await database.close()
    with psycopg.connect(empty_server) as connection:
        (found,) = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchall()
    assert found == (0,)
