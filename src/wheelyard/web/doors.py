"""The in-process bus for builders on other machines: what each holds between two of its requests.

A builder's process is a *session*. What a session was given and is not done with goes back at once when
another session of the same builder comes, and by itself when nothing is heard of it for a while.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from wheelyard.bus_ports import BuilderBus, Delivery
from wheelyard.web.ending import Ending
from wheelyard.web.refusals import Refusal

MOST_AT_ONCE = 64
_MOST_OPEN = 1000


@dataclass(slots=True, kw_only=True)
class _Door:
    """One session of one builder. ``limit`` belongs to the request that waits for orders now."""

    session: str
    end: BuilderBus
    given: OrderedDict[str, Delivery] = field(default_factory=OrderedDict)
    limit: asyncio.Timeout | None = None


class Doors:
    """The ends of all builders that come over HTTP."""

    def __init__(self, *, end_of: Callable[[str], BuilderBus] | None, ending: Ending) -> None:
        self._end_of = end_of
        self._ending = ending
        self._doors: dict[str, _Door] = {}
        self._speaking: dict[str, BuilderBus] = {}
        self._numbers = 0

    def end(self, builder: str) -> BuilderBus:
        """Return the end that a builder speaks through. Raises a Refusal where the farm has another bus."""
        if self._end_of is None:
            raise Refusal(
                404,
                "this farm's builders talk over NATS",
                "Ask GET /api/builders/me where, and with which password.",
            )
        if builder not in self._speaking:
            self._speaking[builder] = self._end_of(builder)
        return self._speaking[builder]

    async def wait(
        self, builder: str, session: str, *, seconds: float
    ) -> Sequence[tuple[str, Delivery]]:
        """Wait for orders; give those that are there at once, each under the id that it is answered with."""
        door = await self._door(builder, session)
        if self._ending.begun:
            return ()
        taken: list[Delivery] = []
        limit = door.limit = asyncio.timeout(seconds)
        try:
            async with limit, aclosing(_orders(door.end)) as orders:
                async for delivery in orders:
                    taken.append(delivery)
                    if len(taken) == MOST_AT_ONCE:
                        break
                    # What is there already comes without waiting; what is not ends the answer.
                    _soon(limit)
        except TimeoutError:
            pass
        finally:
            if door.limit is limit:
                door.limit = None
        return [(self._remember(door, delivery), delivery) for delivery in taken]

    def hurry(self, builder: str) -> None:
        """Let a request that waits for orders answer now."""
        door = self._doors.get(builder)
        if door is not None and door.limit is not None:
            _soon(door.limit)

    def given(self, builder: str, order: str) -> Delivery:
        """Return an order that a builder was given. Raises a Refusal where it has none such."""
        door = self._doors.get(builder)
        delivery = door.given.get(order) if door is not None else None
        if delivery is None:
            raise Refusal(404, f"this builder has no order {order[:20]!r}", "It may be done with.")
        return delivery

    def forget(self, builder: str, order: str) -> None:
        """Forget an order that was answered for good."""
        self._doors[builder].given.pop(order, None)

    async def close(self) -> None:
        """Let every request that waits answer now."""
        for name in list(self._doors):
            self.hurry(name)

    async def _door(self, builder: str, session: str) -> _Door:
        self.end(builder)
        before = self._doors.get(builder)
        if before is not None:
            # A builder that asks again has given up waiting for the answer before.
            self.hurry(builder)
            if before.session == session:
                return before
        assert self._end_of is not None
        door = self._doors[builder] = _Door(session=session, end=self._end_of(builder))
        if before is not None:
            await before.end.close()
        return door

    def _remember(self, door: _Door, delivery: Delivery) -> str:
        self._numbers += 1
        number = str(self._numbers)
        door.given[number] = delivery
        while len(door.given) > _MOST_OPEN:
            door.given.popitem(last=False)
        return number


def _soon(limit: asyncio.Timeout) -> None:
    """Let a waiting end as soon as nothing is at hand."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


async def _orders(end: BuilderBus) -> AsyncGenerator[Delivery, None]:
    async for delivery in end.orders():
        yield delivery
