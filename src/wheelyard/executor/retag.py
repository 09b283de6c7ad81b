"""Platform tags of a wheel, written anew: in its name, its WHEEL file and its RECORD.

All else stays as it is, byte for byte and in its order, so that the result depends on the wheel only. It
is not compressed: whoever asks normalises it next, and compressing costs more than all else here.
"""

import base64
import copy
import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

_SIGNATURES = ("/RECORD.jws", "/RECORD.p7s")


def retag(path: Path, out_dir: Path, platforms: Sequence[str]) -> Path:
    """Write a wheel to ``out_dir`` with these platform tags instead of its own; return its path."""
    *_, interpreters, abis, _ = path.name.removesuffix(".whl").split("-")
    return _retag(path, out_dir, (interpreters, abis, platforms))


def retag_as_pure(path: Path, out_dir: Path) -> Path:
    """Write a wheel with nothing compiled to ``out_dir`` as one for any machine; return its path."""
    return _retag(path, out_dir, ("py3", "none", ("any",)))


def _retag(path: Path, out_dir: Path, wanted: tuple[str, str, Sequence[str]]) -> Path:
    interpreters, abis, platforms = wanted
    *first, _, _, _ = path.name.removesuffix(".whl").split("-")
    platform = ".".join(sorted(platforms))
    renamed = out_dir / ("-".join((*first, interpreters, abis, platform)) + ".whl")
    tags = [
        f"{interpreter}-{abi}-{each}"
        for interpreter in interpreters.split(".")
        for abi in abis.split(".")
        for each in sorted(platforms)
    ]
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(renamed, "w") as written:
        changed = _changed(archive, tags)
        for info in archive.infolist():
            # Signatures are of the RECORD that was.
            if not info.filename.endswith(_SIGNATURES):
                content = changed.get(info.filename)
                written.writestr(
                    copy.copy(info),
                    archive.read(info) if content is None else content,
                    compress_type=zipfile.ZIP_STORED,
                )
    return renamed


def _changed(archive: zipfile.ZipFile, tags: Sequence[str]) -> dict[str, bytes]:
    wheel = next(
        name
        for name in archive.namelist()
        if name.endswith(".dist-info/WHEEL") and name.count("/") == 1
    )
    record = wheel.removesuffix("WHEEL") + "RECORD"
    content = _with_tags(archive.read(wheel), tags)
    return {wheel: content, record: _with_digest(archive.read(record), wheel, content)}


def _with_tags(content: bytes, tags: Sequence[str]) -> bytes:
    lines = [line for line in content.decode().splitlines() if line.strip()]
    kept = [line for line in lines if line.partition(":")[0].lower() not in {"tag", "build"}]
    # What was tagged ``any`` says that it is pure, which a wheel for one platform is not.
    pure = str(all(tag.endswith("-any") for tag in tags)).lower()
    kept = [
        f"Root-Is-Purelib: {pure}" if line.lower().startswith("root-is-purelib:") else line
        for line in kept
    ]
    build = [line for line in lines if line.lower().startswith("build:")]
    return "\n".join([*kept, *(f"Tag: {tag}" for tag in tags), *build, ""]).encode()


def _with_digest(record: bytes, member: str, content: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in csv.reader(io.StringIO(record.decode())):
        if row and row[0] == member:
            writer.writerow((member, f"sha256={digest}", len(content)))
        elif row and not row[0].endswith(_SIGNATURES):
            writer.writerow(row)
    return text.getvalue().encode()
