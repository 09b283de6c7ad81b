"""``wheelyard recipe rebuild`` and ``to-version``: edits of recipe files, in place or printed."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wheelyard.cli.options import Indexes, Offline
from wheelyard.cli.recipe_file import read_recipe, read_text, write_text
from wheelyard.errors import ConfigurationError, RefusedEditError
from wheelyard.recipes.answers import RecordedAnswers
from wheelyard.recipes.edits import rebuild, to_version
from wheelyard.recipes.parse import ParsedRecipe
from wheelyard.upstream.answers import NetworkAnswers
from wheelyard.wiring.answering import answer_settings

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A meta.yaml or a recipe.yaml.", show_default=False)
]
Stdout = Annotated[bool, typer.Option("--stdout", help="Print the new text instead of writing it.")]


class _Recorded(msgspec.Struct, kw_only=True):
    """The JSON of ``--answers``."""

    hash: dict[str, str] = msgspec.field(default_factory=dict)
    pypi_files: dict[str, list[str]] = msgspec.field(default_factory=dict)


def add_commands(app: typer.Typer) -> None:
    """Add the commands that edit."""
    app.command("rebuild")(rebuild_command)
    app.command("to-version")(to_version_command)


def rebuild_command(
    file: File,
    by: Annotated[int, typer.Option("--by", min=1, metavar="N", help="How much to add.")] = 1,
    stdout: Stdout = False,
) -> None:
    """Raise the build number of every package of a recipe, so that it is built again.

    The recipe is evaluated before and after, for every variant that its conditions tell apart; where a
    number would not rise by exactly N, nothing is changed and the reason is said.
    """
    recipe = read_recipe(file)
    _give(file, recipe, rebuild(recipe, by=by), stdout=stdout)


def to_version_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: File,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The newer version.")],
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help='Take digests and file lists from JSON, {"hash": {URL: DIGEST}, "pypi_files": {PROJECT: [FILE]}}, '
            "instead of the network.",
        ),
    ] = None,
    index: Indexes = None,
    offline: Offline = False,
    stdout: Stdout = False,
) -> None:
    """Carry a recipe to a new version: the version, the digest of every source, the build number to 0.

    Sources are fetched to learn their digests. A source whose address has moved is looked for where
    such files usually are.
    """
    recipe = read_recipe(file)
    if answers is not None:
        text = to_version(recipe, version, recorded_answers(answers))
    else:
        text = asyncio.run(_from_the_network(recipe, version, tuple(index or ()), offline=offline))
    _give(file, recipe, text, stdout=stdout)


async def _from_the_network(
    recipe: ParsedRecipe, version: str, indexes: tuple[str, ...], *, offline: bool
) -> str:
    settings = answer_settings(indexes, offline=offline)
    async with NetworkAnswers(settings, asyncio.get_running_loop()) as answers:
        try:
            return await asyncio.to_thread(to_version, recipe, version, answers)
        except RefusedEditError as error:
            if answers.faults:
                raise RefusedEditError(error.message, hint=answers.faults[-1]) from error
            raise


def recorded_answers(path: Path) -> RecordedAnswers:
    """Read the JSON of ``--answers``. Raises ConfigurationError."""
    try:
        read = msgspec.json.decode(read_text(path), type=_Recorded)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"the answers in '{path}' cannot be read: {error}",
            hint='Write {"hash": {"https://…": "0123…"}, "pypi_files": {"six": ["six-1.17.0.tar.gz"]}}.',
        ) from error
    files: Mapping[str, tuple[str, ...]] = {
        name: tuple(held) for name, held in read.pypi_files.items()
    }
    return RecordedAnswers(hash=read.hash, pypi_files=files)


def _give(file: Path, recipe: ParsedRecipe, text: str, *, stdout: bool) -> None:
    """Print the text byte for byte, or write it in place."""
    if stdout:
        sys.stdout.buffer.write(text.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    if text != recipe.text:
        write_text(file, text)
    typer.echo(f"{file}: {_lines_changed(recipe.text, text)} changed", err=True)


def _lines_changed(old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    count = sum(one != other for one, other in zip(before, after, strict=False))
    count += abs(len(before) - len(after))
    return "1 line" if count == 1 else f"{count} lines"
