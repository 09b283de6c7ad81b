"""``wheelyard platform``: the machines that this one builds for without being one."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from wheelyard.cli.display.console import results, say
from wheelyard.cli.farm_options import print_json
from wheelyard.cli.options import AsJson, State
from wheelyard.errors import ExitCode, WheelyardError
from wheelyard.executor.platforms import missing
from wheelyard.executor.platforms.adding import add
from wheelyard.executor.platforms.checking import Check, Step
from wheelyard.executor.platforms.description import Description, named
from wheelyard.executor.platforms.reaching import KnownPlatforms
from wheelyard.executor.platforms.sysroot import Sysroot
from wheelyard.wiring.places import state_path
from wheelyard.wiring.platforms import known_platforms

app = typer.Typer(
    help="Platforms: machines that this one builds for without being one, and what that takes.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A platform.")]


@app.command("list")
def list_platforms(state: State = None, as_json: AsJson = False) -> None:
    """List the platforms, their Pythons, and what is missing for each."""
    platforms = known_platforms(state_path(state))
    found = sorted(platforms.descriptions().values(), key=lambda one: one.name)
    if as_json:
        print_json([_fields(one, platforms) for one in found])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "kind", "architecture", "Pythons", "state"):
        table.add_column(column, overflow="fold")
    for one in found:
        absent = missing.of_all(one)
        fetched = platforms.to_fetch(one)
        there = f"reachable, fetches {', '.join(fetched)}" if fetched else "reachable"
        there = f"missing: {missing.how_to_have(absent)}" if absent else there
        row = (one.name, one.kind.value, one.architecture, ", ".join(one.pythons), there)
        table.add_row(*row, style="dim" if absent else "")
    results().print(table)


@app.command("show")
def show(name: Name, state: State = None, as_json: AsJson = False) -> None:
    """Show all that is said of a platform, and the sysroots that were made for it, with their packages' digests."""
    platforms = known_platforms(state_path(state))
    platform = named(name, platforms.descriptions())
    made = platforms.sysroots(platform)
    if as_json:
        print_json({**_fields(platform, platforms), "sysroots": [_sysroot(one) for one in made]})
        return
    console = results()
    for key, value in _said(platform).items():
        say(console, f"{key}: {_text(value)}")
    absent = missing.of_all(platform)
    say(console, f"missing: {missing.how_to_have(absent)}" if absent else "missing: nothing")
    if fetched := platforms.to_fetch(platform):
        say(console, f"fetched when it is first used: {', '.join(fetched)}")
    for one in made:
        _print_sysroot(console, one)


@app.command("add")
def add_platform(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file that describes it.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of one that has its name.")
    ] = False,
    state: State = None,
) -> None:
    """Add a platform of your own: its description is checked and copied into the state folder."""
    description = add(file, known_platforms(state_path(state)).own, replace=replace)
    typer.echo(
        f"added {description.name}; 'wheelyard platform check {description.name}' tries it",
        err=True,
    )


@app.command("check")
def check(
    name: Name,
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="VERSION",
            help="With which of its Pythons, for example 3.11. Without it: the newest.",
        ),
    ] = "",
    mirror: Annotated[
        str,
        typer.Option(
            "--debian-mirror",
            metavar="URL",
            envvar="WHEELYARD_DEBIAN_MIRROR",
            help="Where Debian's packages are fetched from. Without it: as this machine's apt is told. Builds read the variable.",
        ),
    ] = "",
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Try a platform: make its sysroot, compile programs and an extension module as builds do, and run them."""
    platforms = known_platforms(state_path(state), mirror)
    tried = Check(platforms, named(name, platforms.descriptions()), python)
    rows: list[Mapping[str, object]] = []
    problem: WheelyardError | None = None
    for step in tried.steps(platforms.checks):
        row, problem = _carried_out(step)
        rows.append(row)
        if not as_json:
            _print_step(row)
        if problem is not None:
            break
    if as_json:
        print_json({"platform": name, "python": tried.python, "steps": rows})
        raise typer.Exit(problem.exit_code if problem else ExitCode.OK)
    if problem is not None:
        raise problem
    say(results(), f"{name} works with Python {tried.python}", style="green")


def _carried_out(step: Step) -> tuple[Mapping[str, object], WheelyardError | None]:
    began, said, problem = time.monotonic(), "", None
    talk = Console(stderr=True)
    with talk.status(step.name):
        try:
            said = step.carry_out()
        except WheelyardError as error:
            problem = error
    row: dict[str, object] = {
        "step": step.name,
        "seconds": round(time.monotonic() - began, 2),
        "works": problem is None,
        "said": said,
    }
    if problem is not None:
        row |= {"message": problem.message, "hint": problem.hint}
    return row, problem


def _print_step(row: Mapping[str, object]) -> None:
    works = "ok" if row["works"] else "failed"
    said = f": {row['said']}" if row["said"] else ""
    style = "" if row["works"] else "red"
    say(results(), f"{row['seconds']:7.2f} s  {works:6}  {row['step']}{said}", style=style)


def _said(platform: Description) -> Mapping[str, object]:
    return msgspec.to_builtins(platform)  # type: ignore[no-any-return]


def _fields(platform: Description, platforms: KnownPlatforms) -> dict[str, object]:
    absent = missing.of_all(platform)
    return {
        **_said(platform),
        "reachable": not absent,
        "missing": [one.what for one in absent],
        "fetches": list(platforms.to_fetch(platform)),
        "remedy": missing.how_to_have(absent) if absent else "",
    }


def _sysroot(one: Sysroot) -> dict[str, object]:
    return {"folder": str(one.root), **msgspec.to_builtins(one.made)}


def _print_sysroot(console: Console, one: Sysroot) -> None:
    wanted = f" for {', '.join(one.made.wanted)}" if one.made.wanted else ""
    say(console, f"\n{one.root}: {one.made.suite or 'given'}{wanted}", style="bold")
    for package, digest in one.made.packages.items():
        say(console, f"  {package}  {digest}")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {one}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
