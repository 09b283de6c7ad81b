"""Builds for a machine that this one is not, and what their build scripts may do: each is right, or says why not."""

import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.yard import BACKEND, HERE, PARTS, FolderBlobs, Pythons, Yard
from wheelyard.executor.interpreters import native_platform
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.platforms.reaching import KnownPlatforms
from wheelyard.executor.settings import ExecutorSettings, Sandbox
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.recipe import Recipe
from wheelyard.model.way import Way, WayKind
from wheelyard.targets.target import Target

# Sysroots come from Debian.
pytestmark = [pytest.mark.anyio, pytest.mark.upstream]

_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_NAME = f"cp{sys.version_info[0]}{sys.version_info[1]}"
_ARM = Target.parse(f"{_NAME}-linux_aarch64")
_CROSS = Way(kind=WayKind.CROSS, build=Target.parse(HERE), platform="aarch64")
_TAGGED = BACKEND.replace("py3-none-any", f"{_NAME}-{_NAME}-linux_aarch64").replace(
    "Root-Is-Purelib: true", "Root-Is-Purelib: false"
)
_SOURCE = """#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", NULL, -1, NULL, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
_COMPILE = """
import os, subprocess, sysconfig
def compile(cc, *flags, **options):
    include = "-I" + sysconfig.get_path("include")
    output = "src/fast" + sysconfig.get_config_var("EXT_SUFFIX")
    subprocess.run([cc, "-shared", "-fPIC", include, *flags, "fast.c", "-o", output], check=True, **options)
"""


@pytest.fixture(scope="session")
def platforms(shelf: Path) -> KnownPlatforms:
    if shutil.which("aarch64-linux-gnu-gcc") is None or shutil.which("qemu-aarch64-static") is None:
        pytest.skip("there is no compiler or no emulator for aarch64")
    if _PYTHON not in {"3.9", "3.11", "3.13"}:
        pytest.skip(f"no Debian that is looked at carries Python {_PYTHON}")
    folder = shelf / "state" / "platforms"
    folder.mkdir(parents=True, exist_ok=True)
    return KnownPlatforms(folder)


@pytest.fixture
async def yard(
    request: pytest.FixtureRequest, shelf: Path, platforms: KnownPlatforms
) -> AsyncIterator[Yard]:
    blobs = FolderBlobs(shelf / "blobs")
    sandbox = Sandbox(getattr(request, "param", Sandbox.REQUIRE))
    settings = ExecutorSettings(
        state=shelf / "state", sandbox=sandbox, shown=(shelf / "state" / "platforms",)
    )
    pythons = Pythons()
    executor = LocalExecutor(
        settings, blobs=blobs, interpreters=pythons, parts=PARTS, platforms=platforms
    )
    yield Yard(executor, blobs, pythons, shelf / "state")
    await executor.close()


def _offer(yard: Yard, hook: str, **changes: Any) -> Offer:
    offer = yard.offer(_COMPILE + hook, {"fast.c": _SOURCE}, **changes)
    backend = yard.wheel("tinyback", {"tinyback.py": _TAGGED}, "2.0")
    return replace(offer, target=_ARM, way=_CROSS, requirements=(backend,))


async def _built(yard: Yard, report: Report) -> str:
    assert report.outcome is Outcome.BUILT, f"{report.reason}\n{await yard.log(report)}"
    assert report.artifact is not None
    return report.artifact.filename


@pytest.mark.parametrize("yard", [Sandbox.REQUIRE, Sandbox.OFF], indirect=True)
async def test_a_module_is_compiled_and_imported_on_its_machine(yard: Yard) -> None:
    report = await yard.run(_offer(yard, "compile('cc')"))

    assert "aarch64.whl" in await _built(yard, report)
    assert "import fast" in await yard.log(report)


async def test_a_build_that_strips_the_environment_is_caught(yard: Yard) -> None:
    hook = "compile(os.environ['CC'], env={'PATH': '/usr/bin:/bin'})"
    assert "aarch64.whl" in await _built(yard, await yard.run(_offer(yard, hook)))


async def test_spaces_and_thousands_of_words_are_no_hindrance(yard: Yard) -> None:
    hook = """
os.mkdir("a folder")
open("a folder/extra.h", "w").close()
compile("cc", "-Ia folder", *("-DNAME%d='a b'" % n for n in range(3000)), "-include", "a folder/extra.h")
"""
    assert "aarch64.whl" in await _built(yard, await yard.run(_offer(yard, hook)))


async def test_what_a_build_starts_knows_the_build_machine(yard: Yard) -> None:
    hook = """
import platform, sys
ask = "import platform, sysconfig; print(platform.machine(), sysconfig.get_platform())"
print("told", subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout)
print("own", platform.machine(), sysconfig.get_platform())
compile("cc")
"""
    report = await yard.run(_offer(yard, hook))
    await _built(yard, report)
    log = await yard.log(report)
    assert "told x86_64 linux-x86_64" in log
    assert "own x86_64 linux-aarch64" in log


async def test_a_recipe_lets_the_hook_pretend_to_be_on_the_target(yard: Yard) -> None:
    hook = "import platform; print('own', platform.machine(), os.uname().machine); compile('cc')"
    report = await yard.run(_offer(yard, hook, recipe=Recipe(pretend=True)))
    await _built(yard, report)
    assert "own aarch64 aarch64" in await yard.log(report)


async def test_an_extension_that_falls_back_in_silence_is_refused(yard: Yard) -> None:
    hook = "try: compile('cc', '-DBROKEN', '-include', 'nowhere.h')\nexcept Exception: print('without')"
    offer = _offer(yard, hook)
    backend = yard.wheel("tinyback", {"tinyback.py": BACKEND}, "3.0")
    report = await yard.run(replace(offer, requirements=(backend,)))

    assert report.outcome is Outcome.FAILED
    assert "compilers ran for it and it holds nothing that they made" in report.reason


async def test_a_build_that_runs_what_it_compiled_fails_and_names_the_step(yard: Yard) -> None:
    hook = """
open("tool.c", "w").write("int main(void) { return 0; }")
subprocess.run(["cc", "tool.c", "-o", "tool"], check=True)
subprocess.run(["./tool"], check=True)
"""
    report = await yard.run(_offer(yard, hook))

    assert report.outcome is Outcome.FAILED
    assert "Exec format error" in report.reason + report.detail


async def test_headers_of_another_package_are_those_of_the_target(yard: Yard) -> None:
    here = yard.wheel("numpy", {"numpy/__init__.py": "", "numpy/own.h": "#error here\n"})
    there = yard.wheel("numpy", {"numpy/__init__.py": "", "numpy/own.h": "#define OWN 1\n"}, "1.1")
    hook = """
import numpy
compile("cc", "-I" + os.path.dirname(numpy.__file__), "-include", "own.h")
"""
    offer = _offer(yard, hook)
    offer = replace(offer, requirements=(*offer.requirements, here), host_requirements=(there,))
    assert "aarch64.whl" in await _built(yard, await yard.run(offer))


async def test_the_recipes_test_runs_on_the_target(yard: Yard) -> None:
    test = "cd / && python -c 'import fast, platform; print(\"on\", platform.machine())'"
    report = await yard.run(_offer(yard, "compile('cc')", recipe=Recipe(test=test)))
    await _built(yard, report)
    assert "on aarch64" in await yard.log(report)


@pytest.mark.parametrize("yard", [Sandbox.REQUIRE, Sandbox.OFF], indirect=True)
async def test_what_cannot_be_crossed_is_built_in_the_targets_own_python(yard: Yard) -> None:
    hook = """
import platform, sys
print("own", platform.machine(), sysconfig.get_platform())
compile("cc")
sys.path.insert(0, "src")
import fast
"""
    yard.pythons.named[f"{_NAME}-{native_platform()}"] = Path(sys.executable)
    offer = replace(_offer(yard, hook), way=replace(_CROSS, kind=WayKind.EMULATED, build=None))
    report = await yard.run(offer)
    await _built(yard, report)
    assert "own aarch64 linux-aarch64" in await yard.log(report)


async def test_a_builder_without_platforms_refuses_and_says_so(shelf: Path) -> None:
    blobs = FolderBlobs(shelf / "blobs")
    settings = ExecutorSettings(state=shelf / "state", sandbox=Sandbox.OFF)
    executor = LocalExecutor(settings, blobs=blobs, interpreters=Pythons(), parts=PARTS)
    yard = Yard(executor, blobs, Pythons(), shelf / "state")
    report = await yard.run(_offer(yard, ""))
    await executor.close()
    assert report.outcome is Outcome.REFUSED
    assert "builds for no other machine" in report.reason
