"""Core metadata as it looks on one target.

The markers of every requirement are decided here, for the target, so that a resolver sees only what
holds there and needs no knowledge of the target's platform: nothing but extras is left to decide.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from packaging.markers import Marker
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wheelyard.errors import InvalidNameError
from wheelyard.model.release import ProjectName, Release, project_name
from wheelyard.targets.markers import marker_environment
from wheelyard.targets.target import Target

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_QUOTED = re.compile(r"""["']([^"']*)["']""")


@lru_cache(maxsize=64)
def _environment(target: Target) -> dict[str, str]:
    return marker_environment(target)


def holds(marker: Marker | None, target: Target, *, extra: str = "") -> bool:
    """Say whether a marker is true on a target."""
    return marker is None or marker.evaluate({**_environment(target), "extra": extra})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One project that a release requires: always, or with one of its extras (``extra``)."""

    project: ProjectName
    extras: frozenset[str]
    specifier: str
    url: str = ""
    extra: str = ""

    def line(self, *, provided: Collection[ProjectName] = ()) -> str:
        """Write the requirement; the address is left out for projects that are ``provided``."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        where = f" @ {self.url} " if self.url and self.project not in provided else self.specifier
        marker = f' ; extra == "{self.extra}"' if self.extra else ""
        return f"{self.project}{extras}{where}{marker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """What a release says of itself, as far as resolving asks."""

    release: Release
    needs: tuple[Need, ...]
    extras: frozenset[str]
    requires_python: str = ""

    def text(self, *, provided: Collection[ProjectName] = ()) -> bytes:
        """Write a METADATA file that says this and nothing else."""
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {self.release.project}",
            f"Version: {self.release.version}",
            *(f"Provides-Extra: {extra}" for extra in sorted(self.extras)),
            *(f"Requires-Dist: {need.line(provided=provided)}" for need in self.needs),
        ]
        return "\n".join([*lines, "", ""]).encode()


def read_metadata(content: bytes, release: Release, target: Target) -> CoreMetadata:
    """Read a METADATA file for a target. Raises InvalidNameError, which says what cannot be read."""
    # Without the description, which can be a hundred times longer than the rest.
    return _read(_END_OF_HEADERS.split(content, maxsplit=1)[0] + b"\n\n", release, target)


@lru_cache(maxsize=8192)
def _read(headers: bytes, release: Release, target: Target) -> CoreMetadata:
    raw, _ = parse_email(headers)
    _check_release(raw.get("name", ""), raw.get("version", ""), release)
    extras = frozenset(canonicalize_name(extra) for extra in raw.get("provides_extra", ()))
    needs = tuple(
        need
        for line in raw.get("requires_dist", ())
        for need in needs_of(parse_requirement(line), target, extras)
    )
    return CoreMetadata(
        release=release,
        needs=needs,
        extras=extras,
        requires_python=raw.get("requires_python", ""),
    )


def _check_release(name: str, version: str, release: Release) -> None:
    if not name or not version:
        raise InvalidNameError(f"the metadata of {release} has no Name or no Version")
    if Release.of(name, version) != release:
        raise InvalidNameError(f"the metadata of {release} says that it is {name} {version}")


def parse_requirement(line: str) -> Requirement:
    """Read a PEP 508 line. Raises InvalidNameError."""
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise InvalidNameError(
            f"{line!r} is not a requirement: {reason}",
            hint="Requirements follow PEP 508, for example 'sqlalchemy[asyncio]<2.1'.",
        ) from None


def needs_of(
    requirement: Requirement, target: Target, extras: Iterable[str] = ()
) -> Iterator[Need]:
    """Yield a requirement as it is on a target: not at all, always, or once for each extra."""
    marker = requirement.marker
    if holds(marker, target):
        yield _need(requirement)
        return
    quoted = {canonicalize_name(word) for word in _QUOTED.findall(str(marker))}
    for extra in sorted(quoted.intersection(extras)):
        if holds(marker, target, extra=extra):
            yield _need(requirement, extra)


def _need(requirement: Requirement, extra: str = "") -> Need:
    return Need(
        project=project_name(requirement.name),
        extras=frozenset(canonicalize_name(name) for name in requirement.extras),
        specifier=str(requirement.specifier),
        url=requirement.url or "",
        extra=extra,
    )
