"""A request for a command and the repository's own job file as one, checked.

What the request says comes before what the file says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wheelyard.errors import ConfigurationError, InvalidNameError, nearest
from wheelyard.jobs.needs import Needs
from wheelyard.model.command import CommandRequest
from wheelyard.model.release import project_name
from wheelyard.model.secrets import is_secret
from wheelyard.plan.job_file import FILE_NAME, JobFile
from wheelyard.targets.interpreter import ANY, Interpreter
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

_OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = frozenset(
    {"HOME", "PATH", "PWD", "SOURCE_COMMIT", "SOURCE_DATE_EPOCH", "SOURCE_REVISION", "TMPDIR"}
)
_LONGEST_VALUE = 4096
LARGEST_TOLERANCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted: ``options`` are all, ``chosen`` those of them that are not as usual."""

    request: CommandRequest
    name: str
    arguments: tuple[str, ...]
    artifacts: tuple[str, ...]
    options: Mapping[str, str]
    chosen: Mapping[str, str]
    needs: Needs
    target: Target


def wanted_of(request: CommandRequest, file: JobFile, machine: str) -> Wanted:
    """Put them together. Raises ConfigurationError and InvalidNameError."""
    _check_tolerance(request.tolerance)
    options, chosen = _options(request, file)
    needs = _needs(request, file, machine)
    return Wanted(
        request=request,
        name=project_name(request.name or file.name or _name_of(request.repository)),
        arguments=tuple(_filled_in(one, options) for one in _arguments(request, file)),
        artifacts=_patterns(request.artifacts or file.artifacts),
        options=options,
        chosen=chosen,
        needs=needs,
        target=_target(needs),
    )


def check_asked(request: CommandRequest) -> None:
    """Raise ConfigurationError or InvalidNameError for what is wrong whatever the repository says."""
    _check_tolerance(request.tolerance)
    Needs.parse(request.needs)
    for name, value in (*request.options, *request.variables):
        _check_option(name, value)
    if request.name:
        project_name(request.name)
    if request.artifacts:
        _patterns(request.artifacts)
    JobFile.parse(request.job_file)


def _check_tolerance(tolerance: int) -> None:
    if not 0 <= tolerance <= LARGEST_TOLERANCE:
        raise ConfigurationError(
            f"a range of {tolerance} revisions cannot be had",
            hint=f"Give one from 0 to {LARGEST_TOLERANCE}.",
        )


def _arguments(request: CommandRequest, file: JobFile) -> tuple[str, ...]:
    """Return the command: the request's, or else the file's. Placeholders are for those without a shell."""
    line, arguments = request.line, request.arguments
    if line and arguments:
        raise ConfigurationError(
            f"{line!r} and {arguments[0]!r} are two commands", hint="Give one of them."
        )
    if not line and not arguments:
        line, arguments = file.line, file.arguments
    if line.strip():
        return ("/bin/sh", "-c", _without_nul(line, "command"))
    if not arguments or not arguments[0]:
        raise ConfigurationError(
            "no command says how to build it",
            hint=f"Give one with --command, or write {FILE_NAME} into the repository.",
        )
    return tuple(_without_nul(one, "command") for one in arguments)


def _filled_in(argument: str, options: Mapping[str, str]) -> str:
    """Put options in the place of their names in braces; other braces stay."""
    return re.sub(
        r"\{([A-Za-z_][A-Za-z0-9_]*)\}", lambda found: options.get(found[1], found[0]), argument
    )


def _options(request: CommandRequest, file: JobFile) -> tuple[dict[str, str], dict[str, str]]:
    """Return all options with their values, and those of them that are not as the file has them."""
    given = dict(request.options)
    if len(given) != len(request.options):
        raise ConfigurationError(
            f"an option is given twice: {', '.join(name for name, _ in request.options)}",
            hint="Give each once.",
        )
    defaults, own = file.options or {}, bool(request.line or request.arguments)
    for name in given:
        if file.options is not None and not own and name not in defaults:
            hint = nearest(name, defaults) or f"There are {', '.join(defaults) or 'none'}."
            raise ConfigurationError(f"{FILE_NAME} knows no option {name!r}", hint=hint)
    options = dict(sorted({**defaults, **given}.items()))
    for name, value in options.items():
        _check_option(name, value)
    return options, {n: value for n, value in options.items() if defaults.get(n) != value}


def _check_option(name: str, value: str) -> None:
    if not _OPTION.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of an option",
            hint="It becomes an environment variable: letters, digits and '_', no digit first.",
        )
    if name in _OURS:
        raise ConfigurationError(
            f"the option {name!r} would replace what every command is given",
            hint="Name it otherwise, and let the command set the variable.",
        )
    if is_secret(name, value):
        raise ConfigurationError(
            f"the option {name!r} looks like a secret, and options are in names, logs and reports",
            hint="No secret reaches a build. If it is none, name it otherwise.",
        )
    if "\0" in value or len(value) > _LONGEST_VALUE:
        raise ConfigurationError(
            f"the value of the option {name!r} has a NUL or more than {_LONGEST_VALUE} characters",
            hint="Put what is long into the repository.",
        )


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Check patterns and write each one way. Raises ConfigurationError."""
    if not patterns:
        raise ConfigurationError(
            "no pattern says which files are the result",
            hint=f"Give one with --artifact, for example 'dist/*', or write {FILE_NAME}.",
        )
    return tuple(dict.fromkeys(map(_pattern, patterns)))


def _pattern(text: str) -> str:
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if not parts or text.startswith("/") or ".." in parts or "\\" in text or "\0" in text:
        raise ConfigurationError(
            f"{text!r} is no pattern of files of the tree",
            hint="Write a path below its top, with *, ? and ** where it varies: dist/**/*.tar.gz",
        )
    return "/".join(parts)


def _without_nul(text: str, what: str) -> str:
    if "\0" in text:
        raise ConfigurationError(f"the {what} has a NUL in it", hint="Leave it out.")
    return text


def _needs(request: CommandRequest, file: JobFile, machine: str) -> Needs:
    """Return what the builder must have: a processor always, because results are for one."""
    asked = dict(Needs.parse(request.needs).items)
    needs = Needs.of({"os": "linux", "arch": machine, **dict(file.needs.items), **asked})
    return needs.with_(network="yes") if request.network else needs


def _target(needs: Needs) -> Target:
    """Return the platform; the interpreter is the one that is needed, if it is one and no comparison."""
    found = dict(needs.items)
    arch, python = str(found["arch"]), found.get("python")
    platform = str(Platform.parse(f"linux_{arch}"))
    if isinstance(python, str) and python.isalnum():
        return Target(Interpreter.parse(python), platform)
    return Target(ANY, platform)


def _name_of(repository: str) -> str:
    last = repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
    try:
        return project_name(last)
    except InvalidNameError:
        raise ConfigurationError(
            f"{last!r}, the last part of the repository's address, is no name for what is built",
            hint="Give one with --name.",
        ) from None
