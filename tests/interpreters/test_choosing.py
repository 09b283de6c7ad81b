"""What is said of the Pythons of this machine: which is taken, what each lacks, how others are had."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wheelyard.executor.interpreters import (
    FoundInterpreter,
    MachineInterpreters,
    best_of,
    describe_targets,
    how_to_serve,
    missing,
    native_platform,
)
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target

needs_glibc = pytest.mark.skipif(
    Platform.parse(native_platform()).kind is not PlatformKind.MANYLINUX, reason="needs glibc"
)


def sample(**changes: Any) -> FoundInterpreter:
    one = FoundInterpreter(
        executable=Path("/opt/a/bin/python3.14"),
        target=Target.parse("cp314-manylinux_2_36_x86_64"),
        version="3.14.2",
        prefix=Path("/opt/a"),
        soabi="",
        bits=64,
        has_headers=True,
        has_ctypes=True,
        has_venv=True,
    )
    return replace(one, **changes)


@pytest.mark.parametrize(
    "worse",
    [
        sample(version="3.14.1"),
        sample(version="3.14.2rc1"),
        sample(version="3.14.9", has_headers=False),
        sample(version="3.14.9", conda=True),
    ],
)
def test_of_several_the_newest_that_can_build_is_chosen(worse: FoundInterpreter) -> None:
    better = sample(version="3.14.2", executable=Path("/opt/b/bin/python3.14"))
    assert best_of([worse, better]) == (better,)
    assert best_of([better, worse]) == (better,)


@pytest.mark.parametrize(
    ("wanted", "builds"),
    [
        ("cp314-manylinux_2_36_x86_64", True),
        ("cp314-manylinux_2_17_x86_64", True),
        ("cp314-manylinux_2_39_x86_64", True),
        ("cp314-linux_x86_64", True),
        ("cp314-musllinux_1_2_x86_64", False),
        ("cp314-manylinux_2_36_aarch64", False),
        ("cp314-macosx_11_0_x86_64", False),
        ("cp314t-manylinux_2_36_x86_64", False),
        ("cp313-manylinux_2_36_x86_64", False),
    ],
)
def test_an_interpreter_builds_for_its_own_kind_of_platform(wanted: str, *, builds: bool) -> None:
    machine = MachineInterpreters(found=(sample(),))
    assert (machine.executable(Target.parse(wanted)) is not None) is builds


def test_what_is_missing_names_what_brings_it() -> None:
    assert missing(sample()) == ()
    bare = sample(has_headers=False, has_venv=False, has_ctypes=False)
    headers, venv, ctypes = missing(replace(bare, prefix=Path("/usr")))
    assert "apt install python3.14-dev" in headers
    assert "apt install python3.14-venv" in venv
    assert "libffi" in ctypes
    assert "'/opt/a'" in missing(bare)[0]


def test_the_list_of_targets_says_how_to_get_those_that_are_not_there() -> None:
    rows = {str(row.target.interpreter): row for row in describe_targets([sample()])}
    assert list(rows) == [
        *("cp36m", "cp37m", "cp38", "cp39", "cp310", "cp311", "cp312", "cp313", "cp314", "cp315"),
    ]
    assert rows["cp314"].executable == sample().executable
    assert rows["cp314"].missing == ()
    assert "uv python install 3.13" in rows["cp313"].missing[0]
    assert "pyenv install 3.6" in rows["cp36m"].missing[0]
    assert "uv" not in rows["cp36m"].missing[0]


@pytest.mark.parametrize(
    ("interpreter", "said"),
    [
        ("cp314", "uv python install 3.14, or pyenv"),
        ("cp313t", "uv python install 3.13t, or pyenv"),
        ("pp311", "uv python install pypy3.11"),
        ("cp36m", "pyenv install 3.6"),
        ("py3", "Name the Python that builds it"),
    ],
)
def test_a_python_that_is_not_there_is_named_as_those_name_it_that_bring_it(
    interpreter: str, said: str
) -> None:
    assert said in how_to_serve(Target.parse(interpreter, native_platform()))


@pytest.mark.parametrize("platform", ["win_amd64", "macosx_11_0_arm64", "manylinux_2_28_riscv64"])
def test_no_python_is_offered_for_another_kind_of_machine(platform: str) -> None:
    said = how_to_serve(Target.parse(f"cp312-{platform}"))
    assert native_platform() in said
    assert platform in said
    assert "install" not in said


@needs_glibc
def test_the_native_platform_is_that_of_this_c_library() -> None:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    assert libc is not None
    floor = libc.split()[1].replace(".", "_")
    assert native_platform().startswith(f"manylinux_{floor}_")
    assert shutil.which("ldd")
