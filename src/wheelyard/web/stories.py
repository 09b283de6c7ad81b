"""What is told of the requests that this process carries out, for whoever watches, however late they come.

A story is kept in memory up to a limit, and for a while after its end; who watches it over a restart is told
the newer story from its beginning.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence

from wheelyard.coordinator.run import Standing
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestId
from wheelyard.plan.blocking import Blocking
from wheelyard.plan.events import UnitId
from wheelyard.web.telling import Told, write

_LONGEST = 50_000
_KEPT = 200


class Story:
    """The events of one undertaking.

    ``standing`` says how far it is, ``dependants`` which units wait for wheels of a project, and ``blocking``
    what blocks what.
    """

    def __init__(self) -> None:
        self.session = secrets.token_hex(4)
        self.over = False
        self.standing: Callable[[], Standing] | None = None
        self.dependants: Callable[[ProjectName], Sequence[UnitId]] | None = None
        self.blocking: Callable[[], Blocking] | None = None
        self._lines: list[bytes] = []
        self._left_out = 0
        self._changed = asyncio.Event()

    def tell(self, event: Told) -> None:
        """Add an event; of an endless story the beginning is left out."""
        self._lines.append(write(event))
        if len(self._lines) > _LONGEST:
            cut = len(self._lines) // 2
            del self._lines[:cut]
            self._left_out += cut
        self._changed.set()

    def end(self) -> None:
        """Nothing more will be told."""
        self.over = True
        self._changed.set()

    def after(self, number: int) -> Sequence[tuple[int, bytes]]:
        """Return the events after one, each with its number; the first is 1."""
        start = max(number - self._left_out, 0)
        return list(enumerate(self._lines[start:], self._left_out + start + 1))

    async def wait(self, seconds: float) -> None:
        """Wait for news, but not longer than so many seconds."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return


class Stories:
    """Stories by request; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._stories: OrderedDict[RequestId, Story] = OrderedDict()

    def begin(self, request: RequestId) -> Story:
        """Begin a story, in place of an earlier one."""
        before = self._stories.pop(request, None)
        if before is not None:
            before.end()
        story = self._stories[request] = Story()
        while len(self._stories) > _KEPT:
            oldest = next((name for name, one in self._stories.items() if one.over), None)
            if oldest is None:
                break
            del self._stories[oldest]
        return story

    def dependants_of(self, project: ProjectName) -> Sequence[tuple[RequestId, UnitId]]:
        """Return what waits for wheels of a project, with the requests that want it."""
        return [
            (request, unit)
            for request, story in self._stories.items()
            if story.dependants is not None and not story.over
            for unit in story.dependants(project)
        ]

    def get(self, request: RequestId) -> Story | None:
        """Return the newest story of a request."""
        return self._stories.get(request)
