"""Small writes that go together: what comes while a commit is under way waits, and is one commit with the rest."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wheelyard.store.database import Connection, Database

Item = TypeVar("Item")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item]):
    """An item on its way into the database; ``changed`` is how many rows it changed, once it is there."""

    item: Item
    changed: int | None = None


class Gathering(Generic[Item]):
    """Writes items in the order in which they come, none twice.

    A commit is slow, and a farm writes several small things a job. ``insert`` writes one item and returns how
    many rows that changed; ``begin`` is run before the first of each commit.
    """

    def __init__(
        self,
        database: Database,
        insert: Callable[[Connection, Item], int],
        *,
        begin: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._insert = insert
        self._begin = begin
        self._waiting: list[_Waiting[Item]] = []
        self._turn = asyncio.Lock()

    async def add(self, item: Item) -> int:
        """Write an item and return how many rows it changed; it is there when this returns."""
        mine = _Waiting(item)
        self._waiting.append(mine)
        async with self._turn:
            if mine.changed is None:
                gathered, self._waiting = self._waiting, []
                await self._write(gathered, mine)
        assert mine.changed is not None
        return mine.changed

    async def _write(self, gathered: list[_Waiting[Item]], mine: _Waiting[Item]) -> None:
        def work(connection: Connection) -> Sequence[int]:
            self._begin(connection)
            return [self._insert(connection, one.item) for one in gathered]

        writing = asyncio.ensure_future(self._database.write(work))
        try:
            await asyncio.shield(writing)
        finally:
            # Whoever is cancelled here had others' items with it, and the thread that writes them goes on.
            await asyncio.wait([writing])
            if writing.exception() is None:
                for one, changed in zip(gathered, writing.result(), strict=True):
                    one.changed = changed
            else:
                self._waiting[:0] = [one for one in gathered if one is not mine]
