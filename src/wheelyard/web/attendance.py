"""Which builders are there, by what they announce. Every process listens, whoever leads."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wheelyard.bus_ports import Announcement, Bus
from wheelyard.errors import BusError, ProtocolError
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey
from wheelyard.protocol.messages import Presence
from wheelyard.protocol.wire import decode_word

_log = logging.getLogger(__name__)
SILENCE_SECONDS = 30.0
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The newest presence of a builder, and when it came, by a clock that only goes forward."""

    presence: Presence
    at: float


class Attendance:
    """Listens to the presences of all builders."""

    def __init__(self, bus: Bus, *, silence: float = SILENCE_SECONDS) -> None:
        self._bus = bus
        self._silence = silence
        self._heard: dict[str, Heard] = {}
        self._further: Callable[[frozenset[BuildKey]], None] = lambda _: None

    def follow(self, further: Callable[[frozenset[BuildKey]], None]) -> None:
        """Tell of jobs whose compilers came further: that stands in no event log."""
        self._further = further

    async def run(self) -> None:
        """Listen for ever. Where the bus is away, go on when it is back."""
        while True:
            try:
                async for announcement in self._bus.presences():
                    self._hear(announcement)
            except BusError as error:
                _log.warning("attendance waits: %s", error.message)
            await asyncio.sleep(_PAUSE_SECONDS)

    def present(self) -> Mapping[str, Presence]:
        """Return what the builders said that were heard of lately."""
        oldest = asyncio.get_running_loop().time() - self._silence
        return {name: one.presence for name, one in self._heard.items() if one.at >= oldest}

    def _hear(self, announcement: Announcement) -> None:
        try:
            word = decode_word(announcement.content)
        except ProtocolError:
            # The coordinator says so to people; here it only means that nothing is known.
            return
        if isinstance(word, Presence) and word.builder == announcement.builder:
            now = asyncio.get_running_loop().time()
            before = self._heard.get(word.builder)
            self._heard[word.builder] = Heard(presence=word, at=now)
            seen = {} if before is None else _caught(before.presence)
            further = {
                key for key, one in _caught(word).items() if one not in {None, seen.get(key)}
            }
            if further:
                self._further(frozenset(further))


def _caught(presence: Presence) -> Mapping[BuildKey, Caught | None]:
    return {one.key: one.caught for one in presence.running}
