"""What an index says beside its files: the status of a project, and named snapshots."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wheelyard.errors import ConfigurationError
from wheelyard.model.release import ProjectName

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,59}")


class Status(StrEnum):
    """The statuses of PEP 792."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    """Nothing more is to come."""
    DEPRECATED = "deprecated"
    """Something else is better."""
    QUARANTINED = "quarantined"
    """Not safe: none of its files is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStatus:
    """The status of a project, and why."""

    status: Status = Status.ACTIVE
    reason: str = ""


ACTIVE = ProjectStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed in an index up to ``revision``: projects, and whether they have files now."""

    revision: int
    projects: Mapping[ProjectName, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The files of the index at one moment; what is in it never changes."""

    id: int
    created: datetime
    files: int
    projects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSnapshot:
    """A name, the snapshot that it stands for, and the numbers of those before, the newest last."""

    name: str
    snapshot: Snapshot
    earlier: tuple[int, ...] = ()


def snapshot_name(text: str) -> str:
    """Return a name for snapshots. Raises ConfigurationError; a number is the snapshot's own name."""
    if _NAME.fullmatch(text) is None:
        raise ConfigurationError(
            f"{text[:80]!r} cannot name a snapshot",
            hint="Write a small letter, then up to 59 small letters, digits, dots, dashes or underscores.",
        )
    return text
