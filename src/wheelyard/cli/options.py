"""The options that commands share: each has a ``WHEELYARD_…`` variable and a key in wheelyard.toml."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from wheelyard.errors import ConfigurationError
from wheelyard.executor.settings import CompilerCache
from wheelyard.executor.settings import Sandbox as SandboxMode
from wheelyard.model.resolution import FromSource, Prereleases

_WHAT = "What to build"
_FROM = "Where it comes from"
_HOW = "How it is built"

Requirements = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REQUIREMENT",
        help="Requirements, paths of projects or sdists, URLs, git+URL@REVISION.",
        show_default=False,
    ),
]
RequirementFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "-r",
        "--requirement",
        metavar="FILE",
        envvar="WHEELYARD_REQUIREMENT",
        help="Read requirements from a file.",
        rich_help_panel=_WHAT,
    ),
]
ConstraintFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "-c",
        "--constraint",
        metavar="FILE",
        envvar="WHEELYARD_CONSTRAINT",
        help="Narrow versions by a constraint file.",
        rich_help_panel=_WHAT,
    ),
]
OverrideFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--override",
        metavar="FILE",
        envvar="WHEELYARD_OVERRIDE",
        help="Replace what releases require of the projects that a file of requirements names.",
        rich_help_panel=_WHAT,
    ),
]
BuildConstraintFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--build-constraint",
        metavar="FILE",
        envvar="WHEELYARD_BUILD_CONSTRAINT",
        help="Narrow the versions of build requirements by a constraint file.",
        rich_help_panel=_WHAT,
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--target",
        metavar="TARGET",
        envvar="WHEELYARD_TARGET",
        help="What to build for, for example cp312 (this machine's platform) or "
        "cp312-manylinux_2_28_x86_64. Without it: the newest stable Python here.",
        rich_help_panel=_WHAT,
    ),
]
FromSourceOption = Annotated[
    FromSource,
    typer.Option(
        "--from-source",
        envvar="WHEELYARD_FROM_SOURCE",
        help="What has to be built here: all, build tools too; what was requested; or only what "
        "upstream has no wheel of.",
        rich_help_panel=_WHAT,
    ),
]
PrereleaseOption = Annotated[
    Prereleases,
    typer.Option(
        "--prerelease",
        envvar="WHEELYARD_PRERELEASE",
        help="When pre-releases are candidates.",
        rich_help_panel=_WHAT,
    ),
]
ExcludeNewer = Annotated[
    str | None,
    typer.Option(
        "--exclude-newer",
        metavar="DATE",
        envvar="WHEELYARD_EXCLUDE_NEWER",
        help="Leave out what was uploaded after a date (2026-01-31, or with a time).",
        rich_help_panel=_WHAT,
    ),
]
MinimumAge = Annotated[
    str | None,
    typer.Option(
        "--min-release-age",
        metavar="DURATION",
        envvar="WHEELYARD_MIN_RELEASE_AGE",
        help="Leave out what is younger (7d, 36h), and what has no upload time.",
        rich_help_panel=_WHAT,
    ),
]
AsOfMargin = Annotated[
    int,
    typer.Option(
        "--as-of-margin-days",
        metavar="DAYS",
        min=0,
        max=36500,
        envvar="WHEELYARD_AS_OF_MARGIN_DAYS",
        help="How much newer than a release its build tools may be, when it is built again with "
        "older ones because newer ones broke the build.",
        rich_help_panel=_WHAT,
    ),
]
Indexes = Annotated[
    list[str] | None,
    typer.Option(
        "-i",
        "--index",
        metavar="URL|DIR",
        envvar="WHEELYARD_INDEX",
        help="An index, or a folder of sdists; several in the order in which they are asked. "
        "Without it: what pip and uv are set up to use.",
        rich_help_panel=_FROM,
    ),
]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        envvar="WHEELYARD_OFFLINE",
        help="Use only what is cached.",
        rich_help_panel=_FROM,
    ),
]
Recipes = Annotated[
    list[Path] | None,
    typer.Option(
        "--recipes",
        metavar="DIR",
        envvar="WHEELYARD_RECIPES",
        help="A folder of recipes: NAME.toml, or NAME/recipe.toml with its patches.",
        rich_help_panel=_FROM,
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        envvar="WHEELYARD_STATE",
        help="The state folder. Without it: the user's own.",
        rich_help_panel=_FROM,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--jobs",
        min=1,
        envvar="WHEELYARD_JOBS",
        help="How many builds run at once. Without it: one a core.",
        rich_help_panel=_HOW,
    ),
]
Sandbox = Annotated[
    SandboxMode,
    typer.Option(
        "--sandbox",
        envvar="WHEELYARD_SANDBOX",
        help="Shut builds in with bubblewrap: where it can be had, always, or never.",
        rich_help_panel=_HOW,
    ),
]
CompilerCacheOption = Annotated[
    CompilerCache,
    typer.Option(
        "--compiler-cache",
        envvar="WHEELYARD_COMPILER_CACHE",
        help="Keep what compilers made, for each source and platform apart.",
        rich_help_panel=_HOW,
    ),
]
AllowNetwork = Annotated[
    bool,
    typer.Option(
        "--allow-network",
        envvar="WHEELYARD_ALLOW_NETWORK",
        help="Run commands here that ask for the network, and give it to them.",
        rich_help_panel=_HOW,
    ),
]
Failpoints = Annotated[
    str,
    typer.Option(
        "--failpoints",
        metavar="PLACE=ACTION,…",
        envvar="WHEELYARD_FAILPOINTS",
        help="Faults to inject at named places, to see that they are survived. Not for a farm that works.",
        show_default=False,
    ),
]
Reproducible = Annotated[
    bool,
    typer.Option(
        "--check-reproducible",
        envvar="WHEELYARD_CHECK_REPRODUCIBLE",
        help="Build everything twice and show what differs.",
        rich_help_panel=_HOW,
    ),
]
Rebuild = Annotated[
    bool,
    typer.Option(
        "--rebuild",
        envvar="WHEELYARD_REBUILD",
        help="Build again what is there already.",
        rich_help_panel=_HOW,
    ),
]
FallBack = Annotated[
    bool,
    typer.Option(
        "--fall-back",
        envvar="WHEELYARD_FALL_BACK",
        help="For another machine than this one: emulate a build that fails across.",
        rich_help_panel=_HOW,
    ),
]
WallLimit = Annotated[
    str,
    typer.Option(
        "--wall-limit",
        metavar="DURATION",
        envvar="WHEELYARD_WALL_LIMIT",
        help="Kill a build that takes longer.",
        rich_help_panel=_HOW,
    ),
]
SilenceLimit = Annotated[
    str,
    typer.Option(
        "--silence-limit",
        metavar="DURATION",
        envvar="WHEELYARD_SILENCE_LIMIT",
        help="Kill a build that prints nothing for longer.",
        rich_help_panel=_HOW,
    ),
]
MemoryLimit = Annotated[
    str,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        envvar="WHEELYARD_MEMORY_LIMIT",
        help="What one build may use, for example 4G.",
        rich_help_panel=_HOW,
    ),
]
DiskLimit = Annotated[
    str,
    typer.Option(
        "--disk-limit",
        metavar="SIZE",
        envvar="WHEELYARD_DISK_LIMIT",
        help="What one build may write, for example 20G.",
        rich_help_panel=_HOW,
    ),
]
LogLimit = Annotated[
    str,
    typer.Option(
        "--log-limit",
        metavar="SIZE",
        envvar="WHEELYARD_LOG_LIMIT",
        help="Kill a build that prints more, for example 64M.",
        rich_help_panel=_HOW,
    ),
]
ArtifactLimit = Annotated[
    str,
    typer.Option(
        "--artifact-limit",
        metavar="SIZE",
        envvar="WHEELYARD_ARTIFACT_LIMIT",
        help="Refuse what was built, or what it holds, where it is larger, for example 500M.",
        rich_help_panel=_HOW,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def is_duration(text: str) -> bool:
    """Whether a text is one that ``duration`` reads."""
    return _DURATION.fullmatch(text.strip().lower()) is not None


def ago(text: str) -> datetime:
    """Return the moment that lies a duration back. Raises ConfigurationError."""
    try:
        return datetime.now(UTC) - duration(text)
    except OverflowError:
        raise ConfigurationError(
            f"{text!r} is longer ago than a calendar reaches", hint="Write less, for example 7d."
        ) from None


def duration(text: str) -> timedelta:
    """Read ``90s``, ``20m``, ``36h``, ``7d``, ``2w``; a bare number is seconds. Raises ConfigurationError."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not a duration",
            hint="Write a number with s, m, h, d or w, for example 7d.",
        )
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2] or "s"])
    except OverflowError:
        raise ConfigurationError(
            f"{text!r} is more than can be counted", hint="Write less, for example 7d."
        ) from None


def size(text: str) -> int:
    """Read ``512M``, ``4G``; a bare number is bytes. Raises ConfigurationError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not a size", hint="Write a number with K, M, G or T, for example 4G."
        )
    return int(float(match[1]) * _BYTES[match[2].lower()])


def moment(text: str, *, whole_day: bool = True) -> datetime:
    """Read a moment, or a date: its end, or its beginning where it is not the ``whole_day``.

    Without a zone it is UTC. Raises ConfigurationError.
    """
    try:
        read = datetime.fromisoformat(text)
        if whole_day and len(text) == len("2026-01-31"):
            read += timedelta(days=1)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{text!r} is not a date", hint="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
