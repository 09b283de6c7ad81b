"""What a platform takes and is not there is named with the package that has it."""

from pathlib import Path

import pytest

from wheelyard.executor.platforms import missing
from wheelyard.executor.platforms.description import shipped

PROGRAMS = ("arm-linux-gnueabihf-gcc", "apt-get", "dpkg", "qemu-arm-static")


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a compiler half installed: PATH leads to these programs alone."""
    for name in PROGRAMS:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_half_of_a_toolchain_is_one_line_of_apt(only: Path) -> None:
    absent = missing.of_compilers(shipped()["armv7l"])

    assert [one.what for one in absent] == ["arm-linux-gnueabihf-g++", "arm-linux-gnueabihf-ar"]
    assert (
        missing.how_to_have(absent)
        == "apt install g++-arm-linux-gnueabihf binutils-arm-linux-gnueabihf"
    )


def test_zig_takes_no_compiler_of_debians(only: Path) -> None:
    assert missing.of_compilers(shipped()["armv7l-zig"]) == ()


def test_an_emulator_is_missing_where_none_of_its_names_is_there(only: Path) -> None:
    assert missing.of_emulator(shipped()["armv7l"]) == ()
    absent = missing.of_emulator(shipped()["s390x"])
    assert missing.how_to_have(absent) == "apt install qemu-user-static"


def test_pyodide_names_all_that_emscripten_node_and_pyodide_take(
    only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(only))
    (only / "apt-get").unlink()
    absent = missing.of_all(shipped()["pyodide"])

    assert [one.what for one in absent][:2] == ["uv", "apt-get"]
    assert missing.how_to_have([absent[1], absent[0]]) == "apt install apt; pip install uv"
    assert missing.how_to_have(absent).endswith("; pip install uv")
    (only / "uv").write_text("#!/bin/sh\n")
    (only / "uv").chmod(0o755)
    assert "uv" not in [one.what for one in missing.of_all(shipped()["pyodide"])]


def test_a_package_is_called_as_debian_does() -> None:
    names = {name: missing.package_of(one, "g++") for name, one in shipped().items()}
    assert names["ppc64le"] == "g++-powerpc64le-linux-gnu"
    assert names["i686"] == "g++-i686-linux-gnu"


def test_what_unpacks_sysroots_is_missing_only_where_debians_are_wanted(only: Path) -> None:
    (only / "dpkg").unlink()
    assert "dpkg" in [one.package for one in missing.of_sysroots(shipped()["aarch64"])]
