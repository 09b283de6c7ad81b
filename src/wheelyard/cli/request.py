"""From the words of a command line to a request."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

from wheelyard.cli import options as o
from wheelyard.errors import ConfigurationError
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.model.job import Limits
from wheelyard.model.release import ProjectName, project_name
from wheelyard.model.resolution import CandidatePolicy, FromSource, Prereleases
from wheelyard.settings.requirements import (
    Wanted,
    read_constraints,
    read_file,
    read_line,
    read_overrides,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to build, from where, and how: the options that ``build`` and ``plan`` share.

    The annotations are what the command line shows of them; ``takes`` makes parameters of a command
    out of the fields.
    """

    requirements: o.Requirements = None
    requirement_files: o.RequirementFiles = None
    constraint_files: o.ConstraintFiles = None
    override_files: o.OverrideFiles = None
    build_constraint_files: o.BuildConstraintFiles = None
    targets: o.Targets = None
    from_source: o.FromSourceOption = FromSource.ALL
    prereleases: o.PrereleaseOption = Prereleases.IF_NECESSARY
    exclude_newer: o.ExcludeNewer = None
    minimum_age: o.MinimumAge = None
    as_of_margin_days: o.AsOfMargin = 1
    indexes: o.Indexes = None
    offline: o.Offline = False
    recipes: o.Recipes = None
    state: o.State = None
    jobs: o.Jobs = None
    sandbox: o.Sandbox = Sandbox.AUTO
    compiler_cache: o.CompilerCacheOption = CompilerCache.NONE
    check_reproducible: o.Reproducible = False
    rebuild: o.Rebuild = False
    fall_back: o.FallBack = False
    wall_limit: o.WallLimit = "1h"
    silence_limit: o.SilenceLimit = "20m"
    memory_limit: o.MemoryLimit = "8G"
    disk_limit: o.DiskLimit = "20G"
    log_limit: o.LogLimit = "512M"
    artifact_limit: o.ArtifactLimit = "2G"


Command = Callable[..., None]


def takes(**groups: type) -> Callable[[Command], Command]:
    """Give a command a parameter for each field of some dataclasses, and hand it their values by name."""

    def decorate(command: Command) -> Command:
        own = inspect.signature(command).parameters
        shared = {name: _parameters(group) for name, group in groups.items()}

        def wrapper(**values: object) -> None:
            made = {
                name: groups[name](**{p.name: values.pop(p.name) for p in parameters})
                for name, parameters in shared.items()
            }
            command(**made, **values)

        rest = [parameter for name, parameter in own.items() if name not in groups]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in rest]
        signature = inspect.Signature([*chain.from_iterable(shared.values()), *parameters])
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {name: p.annotation for name, p in signature.parameters.items()}
        wrapper.__name__ = command.__name__
        wrapper.__doc__ = command.__doc__
        return wrapper

    return decorate


def _parameters(group: type) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=field.type,
        )
        for field in fields(group)
    ]


takes_selection = takes(selection=Selection)


def wanted(selection: Selection) -> Wanted:
    """Read all requirements and constraints. Raises WheelyardError."""
    here = Path.cwd()
    found = Wanted()
    for text in selection.requirements or ():
        found += read_line(text, here)
    for path in selection.requirement_files or ():
        found += read_file(path)
    for path in selection.constraint_files or ():
        found += Wanted(constraints=read_constraints(path))
    if not found.lines and not found.direct:
        raise ConfigurationError(
            "nothing was asked for",
            hint="Name a requirement, for example: wheelyard build flask --target cp312",
        )
    return found


def projects(lines: tuple[str, ...]) -> frozenset[ProjectName]:
    """Return the projects that requirement lines name."""
    return frozenset(project_name(Requirement(line).name) for line in lines)


def build_constraints(selection: Selection) -> tuple[str, ...]:
    """Read the constraints of build requirements. Raises WheelyardError."""
    return tuple(
        line for path in selection.build_constraint_files or () for line in read_constraints(path)
    )


def overrides(selection: Selection) -> tuple[str, ...]:
    """Read what replaces the requirements of releases. Raises WheelyardError."""
    return tuple(line for path in selection.override_files or () for line in read_overrides(path))


def policy(selection: Selection) -> CandidatePolicy:
    """Say which files of upstream are candidates. Raises ConfigurationError."""
    before = None
    if selection.minimum_age is not None:
        before = o.ago(selection.minimum_age)
    newest = o.moment(selection.exclude_newer) if selection.exclude_newer is not None else None
    return CandidatePolicy(
        sources_only=selection.from_source is FromSource.ALL,
        exclude_newer=newest,
        before=before,
        prereleases=selection.prereleases,
    )


def limits(selection: Selection) -> Limits:
    """Read what one build may use. Raises ConfigurationError."""
    chosen = _limits(selection)
    times = (chosen.wall_seconds, chosen.silence_seconds)
    sizes = (chosen.memory_bytes, chosen.disk_bytes, chosen.log_bytes)
    if not all((*times, *sizes)):
        raise ConfigurationError(
            "a limit of nothing lets no build begin",
            hint="Leave it out for the default, or give one that is large, for example 24h or 100G.",
        )
    return chosen


def _limits(selection: Selection) -> Limits:
    return Limits(
        wall_seconds=o.duration(selection.wall_limit).total_seconds(),
        silence_seconds=o.duration(selection.silence_limit).total_seconds(),
        memory_bytes=o.size(selection.memory_limit),
        disk_bytes=o.size(selection.disk_limit),
        log_bytes=o.size(selection.log_limit),
        artifact_bytes=o.size(selection.artifact_limit),
    )
