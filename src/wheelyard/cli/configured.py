"""Where the value of each option comes from: command line, environment, wheelyard.toml, default."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text
from typer import Context
from typer.core import TyperCommand, TyperGroup, TyperOption

from wheelyard.cli.display.console import results
from wheelyard.cli.options import AsJson
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.model.secrets import without_secrets
from wheelyard.settings.file import Configuration, find, read

_COMMANDS = ("build", "plan")
"""The commands whose options the ``[build]`` table of wheelyard.toml sets."""
_ALSO = ("serve",)
"""Commands that share some of those options."""
_STATE = "state"
"""The option that holds for whatever looks at what was built, too."""


def load(path: Path | None) -> Configuration:
    """Read the configuration file that was named, or the nearest. Raises ConfigurationError."""
    found = path if path is not None else find(Path.cwd())
    return read(found) if found is not None else Configuration()


def defaults(configuration: Configuration, group: object) -> dict[str, Mapping[str, object]]:
    """Return the options of wheelyard.toml as defaults of commands. Raises ConfigurationError."""
    if not isinstance(group, TyperGroup):
        return {}
    found: dict[str, Mapping[str, object]] = {}
    for command in (*_COMMANDS, *_ALSO):
        keys = {
            key: option for option in _options(group.commands[command]) for key in _keys(option)
        }
        found[command] = {
            str(keys[key].name): _value(keys[key], key, value, configuration)
            for key, value in configuration.options.items()
            if key in keys
        }
    _check_keys(configuration, group)
    _check_values(configuration, group, found["build"])
    return found | _looking_back(group, found["build"])


def _looking_back(
    group: TyperGroup, values: Mapping[str, object]
) -> dict[str, dict[str, dict[str, object]]]:
    """Return what the commands of other groups take from build: which state folder there is."""
    state = {name: value for name, value in values.items() if name == _STATE}
    return {
        name: {
            word: state
            for word, command in below.commands.items()
            if any(option.name == _STATE for option in _options(command))
        }
        for name, below in group.commands.items()
        if state and isinstance(below, TyperGroup)
    }


def _check_values(
    configuration: Configuration, group: TyperGroup, values: Mapping[str, object]
) -> None:
    """Read each value as its option does, because the option would not say where it stands."""
    context = Context(group.commands["build"])
    for option in _options(group.commands["build"]):
        if str(option.name) not in values:
            continue
        try:
            option.process_value(context, values[str(option.name)])
        except typer.BadParameter as error:
            value, said = values[str(option.name)], error.message.removeprefix("Value error, ")
            raise ConfigurationError(
                f"{configuration.path}: build.{_keys(option)[0]} is {without_secrets(repr(value))}: {said}",
                hint=f"{option.help} See docs/reference/configuration.md.",
            ) from error


def _check_keys(configuration: Configuration, group: TyperGroup) -> None:
    known = {
        key
        for command in _COMMANDS
        for option in _options(group.commands[command])
        for key in _keys(option)
    }
    for key in configuration.options:
        if key not in known:
            raise ConfigurationError(
                f"{configuration.path}: build has no option {key!r}",
                hint=nearest(key, known) or f"The options are {', '.join(sorted(known))}.",
            )


def _options(command: object) -> Iterator[TyperOption]:
    if not isinstance(command, TyperCommand):
        return
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and parameter.name != "help":
            yield parameter


def _keys(option: TyperOption) -> list[str]:
    return [name.removeprefix("--") for name in option.opts if name.startswith("--")]


def _value(option: TyperOption, key: str, value: object, configuration: Configuration) -> object:
    """Return a value as the option takes it; one alone may stand for a list of one."""
    if option.multiple and isinstance(value, str | list):
        return [value] if isinstance(value, str) else [str(item) for item in value]
    if option.multiple or isinstance(value, list | dict):
        kind, example = ("a list", '["…"]') if option.multiple else ("one value", '"…"')
        raise ConfigurationError(
            f"{configuration.path}: build.{key} is {without_secrets(repr(value))}, where {kind} is wanted",
            hint=f"Write {key} = {example}.",
        )
    # Durations and sizes may be bare numbers.
    return str(value) if isinstance(value, int | float) and not option.is_flag else value


def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what each option of build is set to, and where its value comes from."""
    root = context.find_root()
    group = root.command
    command = group.commands["build"] if isinstance(group, TyperGroup) else None
    if not isinstance(command, TyperCommand):
        raise TypeError(command)
    given = (root.default_map or {}).get("build", {})
    rows = _rows(command, given, context.obj)
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("option", "value", "from"):
        table.add_column(column, overflow="fold")
    for row in rows:
        value = row["value"] or f"({_without(command, row['option'])})"
        table.add_row(row["option"], Text(value), row["from"])
    results().print(table)


def _without(command: TyperCommand, key: str) -> str:
    """Say what an option without a value means, as its help does."""
    said = next((option.help or "" for option in _options(command) if key in _keys(option)), "")
    return said.partition("Without it: ")[2].rstrip(".") or "none"


def _rows(
    command: TyperCommand, given: Mapping[str, object], configuration: Configuration
) -> list[dict[str, str]]:
    with command.make_context("build", [], default_map=dict(given)) as context:
        return [
            {
                "option": _keys(option)[0],
                "value": _text(context.params.get(str(option.name))),
                "from": _origin(context, option, configuration),
            }
            for option in _options(command)
        ]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else without_secrets(str(getattr(value, "value", value)))


def _origin(context: Any, option: TyperOption, configuration: Configuration) -> str:
    source = context.get_parameter_source(str(option.name))
    if source is not None and source.name == "ENVIRONMENT":
        return f"environment ({option.envvar})"
    if source is not None and source.name == "DEFAULT_MAP":
        return str(configuration.path)
    return "default"
