"""How many jobs wait and run in each pool, and whose they are, without looking at the jobs.

Whoever changes what a job counts for adds a row; the sum of the rows is the answer. Rows are drawn
together when there are many.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wheelyard.farm_ports import PoolDepth
from wheelyard.store.database import Connection, Row
from wheelyard.store.texts import read_value, write_value

_OF_JOB = """
SELECT pool, owner,
    :sign * CASE WHEN state = 'ready' THEN 1 ELSE 0 END,
    :sign * CASE WHEN state = 'leased' THEN 1 ELSE 0 END
FROM jobs WHERE key = :key AND pool IS NOT NULL AND state IN ('ready', 'leased')
"""
_COUNT = f"INSERT INTO pool_changes (pool, owner, waiting, running) {_OF_JOB}"
_SUMS = """
SELECT pool, owner, SUM(waiting) AS waiting, SUM(running) AS running, COUNT(*) AS changes
FROM pool_changes GROUP BY pool, owner
"""
_OWNERS = """
SELECT owner FROM pool_changes WHERE pool = :pool
GROUP BY owner HAVING SUM(waiting) > 0 ORDER BY owner
"""
_NEEDS = "SELECT needs FROM pools WHERE pool = :pool"
_KEEP_NEEDS = """
INSERT INTO pools (pool, needs) VALUES (:pool, :needs) ON CONFLICT (pool) DO NOTHING
"""
_LAST = "SELECT MAX(id) AS id FROM pool_changes"
_FORGET = "DELETE FROM pool_changes WHERE id <= :id"
_SUM = """
INSERT INTO pool_changes (pool, owner, waiting, running)
VALUES (:pool, :owner, :waiting, :running)
"""
_MANY = 500


def keep_needs(connection: Connection, pool: str, needs: Mapping[str, object]) -> None:
    """Remember what a pool's jobs need."""
    if connection.execute(_NEEDS, {"pool": pool}).fetchone() is None:
        connection.execute(_KEEP_NEEDS, {"pool": pool, "needs": write_value(dict(needs))})


def read_needs(text: str) -> Mapping[str, object]:
    """Read what a pool's jobs need; a list of words is a tuple, as it is in the facts of builders."""
    needs = read_value(dict[str, Any], text)
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in needs.items()
    }


def count_job(connection: Connection, key: str, sign: int) -> None:
    """Count a job in its pool (1), or no longer (-1)."""
    connection.later(_COUNT, {"key": key, "sign": sign})


def owners_of(connection: Connection, pool: str) -> Sequence[str]:
    """Return whose jobs wait in a pool."""
    return [row["owner"] for row in connection.execute(_OWNERS, {"pool": pool})]


def depths(connection: Connection) -> tuple[Sequence[PoolDepth], bool]:
    """Return every pool in which something waits or runs, and whether ``draw_together`` is due."""
    sums = connection.execute(_SUMS).fetchall()
    pools: dict[str, list[Row]] = {}
    for row in sums:
        if row["waiting"] > 0 or row["running"] > 0:
            pools.setdefault(row["pool"], []).append(row)
    changes = sum(int(row["changes"]) for row in sums)
    found = [_depth(connection, pool, pools[pool]) for pool in sorted(pools)]
    return found, changes > _MANY + 2 * len(sums)


def draw_together(connection: Connection) -> None:
    """Put one row in the place of all rows that say something of the same pool and owner."""
    # All of it in one transaction over one state, so that the rows that go are those of the sums.
    sums = connection.execute(_SUMS).fetchall()
    last = connection.execute(_LAST).fetchone()["id"]
    connection.execute(_FORGET, {"id": last})
    names = ("pool", "owner", "waiting", "running")
    connection.execute_all(
        _SUM,
        [
            {name: row[name] for name in names}
            for row in sums
            if row["waiting"] != 0 or row["running"] != 0
        ],
    )


def _depth(connection: Connection, pool: str, rows: Sequence[Row]) -> PoolDepth:
    needs = connection.execute(_NEEDS, {"pool": pool}).fetchone()
    return PoolDepth(
        pool=pool,
        needs=read_needs(needs["needs"]),
        waiting=sum(int(row["waiting"]) for row in rows),
        running=sum(int(row["running"]) for row in rows),
        owners=tuple(sorted(row["owner"] for row in rows if row["waiting"] > 0)),
    )
