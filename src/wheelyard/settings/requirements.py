"""Requirements as users write them: on the command line, in requirement files, as paths and URLs."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from wheelyard.errors import ConfigurationError, InvalidNameError
from wheelyard.model.secrets import without_secrets
from wheelyard.settings.direct import DirectRequirement, absolute, of_requirement, read_direct

_HASH = re.compile(r"\s--hash[= ]\S+")
_MAXIMUM_DEPTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for: PEP 508 lines, places of sources (paths, URLs, git), and constraints."""

    lines: tuple[str, ...] = ()
    direct: tuple[DirectRequirement, ...] = ()
    constraints: tuple[str, ...] = ()

    def __add__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            lines=self.lines + other.lines,
            direct=self.direct + other.direct,
            constraints=self.constraints + other.constraints,
        )


def read_line(text: str, folder: Path) -> Wanted:
    """Read one requirement; relative paths are those of ``folder``. Raises InvalidNameError."""
    line = text.strip()
    if (direct := read_direct(line, folder)) is not None:
        return Wanted(direct=(direct,))
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        if (folder / line).exists():
            return Wanted(direct=(DirectRequirement(reference=absolute(line, folder)),))
        reason = without_secrets(str(error).splitlines()[0])
        raise InvalidNameError(
            f"{without_secrets(line)!r} is not a requirement: {reason}",
            hint="Write for example 'flask', 'sqlalchemy<2.1', './folder' or 'git+https://…@v1'.",
        ) from error
    if requirement.url is not None:
        return Wanted(direct=(of_requirement(requirement, folder),))
    return Wanted(lines=(str(requirement),))


def read_file(path: Path, *, depth: int = 0) -> Wanted:
    """Read a requirement file with the ``-r`` and ``-c`` in it. Raises ConfigurationError."""
    if depth > _MAXIMUM_DEPTH:
        raise ConfigurationError(
            f"{path} includes itself", hint="Remove the -r that leads back to it."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            f"the requirement file '{path}' cannot be read: {error.strerror}",
            hint="Check the path.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"the requirement file '{path}' is not text: {error}", hint="Write it in UTF-8."
        ) from error
    wanted = Wanted()
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), start=1):
        stripped = _HASH.sub("", re.sub(r"(^|\s)#.*$", "", line)).strip()
        if stripped:
            wanted += _read_entry(stripped, path, number, depth)
    return wanted


def read_constraints(path: Path) -> tuple[str, ...]:
    """Read a constraint file. Raises ConfigurationError."""
    wanted = read_file(path)
    if wanted.direct:
        raise ConfigurationError(
            f"{path}: '{wanted.direct[0]}' is no constraint",
            hint="A constraint is name<specifier>.",
        )
    return wanted.lines + wanted.constraints


def read_overrides(path: Path) -> tuple[str, ...]:
    """Read a file of overrides. Raises ConfigurationError."""
    wanted = read_file(path)
    for found in (*wanted.direct, *wanted.constraints):
        raise ConfigurationError(
            f"{path}: '{found}' is no override",
            hint="An override is name<specifier>, with a marker if it is for some targets only.",
        )
    return wanted.lines


def _read_entry(line: str, path: Path, number: int, depth: int) -> Wanted:
    option, _, rest = line.partition(" ")
    value = rest.strip()
    if option in {"-r", "--requirement"}:
        return read_file(path.parent / value, depth=depth + 1)
    if option in {"-c", "--constraint"}:
        return Wanted(constraints=read_constraints(path.parent / value))
    if option in {"-e", "--editable"}:
        return read_line(value, path.parent)
    if option.startswith("-"):
        raise ConfigurationError(
            f"{path}:{number}: {option!r} is not understood in a requirement file",
            hint="Give indexes and other options on the command line.",
        )
    try:
        return read_line(line, path.parent)
    except InvalidNameError as error:
        raise ConfigurationError(f"{path}:{number}: {error.message}", hint=error.hint) from error
