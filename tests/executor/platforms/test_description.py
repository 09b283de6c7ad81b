"""Descriptions of platforms are read strictly, and what is wrong in one is named."""

from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError
from wheelyard.executor.platforms.adding import add
from wheelyard.executor.platforms.description import (
    Description,
    Kind,
    known,
    named,
    python_of,
    read,
    shipped,
    targets_of,
)
from wheelyard.targets.target import Target

TEXT = """
name = "own"
kind = "gnu"
architecture = "aarch64"
triple = "aarch64-linux-gnu"
pythons = { "3.11" = "bookworm" }
"""


def changed(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new).encode()


@pytest.mark.parametrize("platform", shipped().values(), ids=shipped())
def test_what_comes_with_wheelyard_leads_to_its_own_targets(platform: Description) -> None:
    assert platform.emulator or platform.kind is Kind.EMSCRIPTEN
    targets = targets_of(platform)
    assert [python_of(one) for one in targets] == list(platform.pythons)
    assert all(platform.is_machine(one) for one in targets)


@pytest.mark.parametrize(
    ("target", "is_it"),
    [
        ("cp311-linux_aarch64", True),
        ("cp311-manylinux_2_28_aarch64", True),
        ("cp311-musllinux_1_2_aarch64", False),
        ("cp311-linux_x86_64", False),
    ],
)
def test_a_platform_is_a_machine_with_glibc(target: str, is_it: bool) -> None:
    assert shipped()["aarch64"].is_machine(Target.parse(target)) is is_it


def test_only_plain_cpython_is_a_python_of_platforms() -> None:
    assert python_of(Target.parse("cp313-linux_aarch64")) == "3.13"
    assert not python_of(Target.parse("cp313t-linux_aarch64"))
    assert not python_of(Target.parse("pp310-linux_aarch64"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (changed("triple", "tripel"), "unknown field `tripel`", "Did you mean 'triple'?"),
        (changed('"aarch64"', '"arch64"'), "'arch64' is no architecture", "platforms.md"),
        (changed('"3.11"', '"311"'), "'311' is no version of Python", "platforms.md"),
        (changed("bookworm", "a folder/x"), "neither a release of Debian nor a path", ""),
        (changed("bookworm", "0.29.5"), "'0.29.5', of Python 3.11, is neither a release", ""),
        (changed("bookworm", "main [trusted=yes]"), "neither a release of Debian", ""),
        (changed("gnu", "clang"), "Invalid enum value 'clang'", ""),
        (changed('"gnu"', '"zig"'), "wants 'zig-target'", ""),
        (changed('"gnu"', '"emscripten"'), "wants 'tag'", ""),
        (changed('"aarch64-linux-gnu"', '"../sh"'), "'../sh' is no triple", ""),
        (changed("own", "../own"), "matching regex", ""),
        (b"name = ", "is no description", ""),
        (b"\xff", "is no description", ""),
    ],
)
def test_what_is_wrong_is_named(text: bytes, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text, "own.toml")
    assert "own.toml is no description of a platform" in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_ones_own_wins_over_what_comes_with_wheelyard(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(changed("own", "aarch64"))
    assert known(tmp_path)["aarch64"].pythons == {"3.11": "bookworm"}
    assert set(known(tmp_path)) == set(shipped())


def test_a_name_that_is_none_gets_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        named("arch64", shipped())
    assert "Did you mean 'aarch64'?" in caught.value.hint


def test_a_platform_that_is_there_is_replaced_only_on_demand(tmp_path: Path) -> None:
    file, folder = tmp_path / "own.toml", tmp_path / "state"
    file.write_text(TEXT)
    add(file, folder)
    file.write_bytes(changed("bookworm", "trixie"))

    with pytest.raises(ConfigurationError, match="'own': you added it before"):
        add(file, folder)
    assert known(folder)["own"].pythons == {"3.11": "bookworm"}
    add(file, folder, replace=True)
    assert known(folder)["own"].pythons == {"3.11": "trixie"}
    assert [one.name for one in folder.iterdir()] == ["own.toml"]


def test_one_that_comes_with_wheelyard_is_replaced_only_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(changed("own", "aarch64"))
    with pytest.raises(ConfigurationError, match="it comes with wheelyard"):
        add(file, tmp_path / "state")
    assert add(file, tmp_path / "state", replace=True).name == "aarch64"


def test_a_broken_description_is_not_added(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(changed("triple", "tripel"))
    with pytest.raises(ConfigurationError):
        add(tmp_path / "own.toml", tmp_path / "state")
    assert not (tmp_path / "state").exists()
