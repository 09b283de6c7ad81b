"""Core metadata: the headers that matter here, and a METADATA file put together from others."""

import email.errors
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser

from packaging.requirements import InvalidRequirement, Requirement

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.model.release import Release

_END_OF_HEADERS = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """What was read; texts are empty where a header is missing, ``dynamic`` is in lower case."""

    metadata_version: tuple[int, ...]
    name: str
    version: str
    requires_python: str = ""
    requires_dist: tuple[str, ...] = ()
    dynamic: frozenset[str] = frozenset()


def parse_metadata(content: bytes) -> CoreMetadata:
    """Read METADATA or PKG-INFO; whatever is wrong with it reads as missing."""
    try:
        # What follows the headers is most of it, and the parser would go through it, too.
        message = BytesHeaderParser().parsebytes(_END_OF_HEADERS.split(content, maxsplit=1)[0])
    except (email.errors.MessageError, ValueError):
        return CoreMetadata(metadata_version=(), name="", version="")

    def every(header: str) -> tuple[str, ...]:
        return tuple(_one_line(str(value)) for value in message.get_all(header, []))

    def first(header: str) -> str:
        value = next(iter(every(header)), "")
        # What setuptools wrote for a field that it was not given.
        return "" if value == "UNKNOWN" else value

    return CoreMetadata(
        metadata_version=_numbers(first("Metadata-Version")),
        name=first("Name"),
        version=first("Version"),
        requires_python=first("Requires-Python"),
        requires_dist=every("Requires-Dist"),
        dynamic=frozenset(field.lower() for field in every("Dynamic")),
    )


def check_identity(content: bytes, release: Release, where: str) -> CoreMetadata:
    """Read metadata, and refuse that of another release. Raises UpstreamError."""
    metadata = parse_metadata(content)
    try:
        found = Release.of(metadata.name, metadata.version)
    except InvalidNameError:
        raise UpstreamError(
            f"The metadata in {where} names no release ({metadata.name!r}, {metadata.version!r})",
            hint="The file is damaged, or is not what its name says; tell the project.",
        ) from None
    if found != release:
        raise UpstreamError(
            f"The metadata in {where} is that of {found}, not of {release}",
            hint="The file is not what its name says; tell the project.",
        )
    return metadata


def compose(
    release: Release,
    *,
    requires_python: str,
    required: Iterable[str],
    extras: Mapping[str, Iterable[str]],
) -> bytes:
    """Put METADATA together; the lines of an extra get its marker."""
    lines = ["Metadata-Version: 2.1", f"Name: {release.project}", f"Version: {release.version}"]
    if requires_python:
        lines.append(f"Requires-Python: {_one_line(requires_python)}")
    lines += [f"Requires-Dist: {_one_line(text)}" for text in required]
    for extra, requirements in extras.items():
        lines.append(f"Provides-Extra: {_one_line(extra)}")
        lines += [f"Requires-Dist: {with_marker(text, _extra(extra))}" for text in requirements]
    return ("\n".join(lines) + "\n").encode()


def with_marker(text: str, marker: str) -> str:
    """Return a requirement that also needs a marker to hold; as it is where it cannot be read."""
    text = _one_line(text)
    if not marker:
        return text
    try:
        own = Requirement(text).marker
    except InvalidRequirement:
        return text
    if own is None:
        # The blank keeps a URL apart from what follows it (PEP 508).
        return f"{text} ; {marker}"
    return f"{_without_marker(text)} ; ({own}) and ({marker})"


def extra_marker(extra: str, marker: str = "") -> str:
    """Return the marker of an extra, narrowed by another."""
    if not extra:
        return marker
    return f"({marker}) and {_extra(extra)}" if marker else _extra(extra)


def _extra(extra: str) -> str:
    return f'extra == "{_one_line(extra)}"'


def _without_marker(text: str) -> str:
    requirement = Requirement(text)
    requirement.marker = None
    return str(requirement)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.strip().split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
