"""PostgreSQL's own ways: its revisions, servers that go away, transactions that meet."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from store.conftest import new_database, of_database
from store.cutter import cutter
from store.queueing import terms
from store.things import ended, offer
from wheelyard.errors import OutOfSpaceError, StoreError
from wheelyard.jobs.job import State
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.store.database import Connection, open_database
from wheelyard.store.folder import StateFolder
from wheelyard.store.migrations.run import upgrade_server
from wheelyard.store.named import for_psycopg
from wheelyard.store.postgres import PostgresDatabase
from wheelyard.store.postgres_faults import fault, label
from wheelyard.store.private_server import PrivateServer
from wheelyard.store.revision import REVISIONS
from wheelyard.store.schema import METADATA
from wheelyard.testing.clock import ManualClock

pytestmark = pytest.mark.anyio

JOB = """
INSERT INTO jobs (key, project, version, target, state, fence, attempt, builder, counts, lost_by,
    refused_by, reason, accepted, artifact)
VALUES ('k', 'six', '1.17.0', 'cp312-linux_x86_64', 'done', 3, 2, '', '{}', '[]', '[]', '', '', '')
"""
KEEP = """
INSERT INTO memory (kind, key, value) VALUES ('kind', :key, :value)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
"""
VALUE = "SELECT value FROM memory WHERE key = :key"
COUNT = "SELECT COUNT(*) AS number FROM memory"


@pytest.fixture
async def database(empty_server: str) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.open(empty_server)
    yield opened
    await opened.close()


@pytest.fixture
def restarted() -> Iterator[PrivateServer]:
    """A server that a test may stop; it keeps what it said to keep."""
    with PrivateServer(durable=True) as private:
        yield private


def keep(connection: Connection, key: str, value: bytes = b"") -> None:
    connection.execute(KEEP, {"key": key, "value": value})


def count(connection: Connection) -> int:
    number: int = connection.execute(COUNT).fetchone()["number"]
    return number


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_any_revision_becomes_one_of_today(
    server: PrivateServer, revision: str
) -> None:
    url = new_database(server, "older")
    upgrade_server(url, revision)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(JOB)
    database = await open_database(url)
    rows = await database.read(lambda c: c.execute("SELECT key, fence, open FROM jobs").fetchall())
    await database.close()
    assert [tuple(row) for row in rows] == [("k", 3, False)]


def test_the_newest_revision_has_the_tables_of_the_schema(migrated: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(migrated))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_texts_are_sorted_as_in_sqlite_whatever_the_language_of_the_server_is(
    migrated: str,
) -> None:
    with psycopg.connect(migrated) as connection:
        columns = connection.execute(
            "SELECT DISTINCT collation_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND data_type = 'text'"
        ).fetchall()
    assert columns == [("C",)]


async def test_several_that_find_an_empty_database_migrate_it_once(server: PrivateServer) -> None:
    url = new_database(server, "fresh")
    opened = await asyncio.gather(*(open_database(url) for _ in range(4)))
    for database in opened:
        assert await database.read(count) == 0
        await database.close()


async def test_a_database_of_something_else_is_left_alone(server: PrivateServer) -> None:
    url = new_database(server, "songs")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="something else"):
        await open_database(url)


async def test_a_database_of_a_newer_wheelyard_is_left_alone(server: PrivateServer) -> None:
    url = new_database(server, "newer")
    upgrade_server(url, REVISIONS[-1])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer wheelyard .*'9999'"):
        await open_database(url)


async def test_a_database_that_is_not_there_is_said_at_once(server: PrivateServer) -> None:
    with pytest.raises(StoreError, match=r"lets nobody in: .*does not exist") as raised:
        await open_database(server.url("nowhere"))
    assert "name of the database" in raised.value.hint


async def test_a_server_that_is_away_is_said_after_a_while(tmp_path: Path) -> None:
    url = f"postgresql://ada:secret@/farm?host={tmp_path}"
    with pytest.raises(StoreError, match=r"'postgresql://ada@.*/farm' does not answer") as raised:
        await open_database(url, patience=0.1)
    assert "secret" not in raised.value.message
    assert "Start PostgreSQL" in raised.value.hint


@pytest.mark.parametrize("url", ["postgresql://host/farm?nonsense=1", "postgresql://[/"])
async def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(StoreError, match="is no address of a database") as raised:
        await open_database(url)
    assert "postgresql://USER" in raised.value.hint


def test_a_full_disk_of_the_server_has_its_own_error() -> None:
    assert isinstance(fault(psycopg.errors.DiskFull("no space left"), "farm"), OutOfSpaceError)


def test_a_password_is_never_shown() -> None:
    assert label("postgresql://ada:secret@db:5433/farm") == "postgresql://ada@db:5433/farm"
    assert "secret" not in label("postgresql://ada:secret@[/")


def test_parameters_are_named_as_the_driver_wants_them() -> None:
    assert for_psycopg("a = :a AND b = :b_2") == "a = %(a)s AND b = %(b_2)s"
    text = r"x LIKE :x ESCAPE '\' AND y = 'it''s :no' AND z::text = '5 %' AND 7 % 2 = 1"
    expected = r"x LIKE %(x)s ESCAPE '\' AND y = 'it''s :no' AND z::text = '5 %%' AND 7 %% 2 = 1"
    assert for_psycopg(text) == expected


async def test_the_first_row_is_found_as_it_is_now(database: PostgresDatabase) -> None:
    await database.write(lambda c: c.execute(KEEP, {"key": "a", "value": b"old"}))
    await database.write(lambda c: c.execute(KEEP, {"key": "a", "value": b"new"}))
    row = await database.first(VALUE, {"key": "a"})
    assert bytes(row["value"]) == b"new"
    assert await database.first(VALUE, {"key": "b"}) is None


async def test_what_fails_in_a_transaction_leaves_nothing_of_it(database: PostgresDatabase) -> None:
    def work(connection: Connection) -> None:
        keep(connection, "k")
        raise KeyError("on the way")

    with pytest.raises(KeyError, match="on the way"):
        await database.write(work)
    assert await database.read(count) == 0


async def test_who_reads_changes_nothing(database: PostgresDatabase) -> None:
    with pytest.raises(StoreError, match="read-only transaction"):
        await database.read(lambda connection: keep(connection, "k"))


async def test_a_text_with_a_nul_is_kept_without_it(empty_server: str) -> None:
    database = await open_database(empty_server)
    stores = of_database(database, ManualClock())
    await stores.jobs.lease(offer(), "yard-1", seconds=60)
    await stores.jobs.finish(BuildKey("k1"), 1, ended(Outcome.FAILED, "a\0b"))
    job = await stores.jobs.job(BuildKey("k1"))
    assert job is not None
    assert job.reason == "a\N{REPLACEMENT CHARACTER}b"
    await database.close()


async def test_transactions_that_meet_run_again_and_none_is_lost(
    database: PostgresDatabase,
) -> None:
    """All read the same number before one of them writes the next."""
    together = threading.Barrier(4)
    runs = []

    def add(connection: Connection) -> None:
        row = connection.execute("SELECT value FROM memory WHERE key = 'k'").fetchone()
        runs.append(row)
        if len(runs) <= together.parties:
            together.wait(timeout=20)
        keep(connection, "k", bytes([row["value"][0] + 1]))

    await database.write(lambda connection: keep(connection, "k", b"\0"))
    await asyncio.gather(*(database.write(add) for _ in range(4)))
    row = await database.read(lambda c: c.execute("SELECT value FROM memory").fetchone())
    assert bytes(row["value"]) == b"\4"
    assert len(runs) > 4


async def test_two_that_lease_a_new_job_at_once_do_not_both_get_it(empty_server: str) -> None:
    one, other = await open_database(empty_server), await open_database(empty_server)
    first, second = of_database(one, ManualClock()), of_database(other, ManualClock())
    for number in range(20):
        leases = await asyncio.gather(
            first.jobs.lease(offer(f"k{number}"), "yard-1", seconds=60),
            second.jobs.lease(offer(f"k{number}"), "yard-2", seconds=60),
        )
        assert sum(lease is not None for lease in leases) == 1
    assert {job.fence for job in await first.jobs.jobs()} == {1}
    await one.close()
    await other.close()


async def test_a_job_that_another_one_is_choosing_is_passed_by(empty_server: str) -> None:
    database = await open_database(empty_server)
    stores = of_database(database, ManualClock())
    await stores.queue.submit(offer("a"), terms(rank=1))
    await stores.queue.submit(offer("b"), terms(rank=2))
    with psycopg.connect(empty_server) as other:
        other.execute("SELECT key FROM jobs WHERE key = 'a' FOR UPDATE")
        ((queued, _),) = await stores.queue.lease_next(
            {"os=linux": ()}, "arm-1", owners=["ada"], count=1, seconds=60
        )
    assert queued.job.key == "b"
    await database.close()


@pytest.mark.parametrize("crash", [False, True])
async def test_a_server_that_restarts_is_waited_for_and_nothing_is_lost(
    restarted: PrivateServer, crash: bool
) -> None:
    database = await open_database(restarted.url())
    await database.write(lambda connection: keep(connection, "before"))
    await asyncio.to_thread(restarted.stop, crash=crash)
    waiting = [
        asyncio.create_task(database.write(lambda c, k=key: keep(c, k)))  # type: ignore[misc] # a default binds it
        for key in ("x", "y")
    ]
    reading = asyncio.create_task(database.read(count))
    await asyncio.to_thread(restarted.start)
    await asyncio.gather(*waiting)
    assert await reading >= 1
    assert await database.read(count) == 3
    await database.close()


@pytest.mark.parametrize("word", [b"COMMIT", b"INSERT INTO memory"])
async def test_a_transaction_that_is_cut_off_counts_once(
    server: PrivateServer, word: bytes
) -> None:
    """Whether it was cut off before it counted, or after."""
    url = new_database(server, "cut")
    behind = Path(server.url().rpartition("host=")[2])
    with tempfile.TemporaryDirectory() as folder, cutter(Path(folder), behind, word) as way:
        database = await open_database(url.replace(str(behind), folder))
        await database.write(lambda connection: connection.execute("SELECT 1"))

        def add(connection: Connection) -> int:
            number = count(connection)
            keep(connection, f"k{number}")
            return number

        way.armed = True
        assert await database.write(add) == 0
        assert way.cuts == 1
        assert await database.read(count) == 1
        assert await database.write(add) == 1
        await database.close()


async def test_two_farms_on_one_server_have_their_own_folders(
    tmp_path: Path, empty_server: str
) -> None:
    """A lock that is missing in one folder may be in the other."""
    one = await StateFolder.open(tmp_path / "one", database=empty_server)
    other = await StateFolder.open(tmp_path / "other", database=empty_server)
    lease = await one.jobs.lease(offer(), await one.builder(), seconds=60)
    assert lease is not None
    assert await other.dead_owners() == []
    assert await one.recover() == 0
    await one.close()
    job = await other.jobs.job(BuildKey("k1"))
    assert job is not None
    assert (job.state, job.counts) == (State.READY, ())
    assert not (tmp_path / "other" / "state.sqlite").exists()
    await other.close()
