"""One command's session: the farm of this machine, and a plan on it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from wheelyard.cli.request import Selection
from wheelyard.cli.targets import check_present
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import Listener
from wheelyard.index.export import ExportResult, export
from wheelyard.plan.planner import Planner
from wheelyard.plan.record import PlanRecord
from wheelyard.plan.summary import GOOD, Row
from wheelyard.settings.overrides import join, read_folder
from wheelyard.wiring import Farm, open_farm


class Session:
    """A plan on an open farm."""

    def __init__(self, farm: Farm, planner: Planner, record: PlanRecord) -> None:
        self.planner = planner
        self._farm = farm
        self._record = record

    def run(self, listener: Listener, *, build: bool) -> Run:
        """Return the run that carries out the plan."""
        return self._farm.run(self.planner, listener, build=build)

    async def export(self, output: Path, rows: Sequence[Row]) -> ExportResult:
        """Write an index with what the rows provide."""
        releases = {row.unit.release for row in rows if row.ending in GOOD}
        return await export(self._farm.artifacts, self._farm.blobs, output, releases)

    def write_plan(self, path: Path) -> None:
        """Record the plan in a file."""
        path.write_text(self._record.with_answers(self._farm.recorded()).encode())


@asynccontextmanager
async def open_session(selection: Selection, recorded: Path | None) -> AsyncIterator[Session]:
    """Open the farm that a selection asks for, and plan on it. Raises WheelyardError."""
    configuration = _configuration()
    overrides = join(
        configuration.overrides,
        *(read_folder(folder) for folder in selection.recipes or ()),
    )
    record = PlanRecord.decode(recorded.read_text()) if recorded is not None else None
    settings = _settings(selection, configuration)
    async with open_farm(settings, record.answers if record is not None else None) as farm:
        options = await _options(selection, farm) if record is None else record.options
        check_present(options.targets, farm.interpreters)
        planner = Planner(options, overrides.recipe)
        yield Session(farm, planner, PlanRecord(options=options))
