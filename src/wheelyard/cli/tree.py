"""``wheelyard build --git``: a command on a repository's tree, and an archive of what it leaves."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Protocol

import typer

from wheelyard.cli import request as words
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.events import JsonDisplay, encode
from wheelyard.cli.display.lines import excerpt
from wheelyard.cli.request import Selection
from wheelyard.cli.session import farm_settings
from wheelyard.coordinator.command_run import CommandEnded
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import RunEvent
from wheelyard.errors import ConfigurationError, ExitCode, StoreError
from wheelyard.index.channel_export import export_channel
from wheelyard.model.artifact import Artifact
from wheelyard.model.command import CommandRequest
from wheelyard.plan.command import CommandPlan
from wheelyard.plan.command_wanted import LARGEST_TOLERANCE
from wheelyard.ports import Blobs
from wheelyard.settings.file import Configuration
from wheelyard.wiring.local import Farm, open_farm

_TREE = "A command on a git tree"

Git = Annotated[
    str | None,
    typer.Option(
        "--git",
        metavar="URL|DIR",
        envvar="WHEELYARD_GIT",
        help="Run a command on the tree of a git repository, in place of building wheels.",
        rich_help_panel=_TREE,
    ),
]
RevisionOption = Annotated[
    str,
    typer.Option(
        "--revision",
        metavar="REVISION",
        envvar="WHEELYARD_REVISION",
        help="A branch, a tag, a commit, a number along first parents, or BRANCH:NUMBER. Without it: "
        "the newest of the default branch.",
        show_default=False,
        rich_help_panel=_TREE,
    ),
]
Range = Annotated[
    int,
    typer.Option(
        "--range",
        metavar="N",
        min=0,
        max=LARGEST_TOLERANCE,
        envvar="WHEELYARD_RANGE",
        help="Take what was built at a revision that is at most so many away, if all else is equal.",
        rich_help_panel=_TREE,
    ),
]
CommandLine = Annotated[
    str,
    typer.Option(
        "--command",
        metavar="LINE",
        envvar="WHEELYARD_COMMAND",
        help="What to run, as a line for the shell. Without it: that of wheelyard-job.toml.",
        show_default=False,
        rich_help_panel=_TREE,
    ),
]
JobFileOption = Annotated[
    Path | None,
    typer.Option(
        "--job-file",
        metavar="FILE",
        envvar="WHEELYARD_JOB_FILE",
        help="A job file in place of the repository's own wheelyard-job.toml.",
        rich_help_panel=_TREE,
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        envvar="WHEELYARD_OPTION",
        help="An option of the command: an environment variable, and {NAME} in a job file's arguments.",
        rich_help_panel=_TREE,
    ),
]
Artifacts = Annotated[
    list[str] | None,
    typer.Option(
        "--artifact",
        metavar="PATTERN",
        envvar="WHEELYARD_ARTIFACT",
        help="Which files are the result, for example 'dist/*'. Without it: as wheelyard-job.toml says.",
        rich_help_panel=_TREE,
    ),
]
NeedsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--needs",
        metavar="NAME=VALUE,…",
        envvar="WHEELYARD_NEEDS",
        help="What the machine must have, for example 'memory_gb=\">=8\",arch=x86_64'.",
        rich_help_panel=_TREE,
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        envvar="WHEELYARD_NAME",
        help="What the result is called. Without it: as the repository is.",
        show_default=False,
        rich_help_panel=_TREE,
    ),
]
Network = Annotated[
    bool,
    typer.Option(
        "--network",
        envvar="WHEELYARD_NETWORK",
        help="Let the command use the network, which no other build may.",
        rich_help_panel=_TREE,
    ),
]
Channel = Annotated[
    bool,
    typer.Option(
        "--channel",
        envvar="WHEELYARD_CHANNEL",
        help="Let the conda packages among its files (SUBDIR/NAME-VERSION-BUILD.conda) into the channel; on a farm "
        "that takes an operator.",
        rich_help_panel=_TREE,
    ),
]

# What of the options for wheels says something about a command, too.
_SHARED = frozenset(
    {
        *("state", "offline", "sandbox", "compiler_cache", "check_reproducible", "rebuild"),
        *("wall_limit", "silence_limit", "memory_limit", "disk_limit", "log_limit"),
        "artifact_limit",
    }
)
_OF_WHEELS = {field.name for field in fields(Selection)} - _SHARED | {
    "plan",
    "write_plan",
    "pylock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSelection:
    """What command to run on which tree; the annotations are what the command line shows."""

    git: Git = None
    revision: RevisionOption = ""
    tolerance: Range = 0
    command: CommandLine = ""
    job_file: JobFileOption = None
    options: Options = None
    artifacts: Artifacts = None
    needs: NeedsOption = None
    name: Name = ""
    network: Network = False
    channel: Channel = False


class Display(Protocol):
    """Whoever watches."""

    def start(self, standing: Callable[[], Standing]) -> None:
        """Begin to draw."""
        ...

    def stop(self) -> None:
        """End."""
        ...

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        ...


def check_together(context: typer.Context, tree: TreeSelection) -> None:
    """Raise ConfigurationError for options that say nothing about what is built.

    Those of a configuration file or the environment are for whatever they are for.
    """
    of_trees = {field.name for field in fields(TreeSelection)} - {"git"}
    senseless = of_trees if tree.git is None else _OF_WHEELS
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if parameter.name not in senseless or source is None or source.name != "COMMANDLINE":
            continue
        name = max(parameter.opts, key=len)
        if tree.git is None:
            raise ConfigurationError(
                f"{name} says nothing about wheels",
                hint="Name the repository with --git; a release from one is written git+URL@REVISION.",
            )
        if parameter.param_type_name == "argument":
            wanted = next(iter(context.params[str(parameter.name)]))
            raise ConfigurationError(
                f"{wanted!r} is asked for beside --git",
                hint="Wheels and commands on a tree are two builds.",
            )
        raise ConfigurationError(
            f"{name} says nothing about a command on a git tree", hint="Leave it out, or --git."
        )


def build_tree(
    selection: Selection,
    tree: TreeSelection,
    configuration: Configuration,
    output: Path | None,
    display: Display,
) -> None:
    """Run the command, or find what it gave before. Raises typer.Exit where it failed."""
    ended = asyncio.run(_build(selection, tree, configuration, output, display))
    if isinstance(display, JsonDisplay):
        display.write(encode(ended))
    else:
        print_end(ended, output)
    if ended.artifact is None:
        raise typer.Exit(ExitCode.BUILDS_FAILED)


def request_of(tree: TreeSelection) -> CommandRequest:
    """Turn the words of a command line into a request. Raises ConfigurationError."""
    return CommandRequest(
        repository=tree.git or "",
        revision=tree.revision,
        tolerance=tree.tolerance,
        line=tree.command,
        options=tuple(map(_option, tree.options or ())),
        artifacts=tuple(tree.artifacts or ()),
        needs=",".join(tree.needs or ()),
        name=tree.name,
        network=tree.network,
        job_file="" if tree.job_file is None else _read(tree.job_file),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the job file '{path}' cannot be read: {error}", hint="Check the path."
        ) from error


def _option(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigurationError(f"{text!r} is not an option", hint="Write --option name=value.")
    return name.strip(), value


async def _build(
    selection: Selection,
    tree: TreeSelection,
    configuration: Configuration,
    output: Path | None,
    display: Display,
) -> CommandEnded:
    wanted = request_of(tree)
    settings = replace(
        farm_settings(selection, configuration),
        # There is one build, which may have the whole machine.
        slots=1,
        network=wanted.network,
    )
    async with open_farm(settings) as farm:
        plan = await farm.plan_command(
            wanted,
            limits=words.limits(selection),
            rebuild=selection.rebuild or selection.check_reproducible,
        )
        offer = replace(plan.offer, check_reproducible=selection.check_reproducible)
        ended = await _carried_out(farm, replace(plan, offer=offer), display)
        artifact = ended.artifact
        if artifact is None:
            return ended
        if tree.channel:
            packages = await farm.take_packages(artifact)
            ended = replace(ended, packages=tuple([one.place for one in packages]))
            if output is not None and packages:
                await export_channel(packages, farm.blobs, output)
        if output is not None:
            await copy_out(farm.blobs, artifact, output)
        return ended


async def _carried_out(farm: Farm, plan: CommandPlan, display: Display) -> CommandEnded:
    run = farm.command_run(display)
    display.start(lambda: Standing(units=1, settled=0, running=run.running(), seconds_left=0.0))
    try:
        return await run.carry_out(plan)
    finally:
        display.stop()


async def copy_out(blobs: Blobs, artifact: Artifact, output: Path) -> None:
    """Copy an archive into a folder. Raises ConfigurationError where that cannot be written."""
    await asyncio.to_thread(_copy, blobs, artifact, output)


def _copy(blobs: Blobs, artifact: Artifact, output: Path) -> None:
    source = blobs.path(artifact.digest)
    if source is None:
        raise StoreError(
            f"the bytes of {artifact.filename} are not there any more",
            hint="Run the same command again.",
        )
    part = output / f".{artifact.filename}.part"
    try:
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        part.replace(output / artifact.filename)
    except OSError as error:
        raise ConfigurationError(
            f"'{output}' cannot be written: {error.strerror}", hint="Name another place."
        ) from error


def print_end(ended: CommandEnded, output: Path | None) -> None:
    """Say how a command ended."""
    console = results()
    if ended.artifact is None:
        report = ended.report
        if report is not None:
            say(console, f"{report.outcome}: {report.reason}", "red")
            for line in (*([f"  {report.hint}"] if report.hint else ()), *excerpt(report)):
                say(console, line, "dim")
        return
    how = "built" if ended.report is not None else "built before"
    if ended.revision != ended.wanted:
        how += f", at revision {ended.revision} where {ended.wanted} was asked for"
    say(console, f"{ended.artifact.filename} ({how})", "green", fold=False)
    say(console, f"  {ended.artifact.digest}, {ended.artifact.size} bytes", fold=False)
    if output is not None:
        say(console, f"  {output / ended.artifact.filename}", fold=False)
    for place in ended.packages:
        say(console, f"  {place} is in the channel", fold=False)
