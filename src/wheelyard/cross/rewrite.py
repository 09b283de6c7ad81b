"""One compiler command for the build machine becomes one for the target, or is refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wheelyard.cross.applying import RefusedError, apply
from wheelyard.cross.description import Crossing
from wheelyard.cross.lines import lines
from wheelyard.cross.rules import Rules, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a build called: ``argv`` with the name or path that it used, in ``folder``.

    ``files`` are the texts of the response files that are named in it. ``symbols`` are what the objects
    that it links define, where somebody has looked.
    """

    argv: tuple[str, ...]
    folder: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    symbols: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What is to be run instead, with ``environment`` beside what was given."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a command cannot be one for the target."""

    reason: str


def rewrite(command: Command, crossing: Crossing) -> Rewritten | Refused:
    """Return what to run for a command. Raises ConfigurationError for a crossing that no shim can follow."""
    return rewrite_by(command, parse(lines(crossing)))


def rewrite_by(command: Command, rules: Rules) -> Rewritten | Refused:
    """Return what to run for a command by rules that are read already."""
    symbols = command.symbols
    try:
        argv, given = apply(
            rules,
            list(command.argv),
            command.folder,
            command.files.get,
            lambda _: None if symbols is None else list(symbols),
        )
    except RefusedError as refused:
        return Refused(reason=str(refused))
    pairs = (variable.partition("=") for variable in given)
    return Rewritten(argv=tuple(argv), environment={name: value for name, _, value in pairs})
