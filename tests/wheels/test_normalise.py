import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.normalise import normalise_wheel, renumber_wheel
from wheelyard.executor.wheelfile import inspect_wheel

Write = Callable[..., Path]
Install = Callable[[Path], Path]

EPOCH = 1_700_000_000
FILES = {"demo/__init__.py": b"x = 1\n", "demo/big": bytes(range(256)) * 9000, "a.py": b""}


def test_equal_content_gives_equal_bytes(write_wheel: Write) -> None:
    first = write_wheel(files=FILES, folder="first")
    second = write_wheel(files=dict(reversed(FILES.items())), folder="second")
    with zipfile.ZipFile(second, "a", zipfile.ZIP_STORED) as archive:
        archive.comment = b"made on a monday"
    assert first.read_bytes() != second.read_bytes()
    for wheel in (first, second):
        normalise_wheel(wheel, epoch=EPOCH)
    assert first.read_bytes() == second.read_bytes()


def test_twice_is_the_same_as_once(write_wheel: Write) -> None:
    wheel = write_wheel(files=FILES)
    normalise_wheel(wheel, epoch=EPOCH)
    once = wheel.read_bytes()
    normalise_wheel(wheel, epoch=EPOCH)
    assert wheel.read_bytes() == once
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]


def test_dist_info_comes_last_and_record_at_the_end(write_wheel: Write) -> None:
    files = {"zz.py": b"", "demo-1.0.data/scripts/run": b"#!python\n", "demo-1.0.dist-info/a": b""}
    wheel = write_wheel(files=files)
    normalise_wheel(wheel, epoch=EPOCH)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        times = {entry.date_time for entry in archive.infolist()}
    assert names == [
        "demo-1.0.data/scripts/run",
        "zz.py",
        "demo-1.0.dist-info/METADATA",
        "demo-1.0.dist-info/WHEEL",
        "demo-1.0.dist-info/a",
        "demo-1.0.dist-info/RECORD",
    ]
    assert times == {(2023, 11, 14, 22, 13, 20)}


@pytest.mark.parametrize("epoch", [0, -1, 99_999_999_999])
def test_time_that_no_zip_can_name_becomes_the_first_it_can(write_wheel: Write, epoch: int) -> None:
    wheel = write_wheel()
    normalise_wheel(wheel, epoch=epoch)
    with zipfile.ZipFile(wheel) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_only_the_executable_bit_is_kept(write_wheel: Write) -> None:
    script, secret = zipfile.ZipInfo("demo-1.0.data/scripts/run"), zipfile.ZipInfo("demo/secret")
    script.external_attr, secret.external_attr = 0o104777 << 16, 0o100600 << 16
    wheel = write_wheel(extra=[(script, b"#!python\n"), (secret, b"")])
    normalise_wheel(wheel, epoch=EPOCH)
    with zipfile.ZipFile(wheel) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes["demo-1.0.data/scripts/run"] == 0o100755
    assert modes["demo/secret"] == 0o100644


def test_record_is_made_true_and_signatures_go(write_wheel: Write) -> None:
    signature = (zipfile.ZipInfo("demo-1.0.dist-info/RECORD.jws"), b"{}")
    wheel = write_wheel(record=lambda _: "nonsense\n", extra=[signature])
    normalise_wheel(wheel, epoch=EPOCH)
    assert "demo-1.0.dist-info/RECORD.jws" not in inspect_wheel(wheel).files


def test_wheel_that_leaves_its_place_is_not_rewritten(write_wheel: Write) -> None:
    wheel = write_wheel(extra=[(zipfile.ZipInfo("../evil"), b"")])
    before = wheel.read_bytes()
    with pytest.raises(InvalidArchiveError):
        normalise_wheel(wheel, epoch=EPOCH)
    assert wheel.read_bytes() == before
    assert len(list(wheel.parent.iterdir())) == 1


def test_build_number_is_in_name_and_content(
    write_wheel: Write, tmp_path: Path, install: Install
) -> None:
    wheel = write_wheel()
    numbered = renumber_wheel(wheel, tmp_path, 7)
    assert numbered.name == "demo-1.0-7-py3-none-any.whl"
    assert inspect_wheel(numbered).build == "7"
    again = renumber_wheel(numbered, tmp_path, 12)
    assert again.name == "demo-1.0-12-py3-none-any.whl"
    with zipfile.ZipFile(again) as archive:
        assert archive.read("demo-1.0.dist-info/WHEEL").count(b"Build: ") == 1
    assert (install(again) / "demo" / "__init__.py").read_bytes() == b"x = 1\n"


@pytest.mark.parametrize("lost", ["wheel", "metadata"])
def test_wheel_without_its_own_files_is_an_answer_and_not_a_crash(
    write_wheel: Write, tmp_path: Path, lost: str
) -> None:
    wheel = write_wheel(info="demo", **{lost: "absent"})
    with pytest.raises(InvalidArchiveError, match="dist-info"):
        normalise_wheel(wheel, epoch=EPOCH)
    with pytest.raises(InvalidArchiveError, match="dist-info"):
        renumber_wheel(wheel, tmp_path, 1)
    wheel.write_bytes(b"no archive")
    with pytest.raises(InvalidArchiveError, match="damaged"):
        normalise_wheel(wheel, epoch=EPOCH)
