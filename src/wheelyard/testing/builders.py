"""Builders in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace

from wheelyard.errors import ConfigurationError
from wheelyard.model.builder import Builder, Mode
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


class MemoryBuilderStore:
    """The ``BuilderStore`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._kept: dict[str, Builder] = {}

    async def add(self, builder: Builder) -> None:
        """Keep a builder. Raises ConfigurationError where a living one has its name."""
        kept = self._kept.get(builder.name)
        if kept is not None and kept.mode is not Mode.REVOKED:
            raise ConfigurationError(
                f"there is a builder called {builder.name!r} already",
                hint="Choose another name, or revoke that builder first.",
            )
        self._kept[builder.name] = replace(builder, enrolled=builder.enrolled or self._clock.now())

    async def get(self, name: str) -> Builder | None:
        """Return a builder."""
        return self._kept.get(name)

    async def all(self) -> Sequence[Builder]:
        """Return all builders, by name."""
        return [self._kept[name] for name in sorted(self._kept)]

    async def hear(self, builder: Builder) -> None:
        """Keep what a builder announced: facts, health, session. An unknown one says nothing."""
        kept = self._kept.get(builder.name)
        if kept is not None:
            self._kept[builder.name] = replace(
                kept,
                facts=builder.facts,
                health=builder.health,
                session=builder.session,
                heard=builder.heard or self._clock.now(),
            )

    async def set_mode(self, name: str, mode: Mode, reason: str = "") -> bool:
        """Change a builder's mode; False where there is none."""
        if name not in self._kept:
            return False
        self._kept[name] = replace(self._kept[name], mode=mode, reason=reason)
        return True

    async def set_streak(self, name: str, streak: int) -> None:
        """Keep how many jobs a builder failed in a row."""
        if name in self._kept:
            self._kept[name] = replace(self._kept[name], streak=streak)
