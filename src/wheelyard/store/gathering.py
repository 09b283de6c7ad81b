"""Small transactions that go together: what comes while a commit is under way waits, and is one commit with the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from wheelyard.store.database import Connection

T = TypeVar("T")
_Work = Callable[[Connection], Any]
_AT_ONCE_SECONDS = 1.0
"""What fails sooner is the fault of one of those that went together; what was waited for is nobody's."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """Work on its way into the database; ``ended`` once it is there or has failed."""

    work: _Work
    locks: str
    ended: bool = False
    result: Any = None
    error: Exception | None = None


class Gathering:
    """Carries works out, each once, and those that lock nothing in the order in which they come. ``write`` runs one transaction.

    A commit is slow, and a farm writes several small things a job. Where one of them fails, the others do not.
    """

    def __init__(self, write: Callable[[Callable[[Connection], Any]], Awaitable[Any]]) -> None:
        self._write = write
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()

    async def add(self, work: Callable[[Connection], T], *, locks: str = "") -> T:
        """Carry out a work and return what it returned; what it wrote is there then."""
        mine = _Waiting(work, locks)
        self._waiting.append(mine)
        async with self._turn:
            if not mine.ended:
                gathered, self._waiting = self._waiting, []
                # In one order, so that two who lock the same rows do not wait for each other; what locks none is the last.
                await self._finish(sorted(gathered, key=lambda one: (not one.locks, one.locks)))
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    async def _finish(self, gathered: Sequence[_Waiting]) -> None:
        carrying = asyncio.ensure_future(self._carry_out(gathered))
        try:
            await asyncio.shield(carrying)
        finally:
            # Whoever is cancelled here had others' works with it, and the thread that does them goes on.
            await asyncio.wait([carrying])

    async def _carry_out(self, gathered: Sequence[_Waiting]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self._try(gathered)
        except Exception as error:  # noqa: BLE001 - it is raised where the work is waited for
            if len(gathered) == 1 or clock() - began > _AT_ONCE_SECONDS:
                for one in gathered:
                    one.error, one.ended = error, True
                return
            for one in gathered:
                await self._carry_out([one])

    async def _try(self, gathered: Sequence[_Waiting]) -> None:
        def works(connection: Connection) -> Sequence[Any]:
            return [one.work(connection) for one in gathered]

        for one, result in zip(gathered, await self._write(works), strict=True):
            one.result, one.ended = result, True
