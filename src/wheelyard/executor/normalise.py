"""Wheels whose bytes depend on nothing but what is in them.

Members are sorted with the .dist-info folder last, as the wheel format advises, have one time and
one of two modes, and are compressed alike; RECORD is written anew.
"""

import base64
import calendar
import csv
import difflib
import hashlib
import io
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

_EARLIEST = 315532800
_LEVEL = 6
_SIGNATURES = ("/RECORD.jws", "/RECORD.p7s")
_LINES = 20


def normalise_wheel(path: Path, *, epoch: int) -> None:
    """Rewrite a wheel in place; ``epoch`` in seconds becomes the time of every member.

    Doing it twice changes nothing.
    """
    _write(path, _read(path), epoch)


def renumber_wheel(path: Path, out_dir: Path, build: int) -> Path:
    """Write a wheel again under a build number and return its path."""
    contents = _read(path)
    wheel = _own(contents, "WHEEL")
    content, executable = contents[wheel]
    lines = [line for line in content.decode().splitlines() if not line.startswith("Build:")]
    first = next(number for number, line in enumerate(lines) if line.startswith("Tag:"))
    lines.insert(first, f"Build: {build}")
    contents[wheel] = ("\n".join(lines) + "\n").encode(), executable
    project, version, *_, python, abi, platform = path.name.removesuffix(".whl").split("-")
    renumbered = out_dir / f"{project}-{version}-{build}-{python}-{abi}-{platform}.whl"
    with zipfile.ZipFile(path) as archive:
        moment = archive.infolist()[0].date_time
    _write(renumbered, contents, _seconds(moment))
    return renumbered


def difference(first: Path, second: Path) -> str:
    """Say in what two wheels differ, member by member; empty where they hold the same."""
    a, b = _read(first), _read(second)
    told = [f"only in the first: {name}" for name in sorted(a.keys() - b.keys())]
    told += [f"only in the second: {name}" for name in sorted(b.keys() - a.keys())]
    for name in sorted(a.keys() & b.keys()):
        if a[name][0] != b[name][0] and not name.endswith("/RECORD"):
            told.append(_changed(name, a[name][0], b[name][0]))
        elif a[name][1] != b[name][1]:
            told.append(f"{name}: one is executable, the other is not")
    return "\n".join(told)


def _changed(name: str, a: bytes, b: bytes) -> str:
    try:
        lines = difflib.unified_diff(
            a.decode().splitlines(), b.decode().splitlines(), "first", "second", lineterm="", n=1
        )
        return "\n".join([f"{name}:", *list(lines)[:_LINES]])
    except UnicodeDecodeError:
        offset = next(
            (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        return f"{name}: {len(a)} and {len(b)} bytes, different from byte {offset} on"


def _read(path: Path) -> dict[str, tuple[bytes, bool]]:
    """Return each member's bytes, and whether it may be run."""
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: (archive.read(info), bool(info.external_attr >> 16 & 0o100))
            for info in archive.infolist()
            if not info.is_dir()
        }


def _write(path: Path, contents: Mapping[str, tuple[bytes, bool]], epoch: int) -> None:
    record = _own(contents, "RECORD")
    folder = record.rpartition("/")[0]
    names = sorted(contents, key=lambda name: (name.startswith(folder + "/"), name))
    names = [name for name in names if not name.endswith(_SIGNATURES) and name != record]
    moment = time.gmtime(max(epoch, _EARLIEST))[:6]
    whole = path.with_name(path.name + ".new")
    with zipfile.ZipFile(whole, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            content, executable = contents[name]
            _add(archive, name, content, moment, executable=executable)
        _add(archive, record, _record(record, names, contents), moment, executable=False)
    whole.replace(path)


def _own(contents: Mapping[str, object], name: str) -> str:
    """Return the path of a file of the wheel's own .dist-info; packages may hold others, deeper."""
    return next(
        member
        for member in contents
        if member.count("/") == 1 and member.endswith(f".dist-info/{name}")
    )


def _record(record: str, names: list[str], contents: Mapping[str, tuple[bytes, bool]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name in names:
        content = contents[name][0]
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(content)))
    writer.writerow((record, "", ""))
    return text.getvalue().encode()


def _add(
    archive: zipfile.ZipFile,
    name: str,
    content: bytes,
    moment: tuple[int, ...],
    *,
    executable: bool,
) -> None:
    year, month, day, hour, minute, second = moment
    info = zipfile.ZipInfo(name, (year, month, day, hour, minute, second - second % 2))
    info.create_system = 3
    info.external_attr = (0o100755 if executable else 0o100644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content, compresslevel=_LEVEL)


def _seconds(moment: tuple[int, int, int, int, int, int]) -> int:
    return calendar.timegm((*moment, 0, 0, 0))
