"""The order of jobs that may be chosen: walks along the index of the queue, a page at a time."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from wheelyard.store.database import Connection, Row

_PAGE = """
SELECT * FROM jobs
WHERE open AND pool = :pool AND owner = :owner AND (rank, submitted, key) > (:rank, :submitted, :key)
ORDER BY rank, submitted, key LIMIT :limit
"""
# Smaller than any rank that is used, and what PostgreSQL's numbers still hold.
_BEFORE_ALL = -(1 << 63)
_SPARE = 4
"""A few more than are wanted: some may be passed over, or another coordinator's."""
_LONG_PAGE = 200


def walk_owner(
    connection: Connection, pools: Iterable[str], owner: str, *, hint: int
) -> Iterator[Row]:
    """Yield an owner's jobs in some pools, the best first; about ``hint`` will be wanted."""
    pages = (_walk(connection, pool, owner, hint) for pool in pools)
    return heapq.merge(*pages, key=_place)


def in_order(connection: Connection, pool: str, owners: Sequence[str], limit: int) -> Iterator[Row]:
    """Yield the best jobs of a pool, whosever they are."""
    # Mostly all have about as many among the best; where one has more, a further page of its jobs is read.
    share = limit // max(1, len(owners))
    pages = (_walk(connection, pool, owner, share) for owner in owners)
    return islice(heapq.merge(*pages, key=_place), limit)


def _walk(connection: Connection, pool: str, owner: str, hint: int) -> Iterator[Row]:
    names: dict[str, object] = {
        "pool": pool,
        "owner": owner,
        "limit": hint + _SPARE,
        "rank": _BEFORE_ALL,
        "submitted": _BEFORE_ALL,
        "key": "",
    }
    while True:
        page = connection.execute(_PAGE, names).fetchall()
        yield from page
        if len(page) < int(str(names["limit"])):
            return
        last = page[-1]
        place = {name: last[name] for name in ("rank", "submitted", "key")}
        names = {**names, **place, "limit": _LONG_PAGE}


def _place(row: Row) -> tuple[int, int, str]:
    return row["rank"], row["submitted"], row["key"]
