"""No question about the queue makes SQLite look at all jobs, with or without statistics of them."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from wheelyard.store import jobs, ledger, order, queue, submitted

QUESTIONS = {
    "the best jobs of an owner": order._PAGE,
    "a job to lock": submitted._LOCK,
    "a job to step": ledger._LOAD,
    "a submitted job": queue._QUEUED,
    "its place": submitted._PLACE,
    "all leases": queue._ALL_LEASED,
    "the leases of a builder": queue._OF_BUILDER,
    "who has leases": jobs._HOLDERS,
    "who sleeps": queue._ASLEEP,
    "who wakes next": queue._NEXT_WAKE,
    "waking": queue._WAKE,
    "a project's rank": f"{queue._RANK} WHERE project = :project AND {queue._WAITS}",
}
FILL = """
INSERT INTO jobs (key, project, version, target, state, fence, attempt, builder, counts, lost_by,
    refused_by, reason, accepted, artifact, pool, owner, rank, submitted, open)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
SELECT n, n % 100, '1', 'cp312-linux_x86_64', 'ready', 0, 0, '', '{}', '[]', '[]', '', '', '',
    'pool', 'owner', n, n, TRUE FROM numbers
"""


@pytest.mark.parametrize("statistics", [False, True])
@pytest.mark.parametrize("statement", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_a_question_is_answered_from_an_index(
    tmp_path: Path, empty_database: bytes, statement: str, statistics: bool
) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(empty_database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(FILL)
        if statistics:
            connection.execute("ANALYZE")
        asked = re.sub(r"FOR UPDATE( OF \w+)?( SKIP LOCKED)?", "", statement)
        names = dict.fromkeys(re.findall(r":(\w+)", asked), 0)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", names)]
    # Along the index of what is leased or asleep is no walk along all jobs.
    small = re.compile(r"SCAN jobs USING (COVERING )?INDEX jobs_(leased|asleep)")
    assert [step for step in plan if "SCAN jobs" in step and not small.match(step)] == []
    assert not any("jobs_by_state" in step for step in plan if "project" in statement)
