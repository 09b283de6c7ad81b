"""Read the conda channel of an exported folder again, and say what is wrong in it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from wheelyard.index.channel_export import CONDA
from wheelyard.index.channel_pages import COMPRESSED, REPODATA
from wheelyard.model.channel import NOARCH
from wheelyard.recipes.platforms import SUBDIRS

_CHUNK = 1 << 20


class _Entry(msgspec.Struct):
    sha256: str
    md5: str
    size: int
    subdir: str


class _Repodata(msgspec.Struct, kw_only=True):
    packages: dict[str, _Entry]
    conda: dict[str, _Entry] = msgspec.field(name="packages.conda")


def channel_faults(output: Path) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield every package that is there with an empty fault, and each fault; nothing where there is no channel."""
    if not (output / CONDA).is_dir():
        return
    if not (output / CONDA / NOARCH / REPODATA).is_file():
        yield CONDA / NOARCH / REPODATA, "is not there"
    for subdir in (NOARCH, *SUBDIRS):
        path = CONDA / subdir / REPODATA
        if (output / path).is_file():
            yield from _subdir(output, path)


def _subdir(output: Path, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    content = (output / path).read_bytes()
    packed = path.with_name(REPODATA + COMPRESSED)
    if _unpacked(output / packed, len(content)) != content:
        yield packed, f"does not say what {REPODATA} says"
    try:
        said = msgspec.json.decode(content, type=_Repodata)
    except msgspec.DecodeError as error:
        yield path, f"cannot be read: {error}"
        return
    for filename, entry in {**said.packages, **said.conda}.items():
        yield path.with_name(filename), _fault(output, path.with_name(filename), entry)


def _fault(output: Path, path: PurePosixPath, entry: _Entry) -> str:
    if entry.subdir != path.parent.name or "/" in path.name:
        return f"is of {entry.subdir}, as {REPODATA} says"
    try:
        file = (output / path).open("rb")
    except OSError:
        return f"is named by {REPODATA} and is not there"
    with file:
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    same = (sha256.hexdigest(), md5.hexdigest(), size) == (entry.sha256, entry.md5, entry.size)
    return "" if same else f"has other bytes than {REPODATA} says"


def _unpacked(path: Path, most: int) -> bytes | None:
    import zstandard

    try:
        with path.open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file)
            return reader.read(most + 1)
    except (OSError, zstandard.ZstdError):
        return None
