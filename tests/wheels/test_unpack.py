import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import EARLIEST_EPOCH, UnpackLimits
from wheelyard.executor.unpack import unpack_source

PROJECT = ("demo-1.0/setup.py", b"print('hello')\n")
LIMITS = UnpackLimits()

Write = Callable[..., Path]


def header(name: str, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return header(name, type=kind, linkname=target), b""


def refused(archive: Path, tmp_path: Path, limits: UnpackLimits = LIMITS) -> str:
    with pytest.raises(InvalidArchiveError) as caught:
        unpack_source(archive, tmp_path / "out" / "tree", limits=limits)
    assert caught.value.hint
    inside = tmp_path / "out" / "tree"
    assert [path for path in (tmp_path / "out").rglob("*") if not path.is_relative_to(inside)] == []
    return caught.value.message


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
def test_tar_of_each_compression_is_told_by_its_bytes(
    write_tar: Write, tmp_path: Path, mode: str
) -> None:
    archive = write_tar(PROJECT, mode=mode, name="0123abcd")
    folder = unpack_source(archive, tmp_path / "out", limits=LIMITS)
    assert folder == tmp_path / "out" / "demo-1.0"
    assert (folder / "setup.py").read_bytes() == PROJECT[1]


def test_zip_is_unpacked(write_zip: Write, tmp_path: Path) -> None:
    folder = unpack_source(write_zip(PROJECT), tmp_path / "out", limits=LIMITS)
    assert (folder / "setup.py").read_bytes() == PROJECT[1]


def test_zip_that_hides_in_a_tar_is_not_taken_for_a_zip(write_tar: Write, tmp_path: Path) -> None:
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("evil-1.0/setup.py", b"")
    path = write_tar(PROJECT, ("demo-1.0/data.zip", hidden.getvalue()), mode="w")
    assert unpack_source(path, tmp_path / "out", limits=LIMITS).name == "demo-1.0"


def test_zstd_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "demo.tar.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 300)
    assert "zstd" in refused(path, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../evil",
        "demo-1.0/../../evil",
        "demo-1.0/" + "x" * 300,
        "demo-1.0" + "/d" * 700,
    ],
)
def test_entry_that_leaves_its_place_is_refused_by_name(
    write_tar: Write, tmp_path: Path, name: str
) -> None:
    assert name[:40] in refused(write_tar(PROJECT, (name, b"")), tmp_path)


@pytest.mark.parametrize("name", ["..\\evil", "C:/evil", "C:evil", "demo-1.0\\setup.cfg"])
def test_zip_entry_for_another_system_is_refused(
    write_zip: Write, tmp_path: Path, name: str
) -> None:
    entry = zipfile.ZipInfo()
    entry.filename = entry.orig_filename = name
    assert "backslash or a drive" in refused(write_zip(PROJECT, (entry, b"")), tmp_path)


def test_name_with_nul_is_refused(write_zip: Write, tmp_path: Path) -> None:
    path = write_zip(PROJECT, ("demo-1.0/aXb.py", b""))
    path.write_bytes(path.read_bytes().replace(b"aXb.py", b"a\0b.py"))
    assert "NUL" in refused(path, tmp_path)


def test_nul_in_an_extended_tar_name_is_refused(write_tar: Write, tmp_path: Path) -> None:
    evil = header("demo-1.0/x", pax_headers={"path": "demo-1.0/a\0b"})
    assert "NUL" in refused(write_tar(PROJECT, (evil, b"")), tmp_path)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../evil", "../other/x", ".."])
def test_link_that_leaves_the_project_is_refused(
    write_tar: Write, tmp_path: Path, target: str
) -> None:
    assert "leaves its place" in refused(write_tar(PROJECT, link("demo-1.0/l", target)), tmp_path)


def test_chain_of_links_that_leaves_together_is_refused(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(
        PROJECT,
        ("demo-1.0/a/b/c.py", b""),
        link("demo-1.0/deep", "a/b"),
        link("demo-1.0/a/b/up", "../../.."),
    )
    assert "leaves its place" in refused(archive, tmp_path)


def test_nothing_is_written_through_a_link(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, link("demo-1.0/l", "a"), ("demo-1.0/l/x.py", b"evil"))
    assert "'demo-1.0/l/x.py'" in refused(archive, tmp_path)


def test_links_that_only_leave_once_all_are_there_write_nothing_outside(
    write_tar: Write, tmp_path: Path
) -> None:
    victim = tmp_path / "out" / "victim"
    victim.mkdir(parents=True)
    archive = write_tar(
        PROJECT,
        link("demo-1.0/out", "s/s/s/../../../victim"),
        link("demo-1.0/s", "."),
        link("demo-1.0/out/evil", "demo-1.0/setup.py", tarfile.LNKTYPE),
    )
    with pytest.raises(InvalidArchiveError):
        unpack_source(archive, tmp_path / "out" / "tree", limits=LIMITS)
    assert list(victim.iterdir()) == []


def test_link_that_leaves_once_another_is_there_is_refused(
    write_tar: Write, tmp_path: Path
) -> None:
    archive = write_tar(
        PROJECT, link("demo-1.0/out", "s/s/s/../../../victim"), link("demo-1.0/s", ".")
    )
    assert "'demo-1.0/out'" in refused(archive, tmp_path)


def test_link_inside_of_the_project_is_kept(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, link("demo-1.0/docs/l.py", "../setup.py"))
    folder = unpack_source(archive, tmp_path / "out", limits=LIMITS)
    assert (folder / "docs" / "l.py").read_bytes() == PROJECT[1]


def test_hard_link_is_a_copy_of_an_earlier_file(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, link("demo-1.0/h.py", "demo-1.0/setup.py", tarfile.LNKTYPE))
    folder = unpack_source(archive, tmp_path / "out", limits=LIMITS)
    assert (folder / "h.py").read_bytes() == PROJECT[1]
    assert (folder / "h.py").stat().st_nlink == 1


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "demo-1.0/absent"])
def test_hard_link_to_anything_else_is_refused(
    write_tar: Write, tmp_path: Path, target: str
) -> None:
    refused(write_tar(PROJECT, link("demo-1.0/h", target, tarfile.LNKTYPE)), tmp_path)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_device_is_refused(write_tar: Write, tmp_path: Path, kind: bytes) -> None:
    assert "device" in refused(write_tar(PROJECT, (header("demo-1.0/d", type=kind), b"")), tmp_path)


def test_modes_keep_only_the_executable_bit(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(
        (header("demo-1.0", type=tarfile.DIRTYPE, mode=0o7777), b""),
        (header("demo-1.0/run", mode=0o6777), b""),
        (header("demo-1.0/secret", mode=0o000), b""),
    )
    folder = unpack_source(archive, tmp_path / "out", limits=LIMITS)
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "run", folder / "secret")
    ]
    assert modes == [0o755, 0o755, 0o644]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1_000_000_000, 1_000_000_000),
        (0, EARLIEST_EPOCH),
        (-5, EARLIEST_EPOCH),
        (9e9, EARLIEST_EPOCH),
    ],
)
def test_times_are_kept_where_a_zip_can_name_them(
    write_tar: Write, tmp_path: Path, given: float, kept: int
) -> None:
    archive = write_tar((header("demo-1.0/setup.py", mtime=given), b""))
    folder = unpack_source(archive, tmp_path / "out", limits=LIMITS)
    assert (folder / "setup.py").stat().st_mtime == kept


def test_bomb_stops_at_the_limit_and_not_at_its_end(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, ("demo-1.0/zeros", b"\0" * 3_000_000))
    limits = UnpackLimits(ratio=10, ratio_free_bytes=1_000_000)
    assert "bomb" not in refused(archive, tmp_path, limits)
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written <= 1_000_000


def test_zip_bomb_is_refused(write_zip: Write, tmp_path: Path) -> None:
    limits = UnpackLimits(ratio=10, ratio_free_bytes=1_000_000)
    message = refused(write_zip(PROJECT, ("demo-1.0/zeros", b"\0" * 3_000_000)), tmp_path, limits)
    assert "'demo-1.0/zeros'" in message


def test_bomb_in_an_extended_header_is_refused(write_tar: Write, tmp_path: Path) -> None:
    evil = header("demo-1.0/x", pax_headers={"comment": "x" * 3_000_000})
    assert "header" in refused(write_tar(PROJECT, (evil, b"")), tmp_path)


def test_too_many_entries_are_refused(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(*((f"demo-1.0/{n}", b"") for n in range(20)))
    assert "more than 10 entries" in refused(archive, tmp_path, UnpackLimits(entries=10))


def test_file_twice_counts_once_while_both_are_the_same(write_tar: Write, tmp_path: Path) -> None:
    unpack_source(write_tar(PROJECT, PROJECT), tmp_path / "out", limits=LIMITS)
    other = write_tar(PROJECT, (PROJECT[0], b"evil"))
    assert "twice" in refused(other, tmp_path / "again")


def test_file_that_is_a_folder_too_is_refused(write_tar: Write, tmp_path: Path) -> None:
    refused(write_tar(PROJECT, ("demo-1.0/setup.py/x", b"")), tmp_path)


def test_archive_that_is_cut_short_is_refused(write_tar: Write, tmp_path: Path) -> None:
    for mode in ("w:gz", "w:bz2", "w:xz", "w"):
        archive = write_tar(PROJECT, ("demo-1.0/noise", os.urandom(50_000)), mode=mode)
        archive.write_bytes(archive.read_bytes()[:30_000])
        refused(archive, tmp_path / mode.replace(":", ""))


def test_corrupt_header_is_not_taken_for_the_end(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, ("demo-1.0/second.py", b""), mode="w")
    archive.write_bytes(archive.read_bytes().replace(b"second.py", b"sEcond.py"))
    refused(archive, tmp_path)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate([b"", b"<html>not found</html>", b"PK\x03\x04", b"\x1f\x8b"]):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        refused(path, tmp_path / f"in-{number}")


def test_encrypted_zip_is_refused(write_zip: Write, tmp_path: Path) -> None:
    path = write_zip(PROJECT)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refused(path, tmp_path)


def test_link_in_a_zip_is_held_to_the_same_rules(write_zip: Write, tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("demo-1.0/l")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "leaves its place" in refused(write_zip(PROJECT, (entry, b"/etc/passwd")), tmp_path)


def test_project_without_a_top_folder_is_found_by_its_files(
    write_tar: Write, tmp_path: Path
) -> None:
    flat = write_tar(("pyproject.toml", b""), ("src/x.py", b""))
    assert unpack_source(flat, tmp_path / "flat", limits=LIMITS) == tmp_path / "flat"
    stray = write_tar(PROJECT, ("notes/x.txt", b""))
    assert unpack_source(stray, tmp_path / "stray", limits=LIMITS).name == "demo-1.0"


def test_several_projects_in_one_archive_are_refused(write_tar: Write, tmp_path: Path) -> None:
    archive = write_tar(PROJECT, ("other-1.0/setup.py", b""))
    assert "'demo-1.0', 'other-1.0'" in refused(archive, tmp_path)
