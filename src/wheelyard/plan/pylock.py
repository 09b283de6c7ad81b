"""A resolution as a lock file that other installers read (PEP 751), one for each target.

Every file in it has a digest: what has none yet must be fetched before it can be locked.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from wheelyard.errors import InvalidPlanError
from wheelyard.model.resolution import Pin, Resolution
from wheelyard.model.source import FileEntry, Source, SourceKind
from wheelyard.targets.markers import marker_environment
from wheelyard.targets.target import Target

_MARKERS = ("implementation_name", "python_version", "sys_platform", "platform_machine")
_Fields = Mapping[str, object]


def pylock_filename(target: Target) -> str:
    """Return the name that installers expect of a lock file for a target."""
    return f"pylock.{target}.toml"


def pylock_text(resolution: Resolution, target: Target) -> str:
    """Write a lock file. Raises InvalidPlanError for a release that has no file with a digest."""
    environment = marker_environment(target)
    marker = " and ".join(f"{name} == '{environment[name]}'" for name in _MARKERS)
    head = {
        "lock-version": "1.0",
        "environments": [marker],
        "requires-python": f"=={environment['python_version']}.*",
        "created-by": "wheelyard",
    }
    packages = [["[[packages]]", *_assignments(_package(pin))] for pin in resolution.pins]
    return "\n\n".join("\n".join(block) for block in [_assignments(head), *packages]) + "\n"


def _package(pin: Pin) -> _Fields:
    fields: dict[str, object] = {"name": pin.release.project, "version": str(pin.release.version)}
    if pin.requires_python:
        fields["requires-python"] = pin.requires_python
    if pin.dependencies:
        fields["dependencies"] = [{"name": project} for project in pin.dependencies]
    files = _files(pin)
    if not files:
        raise InvalidPlanError(
            f"{pin.release} has no file with a digest, so it cannot be locked",
            hint="Use an index that announces digests, or build once so that the files are fetched.",
        )
    return {**fields, **files}


def _files(pin: Pin) -> _Fields:
    """Return where a release comes from: a direct reference alone, or an index's files."""
    source = pin.source
    if source is not None and not (source.kind is SourceKind.SDIST and source.index):
        return _direct(source)
    fields: dict[str, object] = {}
    # An index that is a folder has no address, and installers refuse anything else here.
    if source is not None and "url" in _place(source.index):
        fields["index"] = source.index
    if source is not None and source.digest:
        fields["sdist"] = _file(source, source.location)
    if pin.wheel is not None and pin.wheel.digest:
        fields["wheels"] = [_file(pin.wheel, pin.wheel.url)]
    return fields if fields.keys() & {"sdist", "wheels"} else {}


def _direct(source: Source) -> _Fields:
    place = {**_place(source.location), **_given(subdirectory=source.subdirectory)}
    match source.kind:
        case SourceKind.GIT:
            commit = source.digest.removeprefix("git:")
            return {"vcs": {"type": "git", **place, "commit-id": commit}} if commit else {}
        case SourceKind.FOLDER:
            return {"directory": place}
        case SourceKind.SDIST:
            hashes = _hashes(source.digest)
            return {"archive": {**place, "hashes": hashes}} if hashes else {}


def _file(file: Source | FileEntry, address: str) -> _Fields:
    return {
        "name": file.filename,
        **_given(**{"upload-time": file.uploaded}),
        **_place(address),
        **_given(size=file.size),
        "hashes": _hashes(file.digest),
    }


def _place(address: str) -> _Fields:
    return {"url" if urlsplit(address).scheme else "path": address}


def _hashes(digest: str) -> _Fields:
    algorithm, separator, value = digest.partition(":")
    return {algorithm: value} if separator else {}


def _given(**fields: object) -> _Fields:
    return {name: value for name, value in fields.items() if value not in {None, ""}}


def _assignments(fields: _Fields) -> Iterator[str]:
    for name, value in fields.items():
        yield f"{name} = {_toml(value)}"


def _toml(value: object) -> str:
    match value:
        case str():
            # JSON's escapes are TOML's, but for the one control character that JSON lets through.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case Mapping():
            return f"{{ {', '.join(_assignments(value))} }}"
        case Iterable():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            raise TypeError(f"{type(value).__name__} has no TOML form")
