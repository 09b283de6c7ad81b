"""``wheelyard build`` and ``wheelyard plan``: the main job, and a look at it beforehand."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.events import JsonDisplay, encode
from wheelyard.cli.display.live import LiveDisplay, PlainDisplay
from wheelyard.cli.display.planned import PlanFormat, print_plan
from wheelyard.cli.display.table import print_reproducible, print_summary
from wheelyard.cli.farm_build import FarmBuild, Notify, Priority
from wheelyard.cli.farm_options import FarmUrl, Token, on_farm
from wheelyard.cli.farm_tree import FarmTree
from wheelyard.cli.options import AsJson
from wheelyard.cli.request import Selection, takes, takes_selection
from wheelyard.cli.session import Session, open_session
from wheelyard.cli.tree import TreeSelection, build_tree, check_together
from wheelyard.cli.watching import Display, Telling
from wheelyard.errors import ConfigurationError, ExitCode
from wheelyard.index.export import LeftOut
from wheelyard.plan.summary import GOOD, Ending, Row
from wheelyard.settings.file import Configuration

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR",
        envvar="WHEELYARD_OUTPUT",
        help="Write an index with what this run provided: DIR/simple/ is for installers. With --git: "
        "copy the archive there.",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        envvar="WHEELYARD_PLAN",
        help="Repeat a recorded plan: the same versions, digests and build requirements.",
    ),
]
WritePlan = Annotated[
    Path | None,
    typer.Option(
        "--write-plan",
        metavar="FILE",
        envvar="WHEELYARD_WRITE_PLAN",
        help="Record the plan, so that --plan can repeat it.",
    ),
]
Pylock = Annotated[
    Path | None,
    typer.Option(
        "--pylock",
        metavar="DIR",
        envvar="WHEELYARD_PYLOCK",
        help="Write what was resolved as pylock.TARGET.toml files.",
    ),
]
Format = Annotated[
    PlanFormat,
    typer.Option("--format", envvar="WHEELYARD_FORMAT", help="How to print the plan."),
]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a command leaves behind, and where; None: not at all."""

    index: Path | None
    plan: Path | None
    pylock: Path | None

    def write(self, session: Session) -> None:
        """Write the plan and the lock files."""
        if self.plan is not None:
            session.write_plan(self.plan)
        if self.pylock is not None:
            session.write_pylocks(self.pylock)


@takes(selection=Selection, tree=TreeSelection)
def build(  # noqa: PLR0913, PLR0917 - its own options beside the shared ones
    selection: Selection,
    tree: TreeSelection,
    context: typer.Context,
    output: Output = None,
    plan: PlanFile = None,
    write_plan: WritePlan = None,
    pylock: Pylock = None,
    farm: FarmUrl = "",
    token: Token = "",
    priority: Priority = 0,
    notify: Notify = None,
    as_json: AsJson = False,
) -> None:
    """Build requirements, and all that they need, from source.

    Everything is resolved for each target, built in order and in parallel, checked, and put into an
    index. What is there already is not built again. With --git a command is run on a repository's tree
    instead, and what it leaves is put into an archive.
    """
    display = _display(as_json=as_json)
    check_together(context, tree)
    if tree.git is not None and not farm:
        build_tree(selection, tree, context.obj, output, display)
        return
    if farm:
        _refuse_plans(plan, write_plan, pylock)
        telling = Telling(priority=priority, notify=tuple(notify or ()))
        shared = FarmBuild(selection=selection, display=display, output=output, telling=telling)
        wanted = shared if tree.git is None else FarmTree(shared=shared, tree=tree)
        if not on_farm(context, farm, token, wanted.carry_out):
            raise typer.Exit(ExitCode.BUILDS_FAILED)
        return
    rows = asyncio.run(
        _build(selection, context.obj, Outputs(output, write_plan, pylock), plan, display)
    )
    if any(row.ending not in GOOD | {Ending.NOT_APPLICABLE} for row in rows.rows) or rows.left_out:
        raise typer.Exit(ExitCode.BUILDS_FAILED)


def _refuse_plans(*files: Path | None) -> None:
    for path in files:
        if path is not None:
            raise ConfigurationError(
                f"a farm makes its own plan: '{path}' is neither read nor written",
                hint="Leave out --plan, --write-plan and --pylock, or --farm.",
            )


async def _build(
    selection: Selection,
    configuration: Configuration,
    outputs: Outputs,
    plan: Path | None,
    display: Display,
) -> "_Ended":
    async with open_session(selection, configuration, plan, display) as session:
        run = session.run(display, build=True)
        display.start(run.standing)
        try:
            rows = await run.carry_out()
        finally:
            display.stop()
        ended = _Ended(session, rows, selection)
        if outputs.index is not None:
            exported = await session.export(outputs.index, rows)
            ended.left_behind = exported.left_out
        ended.tell(display, outputs.index)
        outputs.write(session)
        return ended


@takes_selection
def plan(  # noqa: PLR0913, PLR0917 - its own options beside the shared ones
    selection: Selection,
    context: typer.Context,
    plan_format: Format = PlanFormat.TREE,
    plan: PlanFile = None,
    write: WritePlan = None,
    pylock: Pylock = None,
    as_json: AsJson = False,
) -> None:
    """Show what a build would do, and why, without building anything.

    Build requirements that only a back end knows appear when it is built, unless they are known from
    an earlier run.
    """
    shown = PlanFormat.JSON if as_json else plan_format
    outputs = Outputs(None, write, pylock)
    left_out = asyncio.run(_plan(selection, context.obj, outputs, plan, shown))
    if left_out:
        raise typer.Exit(ExitCode.BUILDS_FAILED)


async def _plan(
    selection: Selection,
    configuration: Configuration,
    outputs: Outputs,
    recorded: Path | None,
    plan_format: PlanFormat,
) -> bool:
    """Print a plan, and return whether something that was asked for is not in it."""
    display = PlainDisplay(Console(stderr=True))
    async with open_session(selection, configuration, recorded, display) as session:
        run = session.run(lambda _: None, build=False)
        rows = await run.carry_out()
        outputs.write(session)
        print_plan(results(), session.planner, rows, plan_format)
        return any(exclusion.applicable for exclusion in session.planner.exclusions)


class _Ended:
    """How a run ended, for the last words and the exit code."""

    def __init__(self, session: Session, rows: Sequence[Row], selection: Selection) -> None:
        self.rows = rows
        self._planner = session.planner
        self._selection = selection
        self.left_out = [e for e in session.planner.exclusions if e.applicable]
        self.left_behind: tuple[LeftOut, ...] = ()

    def tell(self, display: Display, output: Path | None) -> None:
        """Say what was built, covered and failed and why."""
        if isinstance(display, JsonDisplay):
            for row in self.rows:
                display.write(encode(row))
            return
        console = results()
        planner = self._planner
        state = self._selection.state
        print_summary(console, self.rows, planner.exclusions, planner.cycles, place=state)
        if self._selection.check_reproducible:
            print_reproducible(console, self.rows)
        if not self.rows and not planner.exclusions:
            say(console, "the markers of all that was asked for leave out every target", "yellow")
        for left in self.left_behind:
            say(console, f"not in the index: {left.filename}: {left.reason}", "yellow")
        if output is not None and any(row.ending in GOOD for row in self.rows):
            simple = (output / "simple").resolve().as_uri()
            say(console, f"install with: pip install --index-url {simple}/ …", fold=False)


def _display(*, as_json: bool) -> Display:
    if as_json:
        return JsonDisplay(sys.stdout)
    console = Console(stderr=True)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
