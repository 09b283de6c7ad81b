"""Options of the commands that work on recipes and campaigns."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from wheelyard.cli.interruptible import run_interruptibly
from wheelyard.settings.file import Configuration
from wheelyard.wiring.campaigns import Workplace, open_workplace

T = TypeVar("T")

Feedstocks = Annotated[
    Path | None,
    typer.Option(
        "--feedstocks",
        metavar="DIR|github:OWNER/*",
        envvar="WHEELYARD_FEEDSTOCKS",
        help="Where the recipes are: a folder of git repositories, of feedstocks, or a monorepo; "
        "or repositories of GitHub, with a token in GITHUB_TOKEN.",
    ),
]
Wheels = Annotated[
    bool,
    typer.Option(
        "--wheels",
        help="The farm's own projects instead: what its wheels were built with, and need.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a campaign.")]
Package = Annotated[str, typer.Argument(metavar="PACKAGE", help="The name of a package.")]
Pins = Annotated[
    Path | None,
    typer.Option(
        "--pins", metavar="FILE", help="A migration of pins, in the format of conda-forge."
    ),
]
RuleOption = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="MIGRATOR",
        help="Another change: a migrator with its options, as 'wheelyard recipe migrators' lists them.",
    ),
]
Packages = Annotated[
    list[str] | None,
    typer.Option("--package", metavar="PACKAGE", help="Only this one; may be repeated."),
]
Ports = Annotated[
    list[str] | None,
    typer.Option(
        "--port", metavar="PACKAGE", help="This one and all that it needs; may be repeated."
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PACKAGE", help="Not this one; may be repeated."),
]
Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="PLATFORM",
        help="Where it happens, for example linux-aarch64; may be repeated. Without it: everywhere.",
    ),
]
First = Annotated[
    int, typer.Option("--first", min=1, help="How many proposals may be open at the beginning.")
]
Most = Annotated[
    int, typer.Option("--most", min=1, help="How many may be open at once, when all goes well.")
]
PinRepository = Annotated[
    str,
    typer.Option(
        "--pin-repository",
        metavar="REPOSITORY",
        help="Where the pin file is, which is edited at the end.",
    ),
]
PinWatched = Annotated[
    str,
    typer.Option(
        "--pin-repository",
        metavar="REPOSITORY",
        help="The repository of the pin file: what changes there begins campaigns by itself.",
    ),
]
Builds = Annotated[
    bool,
    typer.Option(
        "--builds",
        help="Only what the farm built counts: 'wheelyard serve --feedstocks DIR' carries it on.",
    ),
]
Trial = Annotated[
    bool,
    typer.Option("--trial", help="Build each change before people are asked; with --builds."),
]
Slots = Annotated[int, typer.Option("--slots", min=1, help="How many builds run at once.")]
Review = Annotated[
    str,
    typer.Option(
        "--review",
        metavar="TIME",
        help="How long people take to merge a proposal, for the forecast.",
    ),
]


def with_workplace(  # noqa: PLR0913 - what all its commands name
    context: typer.Context,
    feedstocks: Path | None,
    state: Path | None,
    database: str,
    work: Callable[[Workplace], Awaitable[T]],
    *,
    dry_run: Callable[[str], None] | None = None,
) -> T:
    """Do work on campaigns, wherever their database is."""
    configuration: Configuration | None = context.obj
    address = database or ("" if configuration is None else configuration.farm.get("database", ""))

    async def run() -> T:
        async with open_workplace(
            feedstocks, state=state, database=address, dry_run=dry_run
        ) as place:
            return await work(place)

    return run_interruptibly(run)
