"""Which artifact serves which target."""

import sys
import sysconfig

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag, parse_tag, platform_tags, sys_tags

from wheelyard.targets.compatibility import accepts, allows, compatible_tags, serves
from wheelyard.targets.interpreter import Interpreter
from wheelyard.targets.target import Target

FREE_THREADED = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
HERE = Target.parse(
    f"cp3{sys.version_info.minor}{FREE_THREADED}-"
    + next(tag for tag in platform_tags() if tag.startswith(("manylinux", "musllinux", "macosx")))
)
TAGS_HERE = [tag for tag in sys_tags() if not tag.platform.startswith("linux_")]


def wheel_serves(tag: str, target: str, requires_python: str = "") -> bool:
    return serves(parse_tag(tag), requires_python, Target.parse(target))


@pytest.mark.parametrize(
    ("tag", "target", "served"),
    [
        ("py3-none-any", "cp39-linux_x86_64", True),
        ("py2.py3-none-any", "pp310-win_amd64", True),
        ("py2-none-any", "cp39-linux_x86_64", False),
        ("py311-none-any", "cp310-linux_x86_64", False),
        ("py310-none-any", "cp311-linux_x86_64", True),
        ("cp311-none-any", "cp311-linux_x86_64", True),
        ("cp310-none-any", "cp311-linux_x86_64", False),
        ("cp39-cp39-linux_x86_64", "cp39-linux_x86_64", True),
        ("cp39-cp39-linux_x86_64", "cp310-linux_x86_64", False),
        ("cp37-abi3-manylinux2014_x86_64", "cp313-manylinux_2_28_x86_64", True),
        ("cp311-abi3-manylinux2014_x86_64", "cp39-manylinux_2_28_x86_64", False),
        ("cp36-cp36m-manylinux1_x86_64", "cp36-manylinux_2_17_x86_64", True),
        # A free-threaded interpreter loads neither the stable ABI nor its twin's.
        ("cp37-abi3-manylinux2014_x86_64", "cp313t-manylinux_2_28_x86_64", False),
        ("cp313-cp313-manylinux2014_x86_64", "cp313t-manylinux_2_28_x86_64", False),
        ("cp313-cp313t-manylinux2014_x86_64", "cp313t-manylinux_2_28_x86_64", True),
        ("cp313-cp313t-manylinux2014_x86_64", "cp313-manylinux_2_28_x86_64", False),
        ("py3-none-any", "cp313t-manylinux_2_28_x86_64", True),
        ("pp310-pypy310_pp73-manylinux2014_x86_64", "pp310-manylinux_2_28_x86_64", True),
        ("pp39-pypy39_pp73-manylinux2014_x86_64", "pp310-manylinux_2_28_x86_64", False),
        ("cp37-abi3-manylinux2014_x86_64", "pp310-manylinux_2_28_x86_64", False),
        ("pp3-none-any", "pp310-linux_x86_64", True),
        # A floor is a promise: no plain linux, no newer C library, no other C library.
        ("cp312-cp312-manylinux_2_28_x86_64", "cp312-manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux_2_34_x86_64", "cp312-manylinux_2_28_x86_64", False),
        ("cp312-cp312-linux_x86_64", "cp312-manylinux_2_28_x86_64", False),
        ("cp312-cp312-manylinux_2_34_x86_64", "cp312-linux_x86_64", True),
        ("cp312-cp312-musllinux_1_1_x86_64", "cp312-musllinux_1_2_x86_64", True),
        ("cp312-cp312-musllinux_1_2_x86_64", "cp312-musllinux_1_1_x86_64", False),
        ("cp312-cp312-musllinux_1_1_x86_64", "cp312-manylinux_2_34_x86_64", False),
        ("cp312-cp312-manylinux_2_28_x86_64", "cp312-manylinux_2_28_aarch64", False),
        ("py3-none-linux_armv7l", "cp39-linux_armv7l", True),
        ("py3-none-linux_armv7l", "cp313-linux_armv7l", True),
        ("py3-none-linux_armv7l", "cp39-linux_armv6l", False),
        ("cp312-cp312-macosx_10_13_universal2", "cp312-macosx_11_0_arm64", True),
        ("cp312-cp312-macosx_11_0_arm64", "cp312-macosx_11_0_x86_64", False),
        ("cp312-cp312-win_amd64", "cp312-win_amd64", True),
        ("cp312-cp312-win32", "cp312-win_amd64", False),
        ("cp312-cp312-pyodide_2024_0_wasm32", "cp312-pyodide_2024_0_wasm32", True),
        ("cp312-cp312-pyodide_2025_0_wasm32", "cp312-pyodide_2024_0_wasm32", False),
    ],
)
def test_a_wheel_serves_the_targets_that_its_tags_name(
    tag: str, target: str, *, served: bool
) -> None:
    assert wheel_serves(tag, target) is served


@pytest.mark.parametrize(
    ("requires_python", "interpreter", "admitted"),
    [
        ("", "cp39", True),
        (">=3.10", "cp39", False),
        (">=3.10", "cp310", True),
        (">=3.9.2", "cp39", True),
        (">=2.7, !=3.0.*, !=3.1.*", "cp39", True),
        ("<3.12", "cp312", False),
        (">=3.8,<4", "cp313t", True),
        (">=3.8", "pp310", True),
        (">=3.10.*", "cp39", False),
        (">=3.6.*,<4.*", "cp312", True),
        ("!=3.12.*", "cp312", False),
        ("three or so", "cp39", True),
        (">=3.14", "cp315", True),
    ],
)
def test_requires_python_is_asked_of_the_newest_patch(
    requires_python: str, interpreter: str, *, admitted: bool
) -> None:
    assert allows(requires_python, Interpreter.parse(interpreter)) is admitted
    assert wheel_serves("py3-none-any", f"{interpreter}-linux_x86_64", requires_python) is admitted


def test_the_order_of_preference_is_that_of_this_interpreters_installer() -> None:
    assert list(compatible_tags(HERE)) == TAGS_HERE


tag_parts = st.builds(
    Tag,
    st.sampled_from(
        [f"cp3{minor}" for minor in range(6, 15)] + ["py3", "py2", "py311", "py313", "pp310"]
    ),
    st.sampled_from(["none", "abi3", "cp39", "cp311", "cp313", "cp313t", "pypy310_pp73"]),
    st.sampled_from([*dict.fromkeys(tag.platform for tag in TAGS_HERE), "win32", "linux_s390x"]),
)


@given(st.frozensets(tag_parts | st.sampled_from(TAGS_HERE), max_size=4))
def test_a_wheel_serves_this_interpreter_when_its_installer_takes_it(
    tags: frozenset[Tag],
) -> None:
    assert accepts(tags, HERE) is not tags.isdisjoint(TAGS_HERE)


def test_no_tag_is_listed_twice() -> None:
    for text in ("cp36-linux_x86_64", "cp315t-macosx_14_0_arm64", "pp310-musllinux_1_2_aarch64"):
        tags = compatible_tags(Target.parse(text))
        assert len(tags) == len(set(tags))
