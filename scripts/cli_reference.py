"""Writes ``docs/reference/cli.md`` from the commands themselves: ``make docs``.

A test compares the page with what this would write, so that it cannot fall behind.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from wheelyard.cli.app import app
from wheelyard.errors import ExitCode

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

OPENING = """\
# The command line

Written by `make docs` from the commands themselves; `wheelyard COMMAND --help` says the same.

Results go to standard output, talk to standard error. Colours and live lines appear on a terminal
only. A value comes from the first of these that has it: the option, its `WHEELYARD_…` variable, the
`[build]` table of [`wheelyard.toml`](configuration.md), the default. `wheelyard config` says which.
Variables of options that can be repeated hold several values with spaces between them.
"""

EXIT_CODES = {
    ExitCode.OK: "All that was asked for is there.",
    ExitCode.BUILDS_FAILED: "Something could not be built or is held, or no set of releases fits; the rest was done.",
    ExitCode.USAGE: "The command, a requirement, a target or a setting cannot be followed.",
    ExitCode.UPSTREAM: "An index, a repository or a download did not give what it should.",
    ExitCode.STATE: "The state folder, its database or an index folder cannot be used, or is full.",
    ExitCode.ENVIRONMENT: "A Python, a program or an isolation that is needed is not on this machine.",
    ExitCode.INTERRUPTED: "Interrupted. What was finished is kept; the same command goes on.",
}


def render() -> str:
    """Return the whole page."""
    lines = [OPENING, "## Exit codes", "", "| code | says |", "|---|---|"]
    lines += [f"| {int(code)} | {EXIT_CODES[code]} |" for code in ExitCode]
    for path, command in walk(get_command(app), ("wheelyard",)):
        lines += ["", *section(path, command)]
    return "\n".join(lines) + "\n"


def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that does something by itself, with its words."""
    children = getattr(command, "commands", None)
    if children is None or command.params:
        yield path, command
    for name, child in (children or {}).items():
        if not child.hidden:
            yield from walk(child, (*path, name))


def section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    """Write a command with its arguments and options."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join([*path, *(argument_name(one) for one in arguments)])
    yield f"## `{usage}`"
    yield ""
    # A form feed ends what is meant for people in the text of a command.
    yield (command.help or "").partition("\f")[0].strip()
    rows = [row(one) for one in command.params if one.name != "help" and not is_hidden(one)]
    if rows:
        yield from ("", "| | | variable |", "|---|---|---|", *rows)


def argument_name(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    shown = str(name if argument.required else f"[{name}]")
    return f"{shown}..." if argument.nargs == -1 else shown


def is_hidden(parameter: Any) -> bool:
    return bool(getattr(parameter, "hidden", False))


def row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = argument_name(parameter)
    else:
        name = ", ".join(sorted(parameter.opts, key=len)) + value_name(parameter)
    said = (parameter.help or "").strip()
    default = parameter.default
    if isinstance(default, str | int) and not isinstance(default, bool):
        said += f" Default: `{getattr(default, 'value', default)}`."
    if getattr(parameter, "multiple", False):
        said += " Can be repeated."
    variable = f"`{parameter.envvar}`" if parameter.envvar else ""
    cells = [f"`{name}`", said, variable]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def value_name(option: Any) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.default, Enum):
        return " " + "|".join(str(choice.value) for choice in type(option.default))
    return f" {option.metavar or 'VALUE'}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
