"""What was written comes into the database file beside the commits, and its log never grows without end."""

import asyncio
from pathlib import Path

import pytest

from wheelyard.store.database import Connection
from wheelyard.store.sqlite import SqliteDatabase
from wheelyard.store.sqlite_checkpoints import LONGEST_LOG_PAGES, MANY_COMMITS

pytestmark = pytest.mark.anyio

NEVER = 3600.0
PAGE_BYTES = 4096
# So much that SQLite itself would carry it over within a commit, as it is set up by default.
MANY_PAGES = 1200
KEEP = "INSERT INTO memory (kind, key, value) VALUES ('test', :key, :value)"


async def fill(database: SqliteDatabase, key: str, pages: int) -> None:
    names = {"key": key, "value": bytes(pages * PAGE_BYTES)}

    def work(connection: Connection) -> None:
        connection.execute(KEEP, names)

    await database.write(work)


async def until_larger(path: Path, size: int) -> None:
    async with asyncio.timeout(20):
        while path.stat().st_size <= size:
            await asyncio.sleep(0.01)


async def test_no_commit_carries_the_log_over(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, checkpoint_seconds=NEVER)
    await fill(database, "first", 1)
    before = path.stat().st_size
    for number in range(4):
        await fill(database, f"key-{number}", MANY_PAGES // 4)
    assert path.stat().st_size == before
    await database.close()


async def test_what_was_written_is_carried_over_a_moment_later(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, checkpoint_seconds=0.01)
    before = path.stat().st_size
    await fill(database, "key", MANY_PAGES)
    await until_larger(path, before)
    await database.close()


async def test_many_commits_are_carried_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, checkpoint_seconds=NEVER)
    before = path.stat().st_size
    for number in range(MANY_COMMITS + 1):
        await fill(database, f"key-{number}", 2)
    await until_larger(path, before)
    await database.close()


async def test_the_log_begins_anew_where_nothing_else_carries_it_over(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, checkpoint_seconds=NEVER)
    for number in range(5):
        await fill(database, f"key-{number}", LONGEST_LOG_PAGES // 2)
    log = path.with_name("state.sqlite-wal")
    assert log.stat().st_size < 2 * LONGEST_LOG_PAGES * PAGE_BYTES
    await database.close()


async def test_closing_leaves_no_log(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = await SqliteDatabase.open(path, checkpoint_seconds=0.01)
    await fill(database, "key", MANY_PAGES)
    await until_larger(path, MANY_PAGES * PAGE_BYTES)
    await database.close()
    assert not path.with_name("state.sqlite-wal").exists()
