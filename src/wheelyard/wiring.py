"""Joins services and edges: one function per process.

Nothing here decides anything; it says which adapter stands behind which port.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from wheelyard.builder.worker import Worker
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import Listener
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.executor.toolchain import describe_toolchain
from wheelyard.index.listing import IndexPorts
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer
from wheelyard.model.release import Release
from wheelyard.plan.planner import Planner
from wheelyard.plan.record import Answer
from wheelyard.plan.unit import PlanOptions
from wheelyard.ports import ArtifactStore, Blobs, JobStore, Memory, Upstream


def state_path(given: Path | None) -> Path:
    """Return the state folder that was named, or the user's own."""
    if given is not None:
        return given.expanduser().absolute()
    return Path(platformdirs.user_state_dir("wheelyard"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmSettings:
    """What the farm of one machine is told; ``slots`` None means one a core."""

    state: Path
    indexes: tuple[str, ...] = ()
    offline: bool = False
    sandbox: str = "auto"
    compiler_cache: str = "off"
    slots: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
