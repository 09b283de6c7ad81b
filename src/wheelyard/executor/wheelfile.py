"""What a wheel is, held against what its name and its job promise.

A wheel that is not what it says is refused with the reason; nothing of it is run or unpacked.
"""

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelyard.executor.archive_entries import UnpackLimits
from wheelyard.executor.wheel_archive import (
    checked_entries,
    dist_info_folder,
    open_wheel,
    wheel_refusal,
)
from wheelyard.executor.wheel_content import Content, ContentReader
from wheelyard.model.release import Release
from wheelyard.targets.compatibility import serves
from wheelyard.targets.target import Target
from wheelyard.targets.wheelname import WheelName

_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_HASHES = frozenset({"sha256", "sha384", "sha512"})
_LARGEST_HEADERS = 64 << 20
_CHUNK = 1 << 20
_DASHES = 2
_END_OF_HEADERS = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """What a wheel is. ``files`` are the paths in it, ``compiled`` those that are binaries by their first bytes.

    ``naming_build`` are those in which the path of a build is written: whoever looks for such paths need not
    read all of a wheel again. ``metadata`` are the bytes of its METADATA; ``purelib`` is Root-Is-Purelib.
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
    naming_build: tuple[str, ...]
    purelib: bool


def inspect_wheel(
    path: Path,
    *,
    release: Release | None = None,
    target: Target | None = None,
    limits: UnpackLimits | None = None,
    contents: Mapping[str, Content] | None = None,
) -> WheelFacts:
    """Read a wheel and hold it against its name and its job. Raises InvalidArchiveError.

    ``contents``: what is known of its files from who wrote them; they are not read again.
    """
    name = WheelName.parse(path.name)
    if release is not None:
        _check_release(path, name, release)
    with open_wheel(path) as archive:
        members = checked_entries(path, archive, limits or UnpackLimits())
        folder = _dist_info(path, name, members)
        metadata = archive.read(f"{folder}/METADATA")
        # The description follows the headers, and the parser would go through it, too.
        headers = BytesHeaderParser().parsebytes(_END_OF_HEADERS.split(metadata, maxsplit=1)[0])
        _check_identity(path, name, headers.get("Name", ""), headers.get("Version", ""))
        wheel = BytesHeaderParser().parsebytes(archive.read(f"{folder}/WHEEL"))
        _check_wheel_file(path, name, wheel)
        found = _check_record(path, archive, folder, members, contents or {})
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
        compiled=tuple(sorted(name for name, file in found.items() if file.compiled)),
        naming_build=tuple(name for name, file in found.items() if file.names_build),
        purelib=str(wheel.get("Root-Is-Purelib", "")).strip().lower() == "true",
    )


def _check_release(path: Path, name: WheelName, release: Release) -> None:
    if (name.project, name.version) == (release.project, release.version):
        return
    hint = f"Its source calls itself {name.project}: build that project, or rename it with a patch."
    if name.project == release.project:
        hint = (
            f"Its source says that it is version {name.version}; one that asks git for it can be told "
            "with SETUPTOOLS_SCM_PRETEND_VERSION (or PBR_VERSION) in its environment."
        )
    raise wheel_refusal(path, f"its name is not that of {release}", hint)


def _dist_info(path: Path, name: WheelName, members: dict[str, zipfile.ZipInfo]) -> str:
    """Return the .dist-info folder; its spelling may differ from the file name's."""
    folder = dist_info_folder(path, members)
    _check(_is_own(folder, name), path, f"{folder!r} in it is of another release")
    for file in ("METADATA", "WHEEL", "RECORD"):
        member = members.get(f"{folder}/{file}")
        _check(member is not None, path, f"it has no {file}")
        size = member.file_size if member else 0
        _check(size <= _LARGEST_HEADERS, path, f"its {file} has {size} bytes")
    return folder


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


def _check_wheel_file(path: Path, name: WheelName, wheel: Message) -> None:
    version = str(wheel.get("Wheel-Version", ""))
    _check(version.partition(".")[0] == "1", path, f"its Wheel-Version is {version!r}, not 1.x")
    purelib = str(wheel.get("Root-Is-Purelib", ""))
    known = purelib.strip().lower() in {"true", "false"}
    _check(known, path, f"its Root-Is-Purelib is {purelib!r}, neither true nor false")
    build = str(wheel.get("Build", "")).strip()
    same = build in {"", name.build}
    _check(same, path, f"its name and its WHEEL file differ in the build number: {build!r}")
    _check_tags(path, name.tags, [str(line).strip() for line in wheel.get_all("Tag") or []])


def _check_tags(path: Path, promised: frozenset[Tag], lines: list[str]) -> None:
    for line in lines:
        _check(line.count("-") == _DASHES, path, f"{line[:100]!r} in its WHEEL file is no tag")
    written = frozenset(tag for line in lines for tag in parse_tag(line))
    difference = ", ".join(sorted(map(str, promised ^ written)))
    _check(not difference, path, f"its name and its WHEEL file differ in tags: {difference}")


def _check_record(
    path: Path,
    archive: zipfile.ZipFile,
    folder: str,
    members: dict[str, zipfile.ZipInfo],
    known: Mapping[str, Content],
) -> dict[str, Content]:
    """Hold every file against RECORD; return what was seen in each, in the archive's order."""
    text = archive.read(f"{folder}/RECORD").decode("utf-8")
    rows: dict[str, list[str]] = {}
    for row in csv.reader(io.StringIO(text)):
        if row:
            _check(rows.setdefault(row[0], row) == row, path, f"RECORD lists {row[0]!r} twice")
    exempt = {f"{folder}/{file}" for file in _UNRECORDED}
    for listed in rows:
        _check(listed in members, path, f"RECORD lists {listed!r}, which is not in it")
    contents = {}
    for member, info in members.items():
        recorded = member in rows or member in exempt
        _check(recorded, path, f"{member!r} is not in its RECORD")
        expected = ([*rows.get(member, []), "", ""])[1]
        algorithm = expected.partition("=")[0]
        trusted = algorithm in _HASHES or member in exempt
        _check(trusted, path, f"{member!r} has no hash in its RECORD that can be trusted")
        content = known.get(member)
        if content is None or not content.record.startswith(f"{algorithm}="):
            content = _read(archive, info, algorithm if algorithm in _HASHES else "sha256")
        contents[member] = content
        if member not in exempt:
            size = ([*rows[member], "", ""])[2]
            same = content.record == expected.rstrip("=") and size in {"", str(info.file_size)}
            _check(same, path, f"{member!r} is not as its RECORD says")
    return contents


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, algorithm: str) -> Content:
    reader = ContentReader(algorithm)
    with archive.open(info) as stream:
        while chunk := stream.read(_CHUNK):
            reader.feed(chunk)
    return reader.content()


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
    # mypyc's own module is loaded by those that it was made for, and its name is a hash.
    if parts[-1].endswith("__mypyc"):
        return True
    return parts[0] in _NOT_FOR_IMPORT or any(part in _NOT_FOR_IMPORT for part in parts[1:])


def _check(holds: bool, path: Path, otherwise: str) -> None:
    if not holds:
        raise wheel_refusal(path, otherwise)
