"""Requirements that name a place: a path, a URL or a git reference, with extras and a marker as pip reads them."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelyard.errors import InvalidNameError
from wheelyard.model.secrets import without_secrets

_DIRECT = re.compile(
    r"(git\+|https?://|file:|\.{1,2}(\[|\s*;|$)|\.{0,2}/|~/)"
    r"|[^\s@;]*\.(tar\.(gz|bz2|xz)|tgz|zip)(\[[^\]]*\])?\s*(;.*)?$"
)
_URL = re.compile(r"(git\+)?[a-z]+:", re.IGNORECASE)
_EXTRAS = re.compile(r"(?P<place>.+?)\[(?P<extras>[A-Za-z0-9._,\s-]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRequirement:
    """A place, perhaps after ``name @``, with the extras that are wanted of what lies there.

    ``marker`` says on which targets it is wanted; empty: on all. ``reference`` may hold secrets.
    """

    reference: str
    extras: tuple[str, ...] = ()
    marker: str = ""

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.marker else ""
        return f"{without_secrets(self.reference)}{extras}{marker}"


def read_direct(line: str, folder: Path) -> DirectRequirement | None:
    """Read a line that begins with a place; None for any other. Raises InvalidNameError."""
    if not _DIRECT.match(line):
        return None
    if not _URL.match(line) and _is_there(line, folder):
        return DirectRequirement(reference=absolute(line, folder))
    # In a URL a semicolon is a letter like others; only one with a blank begins a marker.
    place, _, marker = line.partition("; " if _URL.match(line) else ";")
    place = place.strip()
    extras = None if _is_there(place, folder) else _EXTRAS.fullmatch(place)
    return DirectRequirement(
        reference=absolute(extras["place"] if extras else place, folder),
        extras=_names(extras["extras"].split(",")) if extras else (),
        marker=_marker(marker.strip(), line),
    )


def of_requirement(requirement: Requirement, folder: Path) -> DirectRequirement:
    """Take a requirement whose version is an address (PEP 508)."""
    # With its name, so that an address that leads to another project is told as such.
    return DirectRequirement(
        reference=f"{requirement.name} @ {absolute(requirement.url or '', folder)}",
        extras=_names(requirement.extras),
        marker=str(requirement.marker or ""),
    )


def absolute(reference: str, folder: Path) -> str:
    """Return a path as an absolute one of ``folder``; a URL as it is."""
    if _URL.match(reference):
        return reference
    return str((folder / Path(reference).expanduser()).resolve())


def _is_there(text: str, folder: Path) -> bool:
    try:
        return (folder / Path(text).expanduser()).exists()
    except (OSError, RuntimeError, ValueError):
        return False


def _names(extras: "set[str] | list[str]") -> tuple[str, ...]:
    return tuple(sorted({canonicalize_name(extra.strip()) for extra in extras if extra.strip()}))


def _marker(text: str, line: str) -> str:
    try:
        return str(Marker(text)) if text else ""
    except InvalidMarker as error:
        raise InvalidNameError(
            f"what follows the semicolon in {without_secrets(line)!r} is not a marker",
            hint="Write for example './folder ; python_version < \"3.12\"'.",
        ) from error
