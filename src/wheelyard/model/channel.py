"""What a conda channel holds: a package, and what its file's name says."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wheelyard.errors import InvalidNameError
from wheelyard.model.artifact import Origin

NOARCH = "noarch"
"""The folder of what runs anywhere; every channel has it."""

SUFFIXES = (".conda", ".tar.bz2")
_PARTS = r"[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*_?"
# Stricter than what file systems need: one version that a solver cannot read is in the way of all packages.
_NAME = re.compile(rf"([a-z0-9_][a-z0-9_.-]*)-((?:\d+!)?{_PARTS}(?:\+{_PARTS})?)-([A-Za-z0-9_.+]+)")
_LONGEST = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaName:
    """The name of a package's file: ``name-version-build`` and its format."""

    name: str
    version: str
    build: str
    suffix: str

    @classmethod
    def parse(cls, filename: str) -> Self:
        """Read the name of a file. Raises InvalidNameError."""
        suffix = next((one for one in SUFFIXES if filename.endswith(one)), "")
        short = len(filename) <= _LONGEST
        found = _NAME.fullmatch(filename.removesuffix(suffix)) if short else None
        if not suffix or found is None:
            shown = filename if short else f"{filename[:40]}…"
            raise InvalidNameError(
                f"{shown!r} cannot name a conda package",
                hint="It is called NAME-VERSION-BUILD.conda, or .tar.bz2.",
            )
        name, version, build = found.groups()
        return cls(name=name, version=version, build=build, suffix=suffix)

    @property
    def stem(self) -> str:
        """The name without its suffix, which the parts of a ``.conda`` file have in theirs."""
        return f"{self.name}-{self.version}-{self.build}"

    def __str__(self) -> str:
        """Return the name of the file."""
        return self.stem + self.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """A file of a channel. ``digest`` is ``sha256:HEX``, ``md5`` is HEX, ``size`` in bytes.

    ``record`` is its entry of repodata.json, ``about`` what channeldata.json says of it, and ``run_exports`` its
    run exports: each is a JSON object. ``build_key`` is empty for what was not built here. ``removed`` is the
    reason why solvers are not to see it; its bytes stay. Not ``there``: its bytes are lost.
    """

    subdir: str
    filename: str
    name: str
    version: str
    build: str
    build_number: int
    digest: str
    md5: str
    size: int
    record: str
    about: str = "{}"
    run_exports: str = "{}"
    origin: Origin = Origin.UPLOADED
    build_key: str = ""
    created: datetime | None = None
    removed: str | None = None
    there: bool = True

    @property
    def place(self) -> str:
        """Where it lies in a channel: ``SUBDIR/FILENAME``."""
        return f"{self.subdir}/{self.filename}"
