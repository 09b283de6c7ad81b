"""What a wheel says: its METADATA, and what its file name promises."""

import zipfile
from typing import IO

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

from wheelyard.errors import InvalidArchiveError, InvalidNameError
from wheelyard.model.release import Release
from wheelyard.upstream.archive import read_zip_member, refusing


def wheel_identity(filename: str) -> tuple[Release, frozenset[Tag]]:
    """Return release and tags from a wheel's name. Raises InvalidNameError."""
    try:
        name, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise InvalidNameError(
            f"{filename!r} is not the name of a wheel: {error}",
            hint="Wheels are named name-version-python-abi-platform.whl.",
        ) from error
    return Release.of(name, str(version)), tags


def wheel_metadata(stream: IO[bytes], filename: str, release: Release, limit: int) -> bytes:
    """Read METADATA from a wheel. Raises InvalidArchiveError where it has none, or several."""
    with refusing(filename), zipfile.ZipFile(stream) as archive:
        found = [
            info
            for info in archive.infolist()
            if info.filename.count("/") == 1 and info.filename.endswith(".dist-info/METADATA")
        ]
        own = [info for info in found if _is_of(info.filename, release)] or found
        if len(own) != 1:
            raise InvalidArchiveError(
                f"{filename!r} has {len(own) or 'no'} METADATA files; a wheel has one",
                hint="It is not a valid wheel; tell whoever made it.",
            )
        return read_zip_member(archive, own[0], limit)


def wheel_members(stream: IO[bytes], filename: str) -> tuple[str, ...]:
    """Return the paths in a wheel, sorted. Raises InvalidArchiveError."""
    with refusing(filename), zipfile.ZipFile(stream) as archive:
        return tuple(sorted(name for name in archive.namelist() if not name.endswith("/")))


def _is_of(path: str, release: Release) -> bool:
    name, _, version = path.partition(".dist-info/")[0].rpartition("-")
    try:
        return Release.of(name, version) == release
    except InvalidNameError:
        return False
