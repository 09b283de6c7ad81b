"""The farm's event log in a list, and a leadership that coordinators in one process share."""

from collections.abc import Sequence

from wheelyard.farm_ports import Happening
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


class MemoryEventLog:
    """The ``EventLog`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._kept: list[Happening] = []

    async def write(
        self, action: str, subject: str, *, actor: str = "", **detail: str | float
    ) -> None:
        """Add a line."""
        happening = Happening(
            id=len(self._kept) + 1,
            at=self._clock.now(),
            action=action,
            subject=subject,
            actor=actor,
            detail=detail,
        )
        self._kept.append(happening)

    async def read(
        self, *, after: int = 0, subject: str = "", limit: int = 1000
    ) -> Sequence[Happening]:
        """Return lines after a number, oldest first."""
        found = [one for one in self._kept[max(after, 0) :] if subject in {"", one.subject}]
        return found[:limit]

    async def last(self) -> int:
        """Return the number of the newest line; 0 where there is none."""
        return len(self._kept)

    async def recent(
        self, *, before: int = 0, subject: str = "", actor: str = "", limit: int = 100
    ) -> Sequence[Happening]:
        """Return the lines before a number (0: all of them), newest first."""
        found = [
            one
            for one in reversed(self._kept)
            if (not before or one.id < before)
            and subject in {"", one.subject}
            and actor in {"", one.actor}
        ]
        return found[:limit]


class Chair:
    """What one of several ``MemoryLeadership`` can have at a time."""

    def __init__(self) -> None:
        self.holder: object | None = None


class MemoryLeadership:
    """The ``Leadership`` port in memory; those with one chair are on one database."""

    def __init__(self, chair: Chair | None = None) -> None:
        self._chair = chair or Chair()

    async def hold(self) -> bool:
        """Become, or stay, the leader; False where another one is."""
        if self._chair.holder is None:
            self._chair.holder = self
        return self._chair.holder is self

    async def let_go(self) -> None:
        """Stop being it."""
        if self._chair.holder is self:
            self._chair.holder = None
