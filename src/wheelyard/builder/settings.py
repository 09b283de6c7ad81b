"""What a builder is told when it starts, and what it works with."""

from dataclasses import dataclass

from wheelyard.builder.health import Vitals
from wheelyard.builder.machine import Machine
from wheelyard.builder.spool import Spool
from wheelyard.bus_ports import BuilderBus
from wheelyard.depot_ports import Depot
from wheelyard.model.builder import Facts
from wheelyard.ports import Blobs, Executor, Interpreters


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """``session`` tells this process from an earlier one of the same builder; empty: one is made up.

    ``memory_bytes`` is what one job may have of the machine's memory, 0: whatever its own limit says.

    ``once``: leave after one job. ``backlog``: with so many results on their way, take nothing new.
    ``goodbye_seconds`` is how long leaving waits for the farm to settle what it was told.
    """

    name: str
    facts: Facts
    session: str = ""
    presence_seconds: float = 5.0
    look_seconds: float = 2.0
    again_seconds: float = 60.0
    goodbye_seconds: float = 30.0
    hurry_seconds: float = 5.0
    memory_bytes: int = 0
    least_disk_bytes: int = 0
    cache_bytes: int = 20 << 30
    backlog: int = 16
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPorts:
    """The world of a builder."""

    bus: BuilderBus
    depot: Depot
    blobs: Blobs
    executor: Executor
    interpreters: Interpreters
    machine: Machine
    spool: Spool
    vitals: Vitals
