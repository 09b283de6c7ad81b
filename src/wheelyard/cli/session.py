"""One command's session: the farm of this machine, and a plan on it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from wheelyard.cli import request
from wheelyard.cli.recipes import overrides_of
from wheelyard.cli.request import Selection
from wheelyard.cli.targets import check_present, chosen
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import Listener
from wheelyard.errors import ConfigurationError
from wheelyard.executor.checks import CheckPolicy
from wheelyard.index.export import ExportResult, export_wheels
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import Release
from wheelyard.plan.planner import Planner
from wheelyard.plan.pylock import pylock_filename, pylock_text
from wheelyard.plan.record import PlanRecord
from wheelyard.plan.summary import GOOD, Row
from wheelyard.plan.unit import PlanOptions
from wheelyard.settings.file import Configuration
from wheelyard.wiring.local import Farm, FarmSettings, open_farm
from wheelyard.wiring.places import state_path


class Session:
    """A plan on an open farm."""

    def __init__(self, farm: Farm, planner: Planner) -> None:
        self.planner = planner
        self._farm = farm

    def run(self, listener: Listener, *, build: bool) -> Run:
        """Return the run that carries out the plan."""
        return self._farm.run(self.planner, listener, build=build)

    async def export(self, output: Path, rows: Sequence[Row]) -> ExportResult:
        """Write an index with what the rows provide."""
        wheels = [row.artifact for row in rows if row.ending in GOOD and row.artifact is not None]
        return await export_wheels(wheels, self._farm.blobs, output)

    def write_plan(self, path: Path) -> None:
        """Record the plan in a file. Raises ConfigurationError."""
        record = PlanRecord(options=self.planner.options, answers=self._farm.answers())
        _write(path, record.encode())

    def write_pylocks(self, folder: Path) -> None:
        """Write what was resolved as a lock file a target (PEP 751). Raises ConfigurationError."""
        for target, resolution in self.planner.resolved.items():
            text = pylock_text(resolution, target)
            _write(folder / pylock_filename(target), text)


@asynccontextmanager
async def open_session(
    selection: Selection,
    configuration: Configuration,
    recorded: Path | None,
    listener: Listener = lambda _: None,
) -> AsyncIterator[Session]:
    """Open the farm that a selection asks for, and plan on it. Raises WheelyardError.

    ``listener`` is told what has to be built before there can be a plan.
    """
    if recorded is not None and selection.requirements:
        raise ConfigurationError(
            f"{selection.requirements[0]!r} is asked for beside a recorded plan",
            hint="A plan says itself what is built: leave out either --plan or the requirements.",
        )
    overrides = overrides_of(configuration, selection.recipes)
    record = await asyncio.to_thread(_read_record, recorded) if recorded is not None else None
    answers = record.answers if record is not None else ()
    async with open_farm(farm_settings(selection, configuration), answers) as farm:
        planned = _options(selection, farm) if record is None else record.options
        options = _as_asked_now(planned, selection)
        options = await farm.reach(options)
        check_present(options, farm.interpreters)
        if record is None:
            options = await _with_direct(options, selection, farm, overrides.recipe, listener)
        yield Session(farm, Planner(farm.on_this_machine(options), overrides.recipe))


def farm_settings(selection: Selection, configuration: Configuration) -> FarmSettings:
    """Say what the farm of this machine is told. Raises ConfigurationError."""
    return FarmSettings(
        state=state_path(selection.state),
        indexes=tuple(selection.indexes or ()),
        offline=selection.offline,
        sandbox=selection.sandbox.value,
        compiler_cache=selection.compiler_cache.value,
        slots=selection.jobs,
        checks=_checks(configuration),
    )


def _checks(configuration: Configuration) -> Mapping[str, str]:
    """Return the verdicts of checks once they are known to be right; the error names the file."""
    try:
        CheckPolicy.parse(configuration.checks)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{configuration.path}: {error.message}", hint=error.hint
        ) from error
    return configuration.checks


def _options(selection: Selection, farm: Farm) -> PlanOptions:
    """Turn the words of a command line into what a plan is made of, but for direct references."""
    wanted = request.wanted(selection)
    return PlanOptions(
        requirements=tuple(dict.fromkeys(wanted.lines)),
        requested=request.projects(wanted.lines),
        targets=chosen(selection.targets, farm.interpreters),
        constraints=wanted.constraints,
        overrides=request.overrides(selection),
        build_constraints=request.build_constraints(selection),
        from_source=selection.from_source,
        policy=request.policy(selection),
        as_of_margin_days=selection.as_of_margin_days,
    )


async def _with_direct(
    options: PlanOptions,
    selection: Selection,
    farm: Farm,
    recipe_of: Callable[[Release], Recipe],
    listener: Listener,
) -> PlanOptions:
    """Add the requirements that are places, once it is known which releases lie there."""
    lines = [
        await farm.add_direct(direct, options, recipe_of, listener)
        for direct in request.wanted(selection).direct
    ]
    found = tuple(line for line in lines if line)
    return replace(
        options,
        requirements=tuple(dict.fromkeys((*options.requirements, *found))),
        requested=options.requested | request.projects(found),
    )


def _as_asked_now(options: PlanOptions, selection: Selection) -> PlanOptions:
    """Add how it is built, which a recorded plan does not say.

    What is to be compared with itself is built, whether or not it is there already.
    """
    return replace(
        options,
        limits=request.limits(selection),
        check_reproducible=selection.check_reproducible,
        rebuild=selection.rebuild or selection.check_reproducible,
        fall_back=selection.fall_back,
    )


def _read_record(path: Path) -> PlanRecord:
    try:
        return PlanRecord.decode(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"the plan '{path}' cannot be read: {error.strerror}", hint="Check the path."
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"'{path}' cannot be written: {error.strerror}", hint="Name another place."
        ) from error
