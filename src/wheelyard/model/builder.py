"""What a builder is: what it has, how it fares, and what it may be given."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey
from wheelyard.model.reach import Reach

FactValue = str | int | float | tuple[str | int | float, ...]


class Mode(StrEnum):
    """What people or health have decided about a builder."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Keeps what it runs, gets nothing new, and comes back when it is resumed."""
    DRAINING = "draining"
    """Finishes what it runs, then leaves."""
    QUARANTINED = "quarantined"
    """Failed what passes elsewhere; gets a probe now and then, and returns when one passes."""
    REVOKED = "revoked"
    """Its token counts no more."""


class Tier(StrEnum):
    """How far what a builder makes is believed."""

    TRUSTED = "trusted"
    STRANGER = "stranger"
    """Its artifacts are published only after somebody else made the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a builder has, by name.

    ``os``, ``arch``, ``libc``, ``python`` (a tuple of ``cp312`` and the like), ``memory_gb``, ``disk_gb``,
    ``cores``, ``sandbox``, ``platform`` (a tuple of those that it builds for without being one), and labels of its owner's. ``version``
    is that of its wheelyard; ``slots`` how many jobs it runs at once. ``reaches`` says where each platform leads.
    """

    version: str
    slots: int
    values: tuple[tuple[str, FactValue], ...] = ()
    reaches: tuple[Reach, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a builder's machine fares at a moment; ``well`` is False where a threshold was passed, ``reason`` says which."""

    well: bool = True
    reason: str = ""
    load: float = 0.0
    free_memory_bytes: int = 0
    free_disk_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that a builder says it runs; ``step`` is where it stands, ``seconds`` since it began.

    ``caught`` is how far its compilers are, where they are caught.
    """

    key: BuildKey
    fence: int
    step: str = ""
    seconds: float = 0.0
    caught: Caught | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A builder as the farm knows it. ``name`` is its own for ever; ``owner`` is who lent it.

    ``streak`` counts failures in a row of jobs; ``session`` changes with each start of its process.
    """

    name: str
    owner: str = ""
    tier: Tier = Tier.TRUSTED
    facts: Facts = field(default_factory=lambda: Facts(version="", slots=0))
    mode: Mode = Mode.ACTIVE
    reason: str = ""
    session: str = ""
    health: Health = field(default_factory=Health)
    streak: int = 0
    enrolled: datetime | None = None
    heard: datetime | None = None
    """When it was last heard of; None: never. Shown to people, decided upon by nobody."""
