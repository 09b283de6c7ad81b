"""What carries messages between a farm's coordinator and its builders.

Two engines stand behind it: the in-process bus and NATS JetStream. One contract suite runs on both.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


class Delivery(Protocol):
    """A message that is this reader's until it is done with, or until it was silent for too long."""

    content: bytes
    sender: str
    """The builder whose message this is, as the bus knows it, whatever the message says."""
    tries: int
    """How often it was delivered, this time included."""

    async def working(self) -> None:
        """Say that it is being worked on still: it is not given to anybody else for another while."""
        ...

    async def done(self) -> None:
        """Be done with it: it is never delivered again. Twice is the same as once."""
        ...

    async def again(self, *, seconds: float = 0) -> None:
        """Have it delivered again after some seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a builder announced. ``builder`` is its name as the bus knows it, whatever the content says."""

    builder: str
    content: bytes


class Bus(Protocol):
    """The coordinator's end. What is said here outlives whoever said it, but for presence.

    Every method raises BusError where the engine is away; readers (iterators) come back by themselves
    when it is there again, and lose nothing.
    """

    async def order(self, builder: str, content: bytes, *, name: str) -> None:
        """Put an order into a builder's queue; the same ``name`` within two minutes counts once."""
        ...

    def words(self) -> AsyncIterator[Delivery]:
        """Yield results and returned jobs of all builders, each until it is done with."""
        ...

    def presences(self) -> AsyncIterator[Announcement]:
        """Yield the newest presence of each builder, then each new one as it comes.

        Of one builder's, a reader that is slow gets only the newest.
        """
        ...

    async def forget(self, builder: str) -> None:
        """Drop the queue and the presence of a builder that will not come back."""
        ...

    def follow_log(
        self, attempt: str, *, start: int = 0, builder: str = ""
    ) -> AsyncIterator["LogPiece"]:
        """Yield the pieces of an attempt's log from an offset in bytes on, until its end.

        With ``builder``, only what that one wrote: say it wherever it is known, since a hostile builder
        may write under the name of an attempt that it does not have.
        """
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...


class BuilderBus(Protocol):
    """One builder's end. It sees its own queue and nobody else's."""

    def orders(self) -> AsyncIterator[Delivery]:
        """Yield orders, those that were not done with first."""
        ...

    async def say(self, content: bytes, *, name: str) -> None:
        """Hand a result over for good; the same ``name`` counts once. Returns when the bus has it."""
        ...

    async def announce(self, content: bytes) -> None:
        """Tell that this builder is there; an earlier announcement is replaced."""
        ...

    async def write_log(self, piece: "LogPiece") -> None:
        """Add to the log of an attempt."""
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPiece:
    """A part of an attempt's log. ``start`` is its offset in bytes; the last piece has ``end``.

    ``attempt`` is ``KEY.FENCE``. Pieces may come twice; a reader tells by ``start``.
    """

    attempt: str
    start: int
    content: bytes
    end: bool = False
