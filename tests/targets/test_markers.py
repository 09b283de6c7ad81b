"""The marker environment of a target."""

import sys

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import platform_tags

from wheelyard.targets.markers import marker_environment
from wheelyard.targets.target import Target


@pytest.mark.parametrize(
    ("target", "marker", "true"),
    [
        ("cp312-linux_x86_64", "sys_platform == 'linux'", True),
        ("cp312-musllinux_1_2_aarch64", "platform_machine == 'aarch64'", True),
        ("cp312-macosx_11_0_arm64", "platform_system == 'Darwin' and os_name == 'posix'", True),
        ("cp312-macosx_11_0_universal2", "platform_machine == 'arm64'", True),
        ("cp312-win_amd64", "os_name == 'nt' and platform_machine == 'AMD64'", True),
        ("cp312-win32", "sys_platform == 'win32' and platform_machine == 'x86'", True),
        ("cp312-pyodide_2024_0_wasm32", "sys_platform == 'emscripten'", True),
        ("cp312-linux_x86_64", "sys_platform == 'win32'", False),
        ("cp39-linux_x86_64", "python_version < '3.10'", True),
        ("cp310-linux_x86_64", "python_version < '3.9'", False),
        ("cp311-linux_x86_64", "python_full_version < '3.11.3'", False),
        ("pp310-linux_x86_64", "platform_python_implementation == 'PyPy'", True),
        ("pp310-linux_x86_64", "implementation_name == 'cpython'", False),
        ("cp313t-linux_x86_64", "implementation_name == 'cpython'", True),
    ],
)
def test_markers_see_the_target(target: str, marker: str, *, true: bool) -> None:
    environment = marker_environment(Target.parse(target))
    assert Marker(marker).evaluate(environment) is true


def test_the_version_of_a_known_interpreter_is_used() -> None:
    environment = marker_environment(Target.parse("cp311-linux_x86_64"), full_version="3.11.2")
    assert Marker("python_full_version < '3.11.3'").evaluate(environment)
    assert environment["implementation_version"] == "3.11.2"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="asks about this CPython")
def test_the_environment_of_this_machine_is_what_packaging_finds() -> None:
    target = Target.parse(f"cp3{sys.version_info.minor}", next(iter(platform_tags())))
    here: dict[str, object] = dict(default_environment())
    ours = marker_environment(target, full_version=str(here["python_full_version"]))
    differing = {name for name in ours if ours[name] != here[name]}
    assert differing <= {"platform_release", "platform_version"}
    assert set(ours) == {name for name in here if name != "extra"}
