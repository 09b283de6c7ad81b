"""``wheelyard recipe migrate``, ``migrators`` and ``pin-changes``: rules carried out on a recipe."""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from wheelyard.campaigns.migrators import known_migrators, migrator_of
from wheelyard.cli.display.console import results
from wheelyard.cli.feedstock_files import changes, read_feedstock, write
from wheelyard.cli.options import AsJson, Indexes, Offline
from wheelyard.cli.recipe_edits import recorded_answers
from wheelyard.cli.recipe_file import read_text
from wheelyard.errors import ConfigurationError, RefusedEditError
from wheelyard.migrate.builtin import WITH_A_VERSION
from wheelyard.migrate.carrying import Carried, carry
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp, Migrator, options_of
from wheelyard.migrate.migrators.pin_rebuild import PinRebuild
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.opening import started
from wheelyard.recipes.answers import Answers
from wheelyard.upstream.answers import NetworkAnswers
from wheelyard.wiring.answering import answer_settings


def add_commands(app: typer.Typer) -> None:
    """Add the commands of migrators to ``wheelyard recipe``."""
    app.command("migrate")(migrate)
    app.command("migrators")(migrators)
    app.command("pin-changes")(pin_changes)


_Recipe = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A recipe, or the folder of its feedstock.", show_default=False
    ),
]
_Migrators = Annotated[
    list[str] | None,
    typer.Option(
        "--migrator",
        metavar="NAME[:OPTION=VALUE,…]",
        envvar="WHEELYARD_MIGRATOR",
        help="What to carry out, for example replacement:old=qt,new=qt-main. May be given more "
        "than once; 'wheelyard recipe migrators' lists them.",
    ),
]
_Pins = Annotated[
    list[Path] | None,
    typer.Option(
        "--pin",
        metavar="FILE",
        envvar="WHEELYARD_PIN",
        help="A migration of pins to rebuild for, as in conda-forge's folder of migrations.",
    ),
]
_CleanUps = Annotated[
    bool,
    typer.Option(
        "--clean-ups/--no-clean-ups",
        envvar="WHEELYARD_CLEAN_UPS",
        help="Let every clean-up ride along that is right at any time.",
    ),
]
_Answers = Annotated[
    Path | None,
    typer.Option(
        "--answers",
        metavar="FILE",
        envvar="WHEELYARD_ANSWERS",
        help="Take digests and file lists from JSON, as 'to-version' does, instead of the network.",
    ),
]


def migrate(  # noqa: PLR0913, PLR0917 - one parameter an option
    recipe: _Recipe,
    migrator: _Migrators = None,
    pin: _Pins = None,
    clean_ups: _CleanUps = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the recipe instead of writing files.")
    ] = False,
    answers: _Answers = None,
    index: Indexes = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Carry migrators out on a recipe: the change, and clean-ups that ride with it."""
    feedstock, places = read_feedstock(recipe)
    wanted = _Wanted(
        migrators=tuple(migrator or ()),
        pins=tuple(map(_pin_rebuild, pin or ())),
        riding=tuple(each() for each in WITH_A_VERSION) if clean_ups else (),
    )
    if answers is not None:
        carried = carry(feedstock, wanted.made(recorded_answers(answers)))
    else:
        carried = asyncio.run(_from_the_network(feedstock, wanted, tuple(index or ()), offline))
    changed = changes(feedstock, carried.feedstock)
    if not stdout:
        write(places, changed)
    if as_json:
        typer.echo(msgspec.json.encode(_fields(carried, changed)).decode())
        return
    if stdout:
        sys.stdout.buffer.write(carried.feedstock.recipe.encode("utf-8"))
        sys.stdout.buffer.flush()
    _tell(carried, [str(places.path(name)) for name in changed], written=not stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a command line asks to carry out."""

    migrators: tuple[str, ...]
    pins: tuple[PinRebuild, ...]
    riding: tuple[Migrator, ...] = ()

    def made(self, answers: Answers) -> list[Migrator]:
        """Make the migrators. Raises ConfigurationError."""
        if not self.migrators and not self.pins:
            raise ConfigurationError(
                "no migrator was named", hint="Give --migrator NAME or --pin FILE."
            )
        named = [migrator_of(each, answers=answers) for each in self.migrators]
        known = {each.name for each in named}
        return [*self.pins, *named, *(each for each in self.riding if each.name not in known)]


async def _from_the_network(
    feedstock: Feedstock, wanted: _Wanted, indexes: tuple[str, ...], offline: bool
) -> Carried:
    settings = answer_settings(indexes, offline=offline)
    async with NetworkAnswers(settings, asyncio.get_running_loop()) as answers:
        migrators = wanted.made(answers)
        try:
            return await asyncio.to_thread(carry, feedstock, migrators)
        except RefusedEditError as error:
            if answers.faults:
                raise RefusedEditError(error.message, hint=answers.faults[-1]) from error
            raise


def _pin_rebuild(path: Path) -> PinRebuild:
    return PinRebuild(migration=PinMigration.parse(read_text(path), name=path.stem))


def _fields(carried: Carried, changed: dict[str, str | None]) -> dict[str, object]:
    return {
        "done": list(carried.done),
        "unwanted": list(carried.unwanted),
        "refused": list(carried.refused),
        "remarks": list(carried.feedstock.remarks),
        "files": changed,
    }


def _tell(carried: Carried, places: list[str], *, written: bool) -> None:
    """Say on stderr what was done, and what people should look at."""
    if not carried.done:
        typer.echo(f"nothing to do: {', '.join(carried.unwanted)}", err=True)
    for name in carried.done:
        typer.echo(f"{name}: done", err=True)
    for name in carried.unwanted if carried.done else ():
        typer.echo(f"{name}: nothing to do", err=True)
    for line in (*carried.refused, *carried.feedstock.remarks):
        typer.echo(line, err=True)
    for place in places:
        typer.echo(f"{'written' if written else 'would write'}: {place}", err=True)


def migrators(as_json: AsJson = False) -> None:
    """List the migrators: what each changes, and what it is told."""
    known = known_migrators()
    rows = [
        {
            "name": name,
            "kind": "clean-up" if issubclass(kind, CleanUp) else "migration",
            "options": list(options_of(kind)),
            "summary": getattr(kind, "summary", ""),
        }
        for name, kind in known.items()
    ]
    if as_json:
        typer.echo(msgspec.json.encode({"migrators": rows}).decode())
        return
    table = Table("migrator", "kind", "options", "what it does", box=None)
    for row in rows:
        table.add_row(
            str(row["name"]),
            str(row["kind"]),
            " ".join(map(str, row["options"])),
            str(row["summary"]),
        )
    results().print(table)


def pin_changes(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The pin file as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The pin file as it is.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            envvar="WHEELYARD_PIN_CHANGES_FOLDER",
            help="Write each migration into this folder, instead of printing it.",
        ),
    ] = None,
) -> None:
    """Say which migrations a change of a pin file starts: one for all pins that move together."""
    found = started(read_text(old), read_text(new), timestamp=float(int(time.time())))
    if not found:
        typer.echo("no pin was changed", err=True)
    for migration in found:
        if folder is None:
            typer.echo(f"# {migration.name}.yaml\n{migration.text}", nl=False)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{migration.name}.yaml"
        place.write_text(migration.text, encoding="utf-8")
        typer.echo(f"written: {place}", err=True)
