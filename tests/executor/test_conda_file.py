"""Conda packages, honest and otherwise: what is read of them, and why others are refused."""

import bz2
import io
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from wheelyard.errors import InvalidArchiveError, InvalidNameError
from wheelyard.executor.archive_entries import UnpackLimits
from wheelyard.executor.conda_file import inspect_conda
from wheelyard.model.channel import CondaName
from wheelyard.testing.conda_packages import Entry, conda_package, pack

FORMATS = (".conda", ".tar.bz2")


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def link(name: str, target: str) -> dict[str, Entry]:
    return {name: entry(name, tarfile.SYMTYPE, target)}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_package_is_what_it_says(tmp_path: Path, suffix: str) -> None:
    path = conda_package(
        tmp_path,
        "libz-ng",
        "1!2.3.post1",
        "h0_4",
        subdir="linux-64",
        suffix=suffix,
        files={"lib/libz.so.1": b"\x7fELF", "include/z.h": b"//"},
        index={
            "build_number": 4,
            "depends": ["libc >=2"],
            "license": "Zlib",
            "md5": "lies",
            "x": 1,
        },
        about={"summary": "Squeezes", "home": "https://z.example", "channels": "not for people"},
        run_exports={"weak": ["libz-ng >=2.3,<3"]},
    )
    found = inspect_conda(path, subdir="linux-64")
    assert found.place == f"linux-64/libz-ng-1!2.3.post1-h0_4{suffix}"
    assert (found.name, found.version, found.build, found.build_number) == (
        "libz-ng",
        "1!2.3.post1",
        "h0_4",
        4,
    )
    record = json.loads(found.record)
    assert record["depends"] == ["libc >=2"]
    assert record["sha256"] == found.digest.removeprefix("sha256:")
    assert record["md5"] == found.md5 != "lies"
    assert record["size"] == path.stat().st_size
    assert "x" not in record
    assert json.loads(found.about) == {"home": "https://z.example", "summary": "Squeezes"}
    assert json.loads(found.run_exports) == {"weak": ["libz-ng >=2.3,<3"]}


@pytest.mark.parametrize("suffix", FORMATS)
def test_links_within_a_package_are_fine(tmp_path: Path, suffix: str) -> None:
    path = conda_package(
        tmp_path, "liba", suffix=suffix, files={"lib/liba.so.1": b"a", "bin/a": b"b"}
    )
    listed = {"_path": "lib/liba.so", "path_type": "softlink"}
    with_link = {**link("lib/liba.so", "../lib/./liba.so.1")}
    paths = {"paths": [listed, *_paths("lib/liba.so.1", b"a")]}
    again = _with(tmp_path / "again", path.name, {"lib/liba.so.1": b"a", **with_link}, paths)
    assert inspect_conda(again).name == "liba"


def _paths(name: str, content: bytes) -> list[dict[str, Any]]:
    import hashlib

    sha256 = hashlib.sha256(content).hexdigest()
    return [{"_path": name, "path_type": "hardlink", "sha256": sha256, "size_in_bytes": 1}]


def _with(folder: Path, name: str, entries: dict[str, Entry], paths: object) -> Path:
    index = {
        "name": "liba",
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "subdir": "noarch",
        "depends": [],
    }
    about = {"info/index.json": index, "info/paths.json": paths}
    info = {path: json.dumps(said).encode() for path, said in about.items()}
    return pack(folder / name, {**info, **entries})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"name": "libb"}, "its name is 'libb' in info/index.json, and 'liba' outside"),
        ({"version": "1.1"}, "its version is '1.1'"),
        ({"build": "1"}, "its build is '1'"),
        ({"subdir": "linux-64"}, "its subdir is 'linux-64'"),
        ({"subdir": "../evil"}, "its subdir is '../evil'"),
        ({"build_number": -1}, "info/index.json cannot be read"),
        ({"build_number": "0"}, "info/index.json cannot be read"),
        ({"depends": "python"}, "info/index.json cannot be read"),
        ({"depends": ["python\nsix"]}, "which is more than a line"),
        ({"depends": [""]}, "info/index.json cannot be read"),
        ({"timestamp": 1 << 60}, "info/index.json cannot be read"),
        ({"license": "x" * 3000}, "info/index.json cannot be read"),
    ],
)
def test_a_package_that_says_something_else_is_refused(
    tmp_path: Path, suffix: str, index: dict[str, Any], message: str
) -> None:
    path = conda_package(tmp_path, "liba", suffix=suffix, index=index)
    with pytest.raises(InvalidArchiveError, match=re.escape(message)):
        inspect_conda(path, subdir="noarch")


def test_a_subdir_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba", subdir="linux-9000")
    with pytest.raises(InvalidArchiveError, match="there is no subdir 'linux-9000'"):
        inspect_conda(path)


def test_a_package_for_every_platform_is_for_no_single_one(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba", subdir="linux-64", index={"noarch": "python"})
    with pytest.raises(InvalidArchiveError, match="for every platform, as it says"):
        inspect_conda(path)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"../evil": b"x"}, "has a path that leaves its place"),
        ({"/etc/evil": b"x"}, "has an absolute path"),
        ({"lib\\..\\evil": b"x"}, "has a backslash or a drive in its path"),
        ({"C:evil": b"x"}, "has a backslash or a drive in its path"),
        (link("lib/evil", "../../etc/passwd"), "is a link to '../../etc/passwd', outside"),
        (link("evil", "/etc/passwd"), "is a link to '/etc/passwd', outside"),
        (link("evil", "a/../../x"), "is a link to 'a/../../x', outside"),
        ({**link("evil", "share"), "evil/x": b"x"}, "lies below 'evil', which is no folder"),
        ({"a": b"x", "a/b": b"x"}, "lies below 'a', which is no folder"),
        ({"evil": entry("evil", tarfile.CHRTYPE)}, "is a device, a pipe or a sparse file"),
        (
            {"evil": entry("evil", tarfile.LNKTYPE, "nothing")},
            "a hard link to 'nothing', which is no",
        ),
        ({"more": b"x"}, "is not in info/paths.json"),
    ],
)
def test_an_entry_that_is_not_for_a_package_is_refused(
    tmp_path: Path, suffix: str, extra: dict[str, Entry], message: str
) -> None:
    path = conda_package(tmp_path, "liba", suffix=suffix, extra=extra)
    with pytest.raises(InvalidArchiveError, match=re.escape(message)):
        inspect_conda(path)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([], "'lib/a' is not in info/paths.json"),
        ([*_paths("lib/a", b"a"), *_paths("lib/b", b"b")], "and not in the package"),
        (_paths("lib/a", b"b"), "has other bytes than info/paths.json says"),
        ([{"_path": "lib/a", "size_in_bytes": 7}], "has other bytes than info/paths.json says"),
        ("nothing", "info/paths.json cannot be read"),
    ],
)
def test_a_list_of_files_that_lies_is_refused(
    tmp_path: Path, suffix: str, listed: object, message: str
) -> None:
    path = _with(tmp_path, f"liba-1.0-0{suffix}", {"lib/a": b"a"}, {"paths": listed})
    with pytest.raises(InvalidArchiveError, match=re.escape(message)):
        inspect_conda(path)


@pytest.mark.parametrize(
    "name",
    [
        *("liba-1.0.conda", "liba.conda", "liba-1.0-0.zip", "LibA-1.0-0.conda", "-1.0-0.conda"),
        *("liba-1 0-0.conda", "liba-1.0-0.tar.gz", "a/b-1-0.conda", "liba-..-0.conda", "x" * 300),
        *("liba-1..2-0.conda", "liba-x!1-0.conda", "liba-1+-0.conda", ".liba-1-0.conda"),
        'liba-1.0-"x".conda',
    ],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        CondaName.parse(name)


def test_a_name_is_read_from_its_end() -> None:
    name = CondaName.parse("a-b-c-1.0-py312_0.tar.bz2")
    assert (name.name, name.version, name.build) == ("a-b-c", "1.0", "py312_0")
    assert str(name) == "a-b-c-1.0-py312_0.tar.bz2"


@pytest.mark.parametrize("suffix", FORMATS)
def test_bytes_that_are_no_package_are_refused(tmp_path: Path, suffix: str) -> None:
    honest = conda_package(tmp_path, "liba", suffix=suffix).read_bytes()
    for number, content in enumerate((b"", b"junk" * 99, honest[: len(honest) // 2], honest[:-9])):
        path = tmp_path / str(number) / f"liba-1.0-0{suffix}"
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(InvalidArchiveError):
            inspect_conda(path)


def _outer(path: Path, parts: dict[str, bytes], *, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def _inner(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": b"x"}, "lists 4 parts"),
        ({"metadata.json": b'{"conda_pkg_format_version": 3}'}, "that the format is 2"),
        ({"metadata.json": b"junk"}, "that the format is 2"),
        ({"info-liba-1.0-0.tar.zst": b"junk"}, "cannot be read"),
        ({"info-liba-1.0-0.tar.zst": None}, "lists 2 parts"),
        ({"info-liba-1.0-0.tar.zst": None, "other": b""}, "and not metadata.json"),
    ],
)
def test_the_parts_of_a_package_are_three(
    tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    path = conda_package(tmp_path, "liba")
    parts = {**_inner(path), **change}
    _outer(path, {name: content for name, content in parts.items() if content is not None})
    with pytest.raises(InvalidArchiveError, match=message):
        inspect_conda(path)


def test_a_list_of_parts_that_fills_the_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba")
    honest = path.read_bytes()
    end = honest[-22:]
    huge = end[:12] + (1 << 30).to_bytes(4, "little") + end[16:]
    locator = b"PK\6\7" + bytes(16)
    for content in (honest[:-22] + huge, honest[:-22] + locator + end, honest + b"comment"):
        path.write_bytes(content)
        with pytest.raises(InvalidArchiveError, match=r"parts in|cut short"):
            inspect_conda(path)


def test_parts_that_are_compressed_again_are_refused(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba")
    _outer(path, _inner(path), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(InvalidArchiveError, match="is not stored as it is"):
        inspect_conda(path)


def test_what_is_about_a_package_is_in_its_own_part(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba")
    parts = _inner(path)
    info, packed = "info-liba-1.0-0.tar.zst", "pkg-liba-1.0-0.tar.zst"
    _outer(path, {**parts, info: parts[packed], packed: parts[info]})
    with pytest.raises(InvalidArchiveError, match="where it does not belong"):
        inspect_conda(path)


def test_a_second_archive_after_the_first_is_refused(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba")
    parts = _inner(path)
    name = "pkg-liba-1.0-0.tar.zst"
    _outer(path, {**parts, name: parts[name] + parts[name]})
    with pytest.raises(InvalidArchiveError, match="goes on after its end"):
        inspect_conda(path)
    old = conda_package(tmp_path, "liba", suffix=".tar.bz2")
    old.write_bytes(old.read_bytes() * 2)
    with pytest.raises(InvalidArchiveError, match="goes on after its end"):
        inspect_conda(old)


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for content in (b'{"name": "liba"}', b'{"name": "libb"}'):
            info = tarfile.TarInfo("info/index.json")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path = tmp_path / "liba-1.0-0.tar.bz2"
    path.write_bytes(bz2.compress(packed.getvalue()))
    with pytest.raises(InvalidArchiveError, match="is there twice"):
        inspect_conda(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_bomb_stops_where_the_limits_end(tmp_path: Path, suffix: str) -> None:
    path = conda_package(tmp_path, "liba", suffix=suffix, files={"bomb": bytes(1 << 20)})
    assert path.stat().st_size < 10_000
    limits = UnpackLimits(ratio=10, ratio_free_bytes=100_000)
    with pytest.raises(InvalidArchiveError, match="unpacks to more than"):
        inspect_conda(path, limits=limits)
    with pytest.raises(InvalidArchiveError, match="has more than 2 entries"):
        inspect_conda(path, limits=UnpackLimits(entries=2))


def test_what_is_about_a_package_is_small(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba", about={"description": "x" * (2 << 20)})
    with pytest.raises(InvalidArchiveError, match="more than 1048576"):
        inspect_conda(path)


def test_a_window_that_only_takes_memory_is_refused(tmp_path: Path) -> None:
    path = conda_package(tmp_path, "liba")
    parts, name = _inner(path), "pkg-liba-1.0-0.tar.zst"
    content = zstandard.ZstdDecompressor().decompress(parts[name])
    wide = zstandard.ZstdCompressionParameters(window_log=30, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    _outer(path, {**parts, name: compressor.compress(content) + compressor.flush()})
    with pytest.raises(InvalidArchiveError, match="cannot be read"):
        inspect_conda(path)


def test_nesting_is_no_way_to_a_traceback(tmp_path: Path) -> None:
    deep = b'{"name": ' + b"[" * 100_000
    path = pack(tmp_path / "liba-1.0-0.conda", {"info/index.json": deep})
    with pytest.raises(InvalidArchiveError, match="cannot be read"):
        inspect_conda(path)
