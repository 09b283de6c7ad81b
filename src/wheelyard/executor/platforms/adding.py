"""A user's own descriptions of platforms, in the state folder."""

import os
import tempfile
from pathlib import Path

from wheelyard.errors import ConfigurationError, StoreError
from wheelyard.executor.platforms.description import Description, read, shipped


def add(file: Path, folder: Path, *, replace: bool = False) -> Description:
    """Check a description and copy it into a folder, whole or not at all. Raises ConfigurationError and StoreError."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", hint="Name a TOML file."
        ) from error
    description = read(text, str(file))
    place = folder / f"{description.name}.toml"
    if not replace and (place.exists() or description.name in shipped()):
        whose = "you added it before" if place.exists() else "it comes with wheelyard"
        raise ConfigurationError(
            f"there is a platform {description.name!r}: {whose}",
            hint="--replace puts yours in its place; or call yours by another name.",
        )
    try:
        _write(place, text)
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error.strerror}") from error
    return description


def _write(place: Path, text: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    # Its name does not end in .toml, so that nobody reads half of it.
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
