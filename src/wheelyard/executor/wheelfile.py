"""What a wheel is, held against what its name and its job promise.

A wheel that is not what it says is refused with the reason; nothing of it is run or unpacked.
"""

import base64
import csv
import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidArchiveError
from wheelyard.model.release import Release
from wheelyard.targets.compatibility import serves
from wheelyard.targets.target import Target
from wheelyard.targets.wheelname import WheelName

_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
)
_LARGEST = 8 << 30
_RATIO, _RATIO_FROM = 300, 512 << 20
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """What a wheel is. ``files`` are the paths in it, ``compiled`` those that are binaries by their first bytes.

    ``metadata`` are the bytes of its METADATA; ``purelib`` is Root-Is-Purelib.
    """

    filename: str
    project: str
    version: Version
    build: str
    tags: frozenset[Tag]
    requires_python: str
    requires_dist: tuple[str, ...]
    metadata: bytes
    files: tuple[str, ...]
    compiled: tuple[str, ...]
    purelib: bool


def inspect_wheel(
    path: Path, *, release: Release | None = None, target: Target | None = None
) -> WheelFacts:
    """Read a wheel and hold it against its name and its job. Raises InvalidArchiveError."""
    name = WheelName.parse(path.name)
    _check(
        release is None or (name.project, name.version) == (release.project, release.version),
        path,
        f"its name is not that of {release}",
    )
    with _refusing(path), zipfile.ZipFile(path) as archive:
        members = _members(path, archive)
        folder = _dist_info(path, name, members)
        metadata = archive.read(f"{folder}/METADATA")
        headers = BytesHeaderParser().parsebytes(metadata)
        _check_identity(path, name, headers.get("Name", ""), headers.get("Version", ""))
        wheel = BytesHeaderParser().parsebytes(archive.read(f"{folder}/WHEEL"))
        _check_tags(path, name.tags, wheel.get_all("Tag") or [])
        compiled = _check_record(path, archive, folder, members)
    requires_python = str(headers.get("Requires-Python") or "").strip()
    if target is not None:
        _check(
            serves(name.tags, requires_python, target),
            path,
            f"its tags or its Requires-Python do not serve {target}",
        )
    return WheelFacts(
        filename=path.name,
        project=name.project,
        version=name.version,
        build=name.build,
        tags=name.tags,
        requires_python=requires_python,
        requires_dist=tuple(str(line) for line in headers.get_all("Requires-Dist") or ()),
        metadata=metadata,
        files=tuple(sorted(members)),
        compiled=compiled,
        purelib=str(wheel.get("Root-Is-Purelib", "")).strip().lower() == "true",
    )


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a wheel, each of which stays in its place."""
    found: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in archive.infolist():
        parts = info.filename.rstrip("/").split("/")
        in_place = not (
            info.filename.startswith("/")
            or "\\" in info.filename
            or "\0" in info.orig_filename
            or ":" in parts[0]
            or any(part in {"", ".", ".."} or len(part.encode()) > _LONGEST_NAME for part in parts)
        )
        _check(in_place, path, f"the path {info.filename[:100]!r} in it leaves its place")
        if info.is_dir():
            continue
        _check(info.filename not in found, path, f"{info.filename!r} is in it twice")
        _check(not stat.S_ISLNK(info.external_attr >> 16), path, f"{info.filename!r} is a link")
        total += info.file_size
        found[info.filename] = info
    allowed = min(_LARGEST, max(_RATIO_FROM, _RATIO * path.stat().st_size))
    _check(total <= allowed, path, f"it unpacks to {total} bytes")
    return found


def _dist_info(path: Path, name: WheelName, members: dict[str, zipfile.ZipInfo]) -> str:
    """Return the .dist-info folder; its spelling may differ from the file name's."""
    folders = {member.split("/", 1)[0] for member in members if ".dist-info/" in member}
    folders = {folder for folder in folders if folder.endswith(".dist-info")}
    own = [folder for folder in sorted(folders) if _is_own(folder, name)]
    _check(len(own) == 1, path, f"it has no .dist-info folder of its own, but {sorted(folders)}")
    for file in ("METADATA", "WHEEL", "RECORD"):
        _check(f"{own[0]}/{file}" in members, path, f"it has no {file}")
    return own[0]


def _is_own(folder: str, name: WheelName) -> bool:
    project, _, version = folder.removesuffix(".dist-info").rpartition("-")
    try:
        return canonicalize_name(project) == name.project and Version(version) == name.version
    except InvalidVersion:
        return False


def _check_identity(path: Path, name: WheelName, project: str, version: str) -> None:
    try:
        same = canonicalize_name(project) == name.project and Version(version) == name.version
    except InvalidVersion:
        same = False
    _check(same, path, f"its METADATA is of {project or 'nothing'} {version}")


def _check_tags(path: Path, promised: frozenset[Tag], lines: list[str]) -> None:
    written = frozenset(tag for line in lines for tag in parse_tag(line.strip()))
    difference = ", ".join(sorted(map(str, promised ^ written)))
    _check(not difference, path, f"its name and its WHEEL file differ in tags: {difference}")


def _check_record(
    path: Path, archive: zipfile.ZipFile, folder: str, members: dict[str, zipfile.ZipInfo]
) -> tuple[str, ...]:
    """Hold every file against RECORD; return the paths of those that are binaries."""
    text = archive.read(f"{folder}/RECORD").decode("utf-8")
    rows = {row[0]: row for row in csv.reader(io.StringIO(text)) if row}
    exempt = {f"{folder}/{file}" for file in _UNRECORDED}
    for listed in rows:
        _check(listed in members, path, f"RECORD lists {listed!r}, which is not in it")
    compiled = []
    for member, info in members.items():
        content = archive.read(info)
        if content.startswith(_MAGIC):
            compiled.append(member)
        if member in exempt:
            continue
        _check(member in rows, path, f"{member!r} is not in its RECORD")
        _check(_matches(rows[member], content), path, f"{member!r} is not as its RECORD says")
    return tuple(sorted(compiled))


def _matches(row: list[str], content: bytes) -> bool:
    if len(row) < 3:  # noqa: PLR2004 - path, hash, size
        return False
    algorithm, _, expected = row[1].partition("=")
    if algorithm not in {"sha256", "sha384", "sha512"}:
        return False
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=")
    return digest.decode() == expected.rstrip("=") and (not row[2] or row[2] == str(len(content)))


def import_names(facts: WheelFacts) -> tuple[str, ...]:
    """Return the names that whoever installs a wheel can import: packages and modules at its root.

    Of a namespace package, the shallowest names that hold something.
    """
    roots: dict[str, set[str]] = {}
    for file in facts.files:
        inside = _importable_path(file)
        if inside is None:
            continue
        folder, _, module = inside.rpartition("/")
        roots.setdefault(folder, set()).add(module)
    found: set[str] = set()
    for folder, modules in sorted(roots.items()):
        if folder == "":
            found |= modules - {"__main__"}
        elif not _below(folder, found):
            names = {"" if "__init__" in modules else module for module in modules}
            dotted = folder.replace("/", ".")
            found |= {dotted if not name else f"{dotted}.{name}" for name in names - {"__main__"}}
    return tuple(sorted(name for name in found if not _is_private(name)))


_SUFFIXES = (".py", ".so", ".pyd")
_NOT_FOR_IMPORT = frozenset(
    {
        "tests",
        "test",
        "testing",
        "docs",
        "doc",
        "examples",
        "example",
        "benchmarks",
        "scripts",
        "setup",
        "conftest",
    }
)


def _importable_path(file: str) -> str | None:
    """Return the path of a module without its suffix, relative to where it is installed."""
    parts = file.split("/")
    if parts[0].endswith(".data"):
        if len(parts) < 3 or parts[1] not in {"purelib", "platlib"}:  # noqa: PLR2004
            return None
        parts = parts[2:]
    if parts[0].endswith((".dist-info", ".libs")) or not parts[-1].endswith(_SUFFIXES):
        return None
    parts[-1] = parts[-1].split(".", 1)[0]
    return "/".join(parts) if all(part.isidentifier() for part in parts) else None


def _below(folder: str, found: set[str]) -> bool:
    dotted = folder.replace("/", ".")
    while dotted:
        if dotted in found:
            return True
        dotted = dotted.rpartition(".")[0]
    return False


def _is_private(name: str) -> bool:
    parts = name.split(".")
    return parts[0] in _NOT_FOR_IMPORT or any(part in _NOT_FOR_IMPORT for part in parts[1:])


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Translate what readers of zip archives raise."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise _refusal(path, f"it is damaged: {error}") from error
    except (NotImplementedError, RuntimeError, UnicodeError, csv.Error) as error:
        raise _refusal(path, f"it cannot be read: {error}") from error


def _check(holds: bool, path: Path, otherwise: str) -> None:
    if not holds:
        raise _refusal(path, otherwise)


def _refusal(path: Path, why: str) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"the wheel {path.name} is refused: {why}",
        hint="Its build back end made it; a newer or another one may do better.",
    )
