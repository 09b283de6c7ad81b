"""A database that had no cells gets them, and what pages look at waits on connections of its own."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store.conftest import new_database
from wheelyard.jobs.cells import Cell, fold
from wheelyard.model.job import BuildKey
from wheelyard.store.cells import read_cell
from wheelyard.store.database import open_database
from wheelyard.store.folder import StateFolder
from wheelyard.store.migrations.run import upgrade, upgrade_server
from wheelyard.store.private_server import PrivateServer
from wheelyard.store.rows import read_job

pytestmark = pytest.mark.anyio
JOB = """
INSERT INTO jobs (key, project, version, target, state, outcome, fence, attempt, builder, counts, lost_by,
    refused_by, reason, accepted, artifact, changed)
VALUES (?, ?, ?, ?, ?, ?, 1, 1, '', '{}', '[]', '[]', ?, '', '', ?)
"""
ATTEMPT = """
INSERT INTO attempts (key, number, project, version, target, builder, fence, started, counted, reason,
    wall_seconds, outcome, report)
VALUES (?, 1, ?, ?, ?, 'arm-1', 1, 0, TRUE, '', 1, 'built', ?)
"""
STANDINGS = [
    ("done", "built"),
    ("done", "failed"),
    ("ready", None),
    ("leased", None),
    ("held", None),
]


def jobs() -> Sequence[tuple[Any, ...]]:
    """Return jobs of two projects and targets whose states and versions come in many orders."""
    found = []
    for number in range(120):
        state, outcome = STANDINGS[number * 7 % 5]
        version = f"1.{number * 11 % 13}"
        target = ("cp311-linux_x86_64", "cp312-linux_x86_64")[number % 2]
        key, project = f"k{number:03}", ("six", "attrs")[number // 2 % 2]
        found.append((key, project, version, target, state, outcome, f"why {number}", number))
    return found


def attempts() -> Sequence[tuple[Any, ...]]:
    report = json.dumps({"outcome": "built", "cpu_seconds": 2.5, "log_bytes": 70})
    return [(one[0], one[1], one[2], one[3], report) for one in jobs()[:3]]


def old(path: Path) -> Path:
    upgrade(path, "0002")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(JOB, jobs())
        connection.executemany(ATTEMPT, attempts())
    return path


def old_server(server: PrivateServer) -> str:
    url = new_database(server, "before_cells")
    upgrade_server(url, "0002")
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(JOB.replace("?", "%s").encode(), jobs())
        cursor.executemany(ATTEMPT.replace("?", "%s").encode(), attempts())
    return url


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_what_is_there_gets_its_cells(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    if engine == "sqlite":
        address: str | Path = old(tmp_path / "state.sqlite")
    else:
        address = old_server(request.getfixturevalue("server"))
    database = await open_database(address)

    def look(connection: Any) -> tuple[list[Cell], list[Cell | None], list[str], Any]:
        cells = connection.execute("SELECT * FROM cells ORDER BY project, target").fetchall()
        rows = connection.execute("SELECT * FROM jobs ORDER BY project, target, changed").fetchall()
        wanted = [
            fold(map(read_job, of_cell))
            for _, of_cell in groupby(rows, key=lambda row: (row["project"], row["target"]))
        ]
        names = connection.execute("SELECT project FROM known_projects ORDER BY project").fetchall()
        sums = connection.execute("SELECT SUM(cpu_seconds), SUM(log_bytes) FROM attempts")
        assert {bool(row["regressed"]) for row in cells} == {
            cell.regressed for cell in wanted if cell
        }
        return list(map(read_cell, cells)), wanted, [row[0] for row in names], sums.fetchone()

    cells, wanted, names, sums = await database.read(look)
    await database.close()
    assert len(cells) == 4
    assert cells == wanted
    assert names == ["attrs", "six"]
    assert (float(sums[0]), int(sums[1])) == (7.5, 210)


async def test_a_page_that_looks_for_long_keeps_no_job_waiting(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path / "state") as folder:
        site = await folder.site()
        ending, begun = threading.Event(), threading.Event()

        def look(_: object) -> None:
            begun.set()
            assert ending.wait(30)

        looking = asyncio.ensure_future(site._pages.read(look))
        await asyncio.to_thread(begun.wait, 30)
        assert await folder.jobs.job(BuildKey("k")) is None
        await folder.memory.keep("kind", "key", b"value")
        assert await site.tallies() == []
        assert not looking.done()
        ending.set()
        await looking
