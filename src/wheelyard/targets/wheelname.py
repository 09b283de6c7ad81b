"""The file name of a wheel (PEP 427, 425, 625)."""

import re
from dataclasses import dataclass
from math import prod
from typing import Self

from packaging.tags import Tag
from packaging.utils import (
    InvalidName,
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import Version

from wheelyard.errors import InvalidNameError

_SAFE = re.compile(r"[A-Za-z0-9_.!+-]{1,251}\.whl")
_TAG_SETS = re.compile(r"(\w+(?:\.\w+)*)-(\w+(?:\.\w+)*)-(\w+(?:\.\w+)*)\.whl", re.ASCII)

_MOST_TAGS = 1000
"""A real name stands for a few dozen tags; a hostile one of 255 letters for tens of thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """What a wheel's file name says; ``tags`` is the expanded set, ``build`` the build tag or empty.

    ``project`` is normalised (PEP 503), so the name that ``str`` gives may be spelled otherwise than
    the one that was parsed; both parse to the same value. ``tags`` is always a product of three sets.
    """

    project: str
    version: Version
    tags: frozenset[Tag]
    build: str = ""

    @classmethod
    def parse(cls, filename: str) -> Self:
        """Read a file name. Raises InvalidNameError."""
        _check_letters(filename)
        try:
            name, version, build, tags = parse_wheel_filename(filename)
            project = canonicalize_name(name, validate=True)
        except (InvalidWheelFilename, InvalidName) as error:
            raise _invalid(filename) from error
        return cls(
            project=project,
            version=version,
            tags=tags,
            build="".join(map(str, build)),
        )

    def __str__(self) -> str:
        parts = (
            {tag.interpreter for tag in self.tags},
            {tag.abi for tag in self.tags},
            {tag.platform for tag in self.tags},
        )
        name = (self.project.replace("-", "_"), str(self.version), self.build)
        return "-".join((*filter(None, name), *(".".join(sorted(part)) for part in parts))) + ".whl"


def _check_letters(filename: str) -> None:
    """Refuse what packaging would let pass or would take long to expand."""
    safe = _SAFE.fullmatch(filename)
    tag_sets = _TAG_SETS.search(filename) if safe else None
    if tag_sets is None:
        raise _invalid(filename)
    if prod(part.count(".") + 1 for part in tag_sets.groups()) > _MOST_TAGS:
        raise InvalidNameError(
            f"{filename!r} stands for more than {_MOST_TAGS} tags",
            hint="No real wheel does; look at where it comes from.",
        )


def _invalid(filename: str) -> InvalidNameError:
    shown = filename if len(filename) <= 100 else f"{filename[:100]}…"  # noqa: PLR2004 - one line
    return InvalidNameError(
        f"{shown!r} is not the file name of a wheel",
        hint="It is project-version[-build]-python-abi-platform.whl, for example six-1.17.0-py3-none-any.whl.",
    )
