"""``wheelyard recipe``: what is said about releases."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wheelyard.cli import migrators, recipe_edits, recipe_looks
from wheelyard.cli.options import AsJson, Recipes
from wheelyard.cli.recipe_file import is_recipe_file
from wheelyard.cli.recipe_looks import PlatformOption, VariantOption, show_file
from wheelyard.executor.interpreters import native_platform
from wheelyard.model.counted import plural
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import Release
from wheelyard.model.secrets import shown
from wheelyard.plan.key import recipe_digest
from wheelyard.settings.file import Configuration
from wheelyard.settings.overrides import Overrides, join, read_folder
from wheelyard.targets.platform import Platform

_CONDA_PLATFORM = "linux-64"

app = typer.Typer(
    help="Recipes: what is said about releases, and recipe files: shown, linted, edited.",
    no_args_is_help=True,
)


def overrides_of(configuration: Configuration, folders: list[Path] | None) -> Overrides:
    """Read every override that applies to a command. Raises ConfigurationError."""
    return join(configuration.overrides, *(read_folder(folder) for folder in folders or ()))


@app.command("show")
def show(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: typer.Context,
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE|FILE", help="For example six==1.17.0, or recipe/meta.yaml."
        ),
    ],
    recipes: Recipes = None,
    platform: PlatformOption = "",
    variants: VariantOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the recipe of a release and where each part of it stands, or what a recipe file comes to."""
    if is_recipe_file(release):
        show_file(Path(release), platform or _CONDA_PLATFORM, variants or [], as_json=as_json)
        return
    wanted = Release.parse(release)
    overrides = overrides_of(context.obj, recipes)
    there = str(Platform.parse(platform)) if platform else native_platform()
    recipe = overrides.recipe(wanted).on(there)
    fields = {
        name: shown(value) if isinstance(value, dict) else value
        for name, value in msgspec.to_builtins(recipe).items()
        if value != getattr(DEFAULT_RECIPE, name) and value not in ([], {})
    }
    answer = {
        "release": str(wanted),
        "recipe": fields,
        "from": list(overrides.origins(wanted)),
        "digest": recipe_digest(recipe),
    }
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    if not fields:
        typer.echo(f"{wanted}: nothing is said about it; the defaults apply")
        return
    typer.echo(f"{wanted}:")
    for name, value in fields.items():
        typer.echo(f"  {name.replace('_', '-')}: {_text(value)}")
    for origin in overrides.origins(wanted):
        typer.echo(f"  from {origin}")


def _text(value: object) -> str:
    """Write a part of a recipe as people read it: a patch by its name, settings as ``NAME=value``."""
    match value:
        case {"name": name, "text": _}:
            return str(name)
        case dict():
            pairs = (
                f"{name}={one}"
                for name, held in value.items()
                for one in (held if isinstance(held, list | tuple) else [held])
            )
            return ", ".join(pairs)
        case list() | tuple():
            return ", ".join(map(_text, value))
        case bool():
            return str(value).lower()
    return str(value)


@app.command("check")
def check(context: typer.Context, recipes: Recipes = None) -> None:
    """Read wheelyard.toml and the recipe folders and say whether they can be followed."""
    overrides = overrides_of(context.obj, recipes)
    if not overrides.entries:
        typer.echo("there are no recipes to read", err=True)
        return
    typer.echo(f"{plural(len(overrides.entries), 'recipe')} can be read")


recipe_looks.add_commands(app)
recipe_edits.add_commands(app)
migrators.add_commands(app)
