"""Small conda packages, made without conda: honest ones, and whatever else a test wants in them."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Entry = bytes | tarfile.TarInfo
"""A file's bytes, or an entry that is something else: a link, a device."""


def conda_package(  # noqa: PLR0913 - what a package says, by name
    folder: Path,
    name: str,
    version: str = "1.0",
    build: str = "0",
    *,
    subdir: str = "noarch",
    suffix: str = ".conda",
    files: Mapping[str, bytes] | None = None,
    index: Mapping[str, Any] | None = None,
    about: Mapping[str, str] | None = None,
    run_exports: Mapping[str, Any] | None = None,
    extra: Mapping[str, Entry] | None = None,
) -> Path:
    """Write a package to ``folder`` and return its path.

    ``index`` changes what index.json says; ``extra`` are entries that its paths.json does not list.
    """
    content = {"share/NAME.txt".replace("NAME", name): name.encode()} if files is None else files
    said = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "subdir": subdir,
        "depends": [],
        **({"noarch": "generic"} if subdir == "noarch" else {}),
        **(index or {}),
    }
    described = {
        "info/index.json": said,
        "info/about.json": about or {},
        "info/paths.json": {
            "paths": [_listed(*one) for one in content.items()],
            "paths_version": 1,
        },
    }
    if run_exports is not None:
        described["info/run_exports.json"] = run_exports
    info = {path: json.dumps(one).encode() for path, one in described.items()}
    others = dict(extra or {})
    return pack(folder / f"{name}-{version}-{build}{suffix}", {**info, **content, **others})


def pack(path: Path, entries: Mapping[str, Entry]) -> Path:
    """Write these very entries as a package in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.name.endswith(".conda"):
        with tarfile.open(path, "w:bz2") as archive:
            _fill(archive, entries)
        return path
    import zstandard

    stem = path.name.removesuffix(".conda")
    compressor = zstandard.ZstdCompressor()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as outer:
        _put(outer, "metadata.json", b'{"conda_pkg_format_version": 2}')
        for part, inside in (("pkg", False), ("info", True)):
            chosen = {
                name: entry for name, entry in entries.items() if name.startswith("info/") is inside
            }
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                _fill(archive, chosen)
            _put(outer, f"{part}-{stem}.tar.zst", compressor.compress(packed.getvalue()))
    return path


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # The same entries make the same bytes.
    archive.writestr(zipfile.ZipInfo(name), content)


def _fill(archive: tarfile.TarFile, entries: Mapping[str, Entry]) -> None:
    for name, entry in entries.items():
        if isinstance(entry, tarfile.TarInfo):
            archive.addfile(entry)
            continue
        info = tarfile.TarInfo(name)
        info.size = len(entry)
        archive.addfile(info, io.BytesIO(entry))


def _listed(path: str, content: bytes) -> dict[str, Any]:
    return {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
