"""SQLite's database: its revisions, and what is said when it cannot be used."""

import asyncio
import fcntl
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from store.processes import SOURCES
from wheelyard.errors import StoreError
from wheelyard.store import migrations
from wheelyard.store.database import Connection
from wheelyard.store.migrations.run import upgrade
from wheelyard.store.revision import REVISIONS, alone
from wheelyard.store.schema import METADATA
from wheelyard.store.sqlite import SqliteDatabase

pytestmark = pytest.mark.anyio

MIGRATIONS = Path(migrations.__file__).parent
JOB = """
INSERT INTO jobs (key, project, version, target, state, fence, attempt, builder, counts, lost_by,
    refused_by, reason, accepted, artifact)
VALUES ('k', 'six', '1.17.0', 'cp312-linux_x86_64', 'done', 3, 2, '', '{}', '[]', '[]', '', '', '')
"""


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_every_revision_is_known_in_its_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert [script.revision for script in scripts][::-1] == list(REVISIONS)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_any_revision_becomes_one_of_today(
    tmp_path: Path, revision: str
) -> None:
    path = tmp_path / "state.sqlite"
    upgrade(path, revision)
    with closing(sqlite3.connect(path)) as connection:
        # Only the first revision's columns are used, which every later one must carry over.
        connection.execute(JOB)
        connection.commit()
    database = await SqliteDatabase.open(path)
    rows = await database.read(lambda c: c.execute("SELECT key, fence FROM jobs").fetchall())
    await database.close()
    assert [tuple(row) for row in rows] == [("k", 3)]
    assert revision_of(path) == REVISIONS[-1]


def test_the_newest_revision_has_the_tables_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    upgrade(path, REVISIONS[-1])
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        # In the way of the last table that the first revision makes.
        connection.execute("CREATE TABLE memory (other TEXT)")
    with pytest.raises(Exception, match="already exists"):
        upgrade(path, REVISIONS[-1])
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert tables.fetchall() == [("memory",)]


def test_one_process_migrates_a_database_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    lock = path.with_name("state.sqlite.lock")
    with alone(path), lock.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_database_of_a_newer_wheelyard_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    upgrade(path, REVISIONS[-1])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match=r"newer wheelyard .*'9999'") as raised:
        await SqliteDatabase.open(path)
    assert "Install" in raised.value.hint
    assert revision_of(path) == "9999"


async def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="something else"):
        await SqliteDatabase.open(path)


async def test_a_file_that_is_no_database_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 50)
    with pytest.raises(StoreError, match="is damaged: file is not a database") as raised:
        await SqliteDatabase.open(path)
    assert "move it away" in raised.value.hint


async def test_a_damaged_database_is_said_when_it_is_met(
    tmp_path: Path, empty_database: bytes
) -> None:
    path = tmp_path / "state.sqlite"
    page = 4096
    path.write_bytes(empty_database[:page] + b"\xff" * (len(empty_database) - page))

    async def look() -> None:
        database = await SqliteDatabase.open(path)
        try:
            await database.read(lambda c: c.execute("SELECT * FROM jobs").fetchall())
        finally:
            await database.close()

    with pytest.raises(StoreError, match="is damaged"):
        await look()


async def test_a_folder_in_the_place_of_the_database_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: unable to open"):
        await SqliteDatabase.open(tmp_path)


async def test_a_database_that_stays_locked_is_said(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, busy_seconds=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            await database.write(lambda c: c.execute("DELETE FROM memory"))
        # Readers go on beside a writer.
        assert await database.read(lambda c: c.execute("SELECT 1").fetchone()[0]) == 1
        other.execute("ROLLBACK")
    await database.write(lambda c: c.execute("DELETE FROM memory"))
    await database.close()


async def test_a_writer_waits_for_another_and_the_loop_does_not(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        entered = threading.Event()
        write = asyncio.ensure_future(database.write(lambda _: entered.set()))
        await asyncio.sleep(0)
        assert not entered.is_set()
        other.execute("COMMIT")
    await write
    assert entered.is_set()
    await database.close()


async def test_what_fails_in_a_transaction_leaves_nothing_of_it(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "state.sqlite")

    def work(connection: Connection) -> None:
        connection.execute("INSERT INTO memory VALUES ('kind', 'key', x'00')")
        raise KeyError("on the way")

    with pytest.raises(KeyError, match="on the way"):
        await database.write(work)
    count = await database.read(lambda c: c.execute("SELECT COUNT(*) FROM memory").fetchone()[0])
    assert count == 0
    await database.close()


def test_a_database_of_today_opens_without_the_tools_of_migration(
    tmp_path: Path, empty_database: bytes
) -> None:
    """Nor without the driver of another engine: importing them costs more than everything else."""
    path = tmp_path / "state.sqlite"
    path.write_bytes(empty_database)
    code = f"""
import asyncio, sys
from pathlib import Path
from wheelyard.store.sqlite import SqliteDatabase
async def main():
    await (await SqliteDatabase.open(Path({str(path)!r}))).close()
asyncio.run(main())
print(sorted({{"alembic", "psycopg", "sqlalchemy"}} & set(sys.modules)))
"""
    words = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(SOURCES)}
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
