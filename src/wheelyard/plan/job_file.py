"""What a repository says itself about how it is built: its ``wheelyard-job.toml``.

It gives defaults and names the options that there are; limits and the network are not its to give.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.jobs.needs import Needs

FILE_NAME = "wheelyard-job.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """Defaults of a command job. ``options`` is None where the file names none, so that all may be given."""

    name: str = ""
    line: str = ""
    arguments: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    options: Mapping[str, str] | None = None
    needs: Needs = Needs()  # noqa: RUF009 - it is frozen

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a job file. Raises ConfigurationError."""
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _fault(
                f"cannot be read: {error}", "Correct it, or name another revision."
            ) from error
        known = [field.name for field in fields(cls) if field.name not in {"line", "arguments"}]
        for key in content:
            if key not in {*known, "command"}:
                names = sorted({*known, "command"})
                hint = nearest(key, names) or f"The keys are {', '.join(names)}."
                raise _fault(f"has no key {key!r}", hint)
        command = content.get("command", "")
        return cls(
            name=_text(content.get("name", ""), "name"),
            line=command if isinstance(command, str) else "",
            arguments=() if isinstance(command, str) else _texts(command, "command"),
            artifacts=_patterns(content.get("artifacts", ())),
            options=_options(content["options"]) if "options" in content else None,
            needs=_needs(content.get("needs", {})),
        )


def _patterns(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value, "artifacts")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise _fault(f"has {value!r} as {key}", f'Write {key} = "…".')
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _fault(f"has {value!r} as {key}", f'Write {key} = ["…", "…"].')
    return tuple(value)


def _options(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or any(isinstance(one, list | dict) for one in value.values()):
        raise _fault(f"has {value!r} as options", 'Write a table with defaults: opt = "2".')
    return {
        name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in value.items()
    }


def _needs(value: object) -> Needs:
    if not isinstance(value, dict):
        raise _fault(f"has {value!r} as needs", 'Write a table: memory_gb = ">=8".')
    return Needs.of(value)


def _fault(what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{FILE_NAME} {what}", hint=hint)
