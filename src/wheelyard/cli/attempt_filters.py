"""Which attempts a command line means."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from wheelyard.cli import options as o
from wheelyard.executor.interpreters import native_platform
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Outcome
from wheelyard.model.release import project_name
from wheelyard.targets.target import Target

Project = Annotated[str | None, typer.Option("--project", help="Only those of a project.")]
TargetOption = Annotated[str | None, typer.Option("--target", help="Only those for a target.")]
OutcomeOption = Annotated[
    Outcome | None, typer.Option("--outcome", help="Only those that ended so.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Only those whose reason holds a text.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Only those since a date, or 2d for two days."),
]
BuilderOption = Annotated[str, typer.Option("--builder", help="Only those of a builder.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The options that ``job list`` and ``job retry`` share."""

    project: Project = None
    target: TargetOption = None
    outcome: OutcomeOption = None
    reason: ReasonOption = ""
    since: SinceOption = None
    builder: BuilderOption = ""


def selection(filters: Filters) -> Selection:
    """Read what is meant. Raises WheelyardError."""
    return Selection(
        project=project_name(filters.project) if filters.project else None,
        target=Target.parse(filters.target, native_platform()) if filters.target else None,
        outcome=filters.outcome,
        reason=filters.reason,
        since=_since(filters.since) if filters.since else None,
        builder=filters.builder,
    )


def _since(text: str) -> datetime:
    return o.ago(text) if o.is_duration(text) else o.moment(text, whole_day=False)
