"""``wheelyard recipe show FILE``, ``lint`` and ``diff``: looking at recipe files."""

import re
import subprocess
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wheelyard.cli.options import AsJson
from wheelyard.cli.recipe_file import read_recipe, read_text
from wheelyard.errors import ConfigurationError, ExitCode, RecipeError, WheelyardError
from wheelyard.model.counted import plural
from wheelyard.model.secrets import shown
from wheelyard.recipes.comparing import differences
from wheelyard.recipes.conditions import variants_of
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import EvaluatedRecipe, Requirements, Variant
from wheelyard.recipes.findings import Finding, Severity
from wheelyard.recipes.lint import lint
from wheelyard.recipes.parse import Form, ParsedRecipe, parse_recipe
from wheelyard.recipes.pins import read_pins
from wheelyard.settings.overrides import Override, load, read_tables

PlatformOption = Annotated[
    str,
    typer.Option(
        "--platform",
        metavar="PLATFORM",
        envvar="WHEELYARD_PLATFORM",
        help="A recipe file is evaluated for this conda platform (linux-64), and of a release is shown what is said for this one "
        "(linux_aarch64; without it, this machine's).",
        show_default=False,
    ),
]
VariantOption = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        metavar="KEY=VALUE",
        envvar="WHEELYARD_VARIANT",
        help="A key of the variant that a recipe file is evaluated for. Can be repeated.",
    ),
]
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A recipe file, or conda-forge.yml.", show_default=False),
]
_SECTIONS = ("build", "host", "run", "run_constrained", "test")


def add_commands(app: typer.Typer) -> None:
    """Add the commands that look."""
    app.command("lint")(lint_command)
    app.command("diff")(diff_command)


def show_file(file: Path, platform: str, variants: list[str], *, as_json: bool) -> None:
    """Show what a recipe file comes to in a variant."""
    if file.suffix.lower() == ".toml":
        _show_own(file, as_json=as_json)
        return
    recipe = read_recipe(file)
    variant = Variant(platform=platform, values=_pins_beside(file, platform) | _values(variants))
    answer = evaluate(recipe, variant)
    if as_json:
        typer.echo(msgspec.json.encode(msgspec.to_builtins(answer, str_keys=True)).decode())
        return
    _tell(answer)


def _values(variants: list[str]) -> dict[str, str]:
    found = {}
    for one in variants:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise ConfigurationError(
                f"{one!r} is not KEY=VALUE", hint="Write for example --variant python=3.13."
            )
        found[key] = value
    return found


def _pins_beside(file: Path, platform: str) -> dict[str, str]:
    """Give the first value of each key of a conda_build_config.yaml beside the recipe."""
    beside = file.with_name("conda_build_config.yaml")
    if not beside.is_file():
        return {}
    pins = read_pins(read_recipe(beside), platform=platform)
    return {key: held[0] for key, held in pins.values.items() if held}


def _tell(answer: EvaluatedRecipe) -> None:
    number = "none" if answer.build_number is None else answer.build_number
    typer.echo(
        f"{answer.name} {answer.version}, build number {number}, for {answer.variant.platform}"
    )
    if answer.skipped:
        typer.echo("  skipped here")
    for source in answer.sources:
        for url in source.urls or (source.git_url or source.path,):
            typer.echo(f"  source: {url}")
        for kind, digest in source.hashes.items():
            typer.echo(f"    {kind}: {digest}")
    _tell_requirements(answer.requirements, "  ")
    for output in answer.outputs:
        if output.name != answer.name or len(answer.outputs) > 1:
            said = (
                f", build number {output.build_number}"
                if output.build_number != answer.build_number
                else ""
            )
            typer.echo(f"  output {output.name} {output.version}{said}")
            _tell_requirements(output.requirements, "    ")


def _tell_requirements(requirements: Requirements, indent: str) -> None:
    for section in _SECTIONS:
        held = getattr(requirements, section)
        if held:
            typer.echo(f"{indent}{section}: {'; '.join(held)}")


def _own(file: Path) -> list[Override]:
    """Read a recipe of wheelyard's own. Raises ConfigurationError."""
    content = load(file)
    releases = content.pop("releases", {})
    packages = content.pop("package", {})
    name = file.parent.name if file.name == "recipe.toml" else file.stem
    tables: dict[str, object] = {name: content} if content else {}
    for held in (releases, packages):
        if not isinstance(held, dict):
            raise ConfigurationError(
                f"{file}: it names no releases", hint='Write [releases."numpy<2"].'
            )
        tables |= held
    return read_tables(tables, file.parent, str(file))


def _show_own(file: Path, *, as_json: bool) -> None:
    entries = _own(file)
    answer = [
        {
            "release": "*" if one.requirement is None else str(one.requirement),
            "changes": {
                key: shown(value) if isinstance(value, dict) else value
                for key, value in one.changes.items()
            },
        }
        for one in entries
    ]
    if as_json:
        typer.echo(msgspec.json.encode(msgspec.to_builtins(answer)).decode())
        return
    for one in entries:
        typer.echo(f"{one.requirement or 'all releases'}:")
        for key, value in one.changes.items():
            typer.echo(f"  {key.replace('_', '-')}: {_said(value)}")


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(one, "name", one)) for one in value)
    if isinstance(value, dict):
        return ", ".join(sorted(value))  # their values may be secrets
    return str(value)


def lint_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Recipe files, or conda-forge.yml.", show_default=False
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Look recipe files over and name what is wrong, with lines; the exit code is 1 where there are errors."""
    found = [(file, one) for file in files for one in _findings(file)]
    if as_json:
        rows = [{"file": str(file), **msgspec.to_builtins(one)} for file, one in found]
        typer.echo(msgspec.json.encode(rows).decode())
    else:
        for file, one in found:
            hint = f" {one.hint}" if one.hint else ""
            typer.echo(f"{file}:{one.line}: {one.severity.value}: {one.message} [{one.rule}]{hint}")
    errors = sum(one.severity is Severity.ERROR for _, one in found)
    typer.echo(f"{plural(errors, 'error')}, {plural(len(found) - errors, 'warning')}", err=True)
    if errors:
        raise typer.Exit(ExitCode.BUILDS_FAILED)


def _findings(file: Path) -> tuple[Finding, ...]:
    try:
        if file.suffix.lower() == ".toml":
            _own(file)
            return ()
        return lint(read_recipe(file))
    except (RecipeError, ConfigurationError) as error:
        if not file.is_file():
            raise
        return (
            Finding(
                line=_line_of(error), rule="reading", message=error.message.removeprefix(f"{file}: "),
                hint=error.hint, severity=Severity.ERROR,
            ),
        )  # fmt: skip


def _line_of(error: WheelyardError) -> int:
    found = re.search(r":(\d+): |\bline (\d+)", error.message)
    return int(found[1] or found[2]) if found else 1


def diff_command(
    file: File,
    other: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OTHER]", help="What it is compared with; without it: what git has committed."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a changed recipe means: version, build number, requirements and sources, per variant.

    FILE is the new one. The exit code is 0 whether they differ or not.
    """
    new = read_recipe(file)
    old = read_recipe(other) if other is not None else _committed(file)
    rows = _differences(old, new)
    if as_json:
        typer.echo(
            msgspec.json.encode(
                [{"variants": held, "differences": said} for said, held in rows]
            ).decode()
        )
        return
    if not rows:
        typer.echo("they mean the same")
    for said, held in rows:
        typer.echo(f"{', '.join(held[:3])}{f' and {len(held) - 3} more' if len(held) > 3 else ''}:")  # noqa: PLR2004 - as many as fit on a line
        for one in said:
            typer.echo(f"  {one}")


def _differences(old: ParsedRecipe, new: ParsedRecipe) -> list[tuple[tuple[str, ...], list[str]]]:
    """Group variants by what differs in them."""
    if new.form not in (Form.META, Form.RECIPE):
        raise RecipeError(
            f"{new.name} is not a recipe", hint="Compare a meta.yaml or a recipe.yaml."
        )
    grouped: dict[tuple[str, ...], list[str]] = {}
    variants = dict.fromkeys(map(_key, (*variants_of(new), *variants_of(old))))
    for platform, values in variants:
        variant = Variant(platform=platform, values=dict(values))
        said = differences(evaluate(old, variant), evaluate(new, variant))
        if said:
            name = " ".join((platform, *(f"{key}={value}" for key, value in values)))
            grouped.setdefault(said, []).append(name)
    return list(grouped.items())


def _key(variant: Variant) -> tuple[str, tuple[tuple[str, str], ...]]:
    return variant.platform, tuple(sorted(variant.values.items()))


def _committed(file: Path) -> ParsedRecipe:
    """Read what git has of a file. Raises ConfigurationError."""
    place = file.resolve()
    read_text(file)
    try:
        answer = subprocess.run(
            ["git", "-C", str(place.parent), "show", f"HEAD:./{place.name}"],
            capture_output=True, check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            f"git could not be asked for '{file}'", hint="Name the other file."
        ) from error
    if answer.returncode:
        raise ConfigurationError(f"git has no committed '{file}'", hint="Name the other file.")
    return parse_recipe(answer.stdout.decode("utf-8", errors="replace"), name=f"{file} (committed)")
