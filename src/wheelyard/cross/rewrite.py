"""One compiler command for the build machine becomes one for the target, or is refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wheelyard.cross.description import Crossing


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
    """Return what to run for a command."""
    raise NotImplementedError((command, crossing))
