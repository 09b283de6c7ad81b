"""Platforms and targets: reading, spelling, what runs where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidTargetError
from wheelyard.targets.platform import LINUX_ARCHITECTURES, Platform
from wheelyard.targets.target import Target

PLATFORMS = [
    "linux_x86_64",
    "linux_armv7l",
    "linux_armv6l",
    "linux_riscv64",
    "manylinux_2_5_i686",
    "manylinux_2_17_x86_64",
    "manylinux_2_28_aarch64",
    "manylinux_2_39_riscv64",
    "musllinux_1_1_x86_64",
    "musllinux_1_2_armv7l",
    "macosx_10_13_x86_64",
    "macosx_11_0_arm64",
    "macosx_11_0_universal2",
    "macosx_14_0_arm64",
    "win32",
    "win_amd64",
    "win_arm64",
    "pyodide_2024_0_wasm32",
    "pyemscripten_2026_0_wasm32",
    "emscripten_3_1_58_wasm32",
]


@pytest.mark.parametrize("text", PLATFORMS)
def test_writing_is_the_inverse_of_reading(text: str) -> None:
    assert str(Platform.parse(text)) == text
    assert str(Target.parse(f"cp312-{text}")) == f"cp312-{text}"


@pytest.mark.parametrize(
    ("alias", "spelling"),
    [
        ("manylinux1_x86_64", "manylinux_2_5_x86_64"),
        ("manylinux1_i686", "manylinux_2_5_i686"),
        ("manylinux2010_x86_64", "manylinux_2_12_x86_64"),
        ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
        ("macosx_14_2_arm64", "macosx_14_0_arm64"),
    ],
)
def test_one_platform_has_one_spelling(alias: str, spelling: str) -> None:
    assert Target.parse(f"cp312-{alias}") == Target.parse(f"cp312-{spelling}")
    assert Target.parse(f"cp312-{alias}").platform == spelling


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("linux_amd64", "'linux_x86_64'"),
        ("manylinux_2_28_arm64", "'manylinux_2_28_aarch64'"),
        ("musllinux_1_2_armhf", "'musllinux_1_2_armv7l'"),
        ("manylinux_2_28_x86-64", "'manylinux_2_28_x86_64'"),
        ("manylinux2014", "manylinux"),
        ("manylinux_2014_x86_64", "'manylinux2014_x86_64'"),
        ("manylinux_2_4_x86_64", "manylinux_2_5"),
        ("manylinux_2_12_aarch64", "manylinux_2_17"),
        ("manylinux1_aarch64", "manylinux_2_17"),
        ("manylinux_2_28_armv6l", "armv7l"),
        ("manylinux_2_28_vax", "x86_64"),
        ("musllinux_2_1_x86_64", "musllinux_1_0"),
        ("macosx_10_9_arm64", "macosx_11_0"),
        ("macosx_9_0_x86_64", "macosx_10_4"),
        ("win64", "win"),
        ("win_x86_64", "'win_amd64'"),
        ("macosx_11_0_aarch64", "'macosx_11_0_arm64'"),
        ("windows", "'win_amd64'"),
        ("pyodide_2024_0_wasm64", "wasm32"),
        ("any", "for example"),
        ("LINUX_X86_64", "'linux_x86_64'"),
    ],
)
def test_what_is_no_platform_is_refused_with_the_nearest_one(text: str, hint: str) -> None:
    with pytest.raises(InvalidTargetError) as caught:
        Target.parse(f"cp312-{text}")
    assert repr(text) in caught.value.message
    assert hint in caught.value.hint


def test_a_target_without_platform_takes_the_native_one() -> None:
    assert Target.parse("cp312", "manylinux2014_x86_64") == Target.parse(
        "cp312-manylinux_2_17_x86_64"
    )


@pytest.mark.parametrize(("text", "native"), [("cp312", ""), ("cp312-", "linux_x86_64"), ("", "")])
def test_a_target_that_names_no_platform_is_refused(text: str, native: str) -> None:
    with pytest.raises(InvalidTargetError, match="names no platform"):
        Target.parse(text, native)


@pytest.mark.parametrize("arch", LINUX_ARCHITECTURES)
def test_plain_linux_accepts_every_manylinux_of_its_processor(arch: str) -> None:
    tags = Platform.parse(f"linux_{arch}").tags()
    assert tags[0] == f"linux_{arch}"
    assert {f"manylinux_2_28_{arch}", f"manylinux2014_{arch}"} <= set(tags)
    assert all(tag.endswith(f"_{arch}") for tag in tags)


def test_tags_begin_with_the_most_demanding() -> None:
    assert Platform.parse("manylinux_2_18_x86_64").tags()[:4] == (
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
    )
    assert Platform.parse("manylinux_2_18_aarch64").tags()[-1] == "manylinux2014_aarch64"
    assert Platform.parse("musllinux_1_1_aarch64").tags() == (
        "musllinux_1_1_aarch64",
        "musllinux_1_0_aarch64",
    )


def test_macos_accepts_universal_wheels_and_a_universal_target_nothing_else() -> None:
    arm = Platform.parse("macosx_12_0_arm64").tags()
    assert {"macosx_12_0_arm64", "macosx_11_0_universal2", "macosx_10_9_universal2"} <= set(arm)
    assert "macosx_10_9_x86_64" not in arm
    assert "macosx_10_9_x86_64" in Platform.parse("macosx_12_0_x86_64").tags()
    both = Platform.parse("macosx_12_0_universal2").tags()
    assert "macosx_10_9_universal2" in both
    assert not [tag for tag in both if not tag.endswith("universal2")]


def test_pyodide_accepts_what_its_compiler_made() -> None:
    assert Platform.parse("pyodide_2024_0_wasm32").tags() == (
        "pyodide_2024_0_wasm32",
        "emscripten_3_1_58_wasm32",
    )
    assert Platform.parse("pyodide_2031_7_wasm32").tags() == ("pyodide_2031_7_wasm32",)
    assert Platform.parse("win_amd64").tags() == ("win_amd64",)


def test_platforms_that_differ_in_their_floor_are_of_one_family() -> None:
    def family(text: str) -> tuple[str, str]:
        return Platform.parse(text).family

    assert family("linux_x86_64") == family("manylinux_2_28_x86_64")
    assert family("musllinux_1_1_x86_64") == family("musllinux_1_2_x86_64")
    assert family("manylinux_2_28_x86_64") != family("manylinux_2_28_i686")
    assert family("musllinux_1_1_x86_64") != family("linux_x86_64")
    assert family("pyodide_2024_0_wasm32") != family("pyodide_2025_0_wasm32")


@given(st.text(alphabet="manylinuxuswcopye_0123456789", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        platform = Platform.parse(text)
    except InvalidTargetError:
        return
    assert Platform.parse(str(platform)) == platform
    assert platform.tags()
