"""No question of a page makes SQLite look at all jobs, attempts or cells; what counts reads indexes only."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wheelyard.site_ports import Choice
from wheelyard.store import cells, site
from wheelyard.store.chosen import chosen, holding

QUESTIONS = {
    "all projects": chosen(Choice())[0],
    "regressions": chosen(Choice(regressed=True))[0],
    "by state": chosen(Choice(state="failed"))[0],
    "by target": chosen(Choice(target="t"))[0],
    "by state and target": chosen(Choice(state="failed", target="t"))[0],
    "mine": chosen(Choice(owner="ann"))[0],
    "mine by state": chosen(Choice(owner="ann", state="failed"))[0],
    "targets": site._TARGETS,
    "cells of a project": site._CELLS,
    "a cell to follow": cells._CELL,
    "jobs of a project": site._JOBS,
    "jobs of a cell": cells._JOBS,
    "build times": site._TIMES,
    "a report": site._REPORT,
    "jobs of a request": site._OF_REQUEST,
    "failures": site._FAILURES,
    "failures of a project": site._FAILURES_OF,
    "published": site._PUBLISHED,
    "published of a project": site._PUBLISHED_OF,
    "files of a project": site._FILES_OF,
    "names that begin so": holding("six", beginning=True)[0],
}
COUNTS = {
    "tallies": site._TALLIES,
    "ended": site._ENDED,
    "costs": site._COSTS,
    "logs": site._LOGS,
    "kept": site._KEPT,
}
BIG = re.compile(r"\bSCAN (jobs|cells|attempts|artifacts|job_requests|projects)\b")
ORDERED = re.compile(
    r"SCAN (cells|jobs|artifacts|projects) USING (COVERING )?INDEX "
    r"(cells_regressed|jobs_failed|artifacts_by_age|sqlite_autoindex_projects_1)"
)


@pytest.fixture(params=[False, True], ids=["new", "analysed"])
def connection(
    request: pytest.FixtureRequest, tmp_path: Path, empty_database: bytes
) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "state.sqlite"
    path.write_bytes(empty_database)
    with closing(sqlite3.connect(path)) as opened:
        opened.execute(
            "INSERT INTO cells SELECT 'p' || (value / 20), 't' || (value % 20), '1', value, "
            "CASE WHEN value % 9 THEN 'built' ELSE 'failed' END, '', 0, '', '', value % 99 = 0 "
            "FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n "
            "WHERE value < 4000) SELECT value FROM n)"
        )
        opened.execute("INSERT INTO known_projects SELECT DISTINCT project FROM cells")
        opened.execute("INSERT INTO askers SELECT 'ann', project FROM known_projects")
        if request.param:
            opened.execute("ANALYZE")
        yield opened


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    asked = re.sub(r"FOR UPDATE", "", statement)
    names = dict.fromkeys(re.findall(r":(\w+)", asked), 1)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", names)]


@pytest.mark.parametrize("statement", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_a_page_asks_indexes(connection: sqlite3.Connection, statement: str) -> None:
    steps = plan(connection, statement)
    assert [step for step in steps if BIG.search(step) and not ORDERED.search(step)] == [], steps


@pytest.mark.parametrize("statement", COUNTS.values(), ids=COUNTS.keys())
def test_what_counts_reads_no_rows(connection: sqlite3.Connection, statement: str) -> None:
    steps = plan(connection, statement)
    read = [
        step for step in steps if re.match(r"(SCAN|SEARCH) (jobs|cells|attempts|artifacts)", step)
    ]
    assert read
    assert all("COVERING INDEX" in step for step in read), steps


def test_search_is_quick_among_a_hundred_thousand_projects(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO known_projects VALUES (?)",
        [(f"project-{number}",) for number in range(100_000)],
    )
    for part in ("77", "project", "no-such"):
        seconds = []
        for _ in range(5):
            begun = time.process_time()
            for beginning in (True, False):
                statement, names = holding(part, beginning=beginning)
                connection.execute(statement, {**names, "limit": 20}).fetchall()
            seconds.append(time.process_time() - begun)
        # It takes about 10 ms; this holds on slow machines, too.
        assert min(seconds) < 0.1, part


def test_what_waits_is_counted_without_what_does_not(connection: sqlite3.Connection) -> None:
    steps = plan(connection, site._WAITING)
    assert any("USING INDEX jobs_in_order" in step for step in steps), steps
