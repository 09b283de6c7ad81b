"""``wheelyard watch``: what is new upstream of recipes."""

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from wheelyard.cli.addresses import Database
from wheelyard.cli.display.console import results
from wheelyard.cli.feedstock_files import FeedstockFiles, changes, read_feedstock, write
from wheelyard.cli.options import AsJson, Indexes, Offline, State
from wheelyard.cli.version_looks import (
    Looked,
    LookSettings,
    look_all,
    look_at_requirements,
    recipes_below,
)
from wheelyard.errors import ConfigurationError, ExitCode, nearest
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.newest.requirement_changes import Difference, mended
from wheelyard.model.counted import plural
from wheelyard.settings.file import Configuration
from wheelyard.wiring.places import state_path
from wheelyard.wiring.versions import VersionSettings

app = typer.Typer(
    help="What is new upstream: versions of what recipes package, and what these require.",
    no_args_is_help=True,
)
_KINDS = ("npm", "crates", "cran")

Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="KIND=URL",
        envvar="WHEELYARD_SOURCE",
        help="Where npm, crates or cran are asked, in place of the address that a recipe names.",
    ),
]
Recipe = Annotated[
    Path, typer.Argument(metavar="FILE", help="A recipe, or the folder of its feedstock.")
]


@app.command("versions")
def versions(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|FOLDER", help="Recipes, feedstocks, or folders of these."),
    ],
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Ask sources, too, that were asked lately or failed lately."),
    ] = False,
    source: Addresses = None,
    index: Indexes = None,
    state: State = None,
    database: Database = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Ask where recipes come from for new versions, and show what each source answered."""
    found = [recipe for path in paths for recipe in recipes_below(path)]
    settings = _settings(context.obj, source, index, state, offline=offline)
    database = database or context.obj.farm.get("database", "")
    looked = asyncio.run(look_all(found, settings, anew=anew, database=database))
    if as_json:
        fields = [_fields(one) for one in looked]
        typer.echo(msgspec.json.encode({"recipes": fields}).decode())
    else:
        _print(looked)
    if looked and all(one.error for one in looked):
        raise typer.Exit(ExitCode.UPSTREAM)


@app.command("requirements")
def requirements(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: typer.Context,
    recipe: Recipe,
    version: Annotated[
        str,
        typer.Option(
            "--version",
            metavar="VERSION",
            help="The release to compare with. Without it: the recipe's.",
        ),
    ] = "",
    edit: Annotated[
        bool, typer.Option("--edit", help="Write into the recipe what can be mended.")
    ] = False,
    index: Indexes = None,
    state: State = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Hold what a recipe requires against what the release itself says, and offer the differences as an edit."""
    settings = _settings(context.obj, None, index, state, offline=offline)
    feedstock, places = read_feedstock(recipe)
    found = asyncio.run(look_at_requirements(feedstock, version, settings))
    if as_json:
        typer.echo(msgspec.json.encode({"differences": found}).decode())
    else:
        _print_differences(found)
    if any(one.is_mended for one in found):
        after = feedstock.with_recipe(mended(feedstock.parsed, found))
        _offer(feedstock, after, places, edit=edit, quiet=as_json)


def _settings(
    configuration: Configuration,
    sources: Sequence[str] | None,
    indexes: Sequence[str] | None,
    state: Path | None,
    *,
    offline: bool,
) -> LookSettings:
    pairs = (text.partition("=") for text in sources or ())
    given = {}
    for kind, sign, address in pairs:
        if kind not in _KINDS or not sign:
            raise ConfigurationError(
                f"{kind!r} is no kind of source whose address is given",
                hint=nearest(kind, _KINDS) or "Write npm=URL, crates=URL or cran=URL.",
            )
        given[kind] = address
    return VersionSettings(
        state=state_path(state),
        indexes=tuple(indexes or ()),
        addresses={**configuration.versions, **given},
        offline=offline,
    )


def _offer(
    before: Feedstock, after: Feedstock, places: FeedstockFiles, *, edit: bool, quiet: bool
) -> None:
    if edit:
        write(places, changes(before, after))
        typer.echo(f"{before.recipe_path} was changed", err=True)
    elif not quiet:
        path = before.recipe_path
        old, new = before.recipe.splitlines(), after.recipe.splitlines()
        for line in difflib.unified_diff(old, new, path, path, lineterm=""):
            typer.echo(line)
        typer.echo("--edit writes this into the recipe", err=True)


def _fields(looked: Looked) -> dict[str, object]:
    seen = looked.seen
    if seen is None:
        return {"recipe": looked.path, "error": looked.error}
    return {
        "recipe": looked.path,
        "name": seen.watched.name,
        "version": seen.watched.version,
        "newest": seen.choice.version,
        "from": seen.origin,
        "passed": [{"version": one, "why": why} for one, why in seen.choice.passed],
        "sources": seen.sightings,
    }


def _print(looked: Sequence[Looked]) -> None:
    table = Table("recipe", "version", "newest", "where", box=None, pad_edge=False)
    for one in looked:
        for cells in _rows(one):
            table.add_row(*cells)
    results().print(table)
    newer = sum(bool(one.seen and one.seen.choice.version) for one in looked)
    typer.echo(f"{newer} of {plural(len(looked), 'recipe')} could go to a new version", err=True)


def _rows(looked: Looked) -> Iterator[tuple[str, ...]]:
    seen = looked.seen
    if seen is None:
        yield looked.path, "", "", looked.error
        return
    choice = seen.choice
    asked = ", ".join(one.kind for one in seen.sightings) or "no source shows its versions"
    yield seen.watched.name, seen.watched.version, choice.version or "-", seen.origin or asked
    for version, why in choice.passed[:3]:
        yield "", "", f"not {version}", why
    for one in seen.sightings:
        if one.error:
            again = datetime.fromtimestamp(one.again, UTC).astimezone()
            yield "", "", "", f"{one.kind}: {one.error}; asked again after {again:%d %b %H:%M}"


def _print_differences(found: Sequence[Difference]) -> None:
    if not found:
        typer.echo("the recipe requires what the release does")
        return
    table = Table("section", "requirement", "is", "should be", box=None, pad_edge=False)
    for one in found:
        table.add_row(one.section, one.name, one.written or "-", _should(one))
    results().print(table)


def _should(one: Difference) -> str:
    if one.is_mended:
        return one.wanted
    return f"{one.wanted} on some platforms" if one.wanted else "not named by the release"
