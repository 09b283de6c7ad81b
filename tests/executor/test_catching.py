"""What compilers were seen to do: told while a build runs, written into its log, and kept when it ends.

The platform is this machine under another compiler's name, so that nothing has to be fetched.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.yard import BACKEND, HERE, PARTS, FolderBlobs, Pythons, Yard
from wheelyard.cross.calls import Call
from wheelyard.cross.description import Crossing, Kind, Tool
from wheelyard.cross.kept import unpacked
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.platforms.ready import LinuxPlatform
from wheelyard.executor.settings import CompilerCache, ExecutorSettings, Sandbox
from wheelyard.model.caught import Caught
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.way import Way, WayKind
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio

_TARGET = Target.parse(HERE)
_CROSS = Way(kind=WayKind.CROSS, build=_TARGET, platform="other")
_TAGGED = BACKEND.replace("py3-none-any", f"{HERE.partition('-')[0]}-none-linux_x86_64").replace(
    "Root-Is-Purelib: true", "Root-Is-Purelib: false"
)
_COMPILE = """
import subprocess, sysconfig
def compile(cc, *flags):
    include = "-I" + sysconfig.get_path("include")
    output = "src/fast" + sysconfig.get_config_var("EXT_SUFFIX")
    subprocess.run([cc, "-shared", "-fPIC", include, *flags, "fast.c", "-o", output], check=True)
"""
_SOURCE = """#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class OnePlatform:
    """A platform whose compiler is this machine's, from a place of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compiler = folder / "other-gcc"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(shutil.which("gcc") or "/usr/bin/gcc").resolve(), self.compiler)
        self.compiler.chmod(0o755)
        # From another place it finds neither its own parts nor its own library.
        parts = ("-print-prog-name=cc1", "-print-file-name=crtbeginS.o")
        self.places = dict.fromkeys(str(Path(_said("gcc", part)).parent) for part in parts)

    async def ways(self, target: Target, build: Target) -> tuple[Way, ...]:
        raise AssertionError("a job says itself which way it goes")

    async def ready(self, way: Way, target: Target, packages: tuple[str, ...]) -> LinuxPlatform:
        data = sys.modules[sysconfig._get_sysconfigdata_name()]  # type: ignore[attr-defined]
        words = (str(self.compiler), *(f"-B{place}" for place in self.places))
        return LinuxPlatform(
            host_platform=sysconfig.get_platform(),
            sysconfigdata=Path(str(data.__file__)),
            suffix=str(sysconfig.get_config_var("EXT_SUFFIX")),
            headers=Path(sysconfig.get_path("include")),
            python=(str(Path(sys.executable).resolve()),),
            environment={},
            shown=(self.folder,),
            libraries=(),
            glibc=None,
            crossing=Crossing(
                triple="x86_64-other-linux-gnu", kind=Kind.GNU, tools={Tool.CC: words}
            ),
            state=self.folder,
        )


@pytest.fixture
async def yard(shelf: Path, request: pytest.FixtureRequest) -> AsyncIterator[Yard]:
    blobs, state = FolderBlobs(shelf / "blobs"), shelf / "state"
    chosen = {"sandbox": Sandbox.REQUIRE, **getattr(request, "param", {})}
    settings = ExecutorSettings(state=state, shown=(state / "platforms",), **chosen)
    executor = LocalExecutor(
        settings,
        blobs=blobs,
        interpreters=Pythons(),
        parts=PARTS,
        platforms=OnePlatform(state / "platforms"),
    )
    yield Yard(executor, blobs, Pythons(), state)
    await executor.close()


def _offer(yard: Yard, hook: str, **changes: Any) -> Offer:
    offer = yard.offer(_COMPILE + hook, {"fast.c": _SOURCE}, **changes)
    backend = yard.wheel("tinyback", {"tinyback.py": _TAGGED}, "4.0")
    return replace(offer, way=_CROSS, requirements=(backend,))


async def _calls(yard: Yard, report: Report) -> Sequence[Call]:
    return unpacked(await yard.blobs.read(report.calls_digest))


async def test_a_compiler_that_is_called_by_its_absolute_path_is_caught(yard: Yard) -> None:
    report = await yard.run(_offer(yard, "compile('/usr/bin/gcc', '-march=native')"))

    assert report.outcome is Outcome.BUILT, await yard.log(report)
    (call,) = await _calls(yard, report)
    assert call.argv[:2] == ("/usr/bin/gcc", "-shared")
    assert Path(call.run[0]).name == "other-gcc"
    assert "-march=native" not in call.run
    assert (report.calls.calls, report.calls.compiled, report.calls.by_path) == (1, 1, 1)


@pytest.mark.parametrize("yard", [{"sandbox": Sandbox.OFF}], indirect=True)
async def test_without_a_sandbox_an_absolute_path_escapes(yard: Yard) -> None:
    report = await yard.run(_offer(yard, "compile('/usr/bin/gcc')"))
    assert report.calls_digest == ""


async def test_each_command_is_told_as_it_ends_and_stands_in_the_log(yard: Yard) -> None:
    hook = "compile('gcc', '-O1')\nprint('compiled once')\ncompile('cc', '-O2')"
    report = await yard.run(_offer(yard, hook))

    assert report.outcome is Outcome.BUILT, await yard.log(report)
    told = [one.caught for one in yard.lines if one.caught is not None]
    assert told[-1] == Caught(calls=2, compiled=2, failed=0, what="fast.c")
    log = (await yard.log(report)).splitlines()
    remarks = [line for line in log if line.startswith("[wheelyard] cc fast.c: ")]
    assert len(remarks) == 2
    assert remarks[0].endswith(" ms")


async def test_a_command_that_failed_is_shown_as_called_and_as_run(yard: Yard) -> None:
    report = await yard.run(_offer(yard, "compile('gcc', '-march=native', '-include', 'none.h')"))

    assert report.outcome is Outcome.FAILED
    log = await yard.log(report)
    assert "[wheelyard] cc fast.c: " in log
    assert " ms, exit 1\n" in log
    assert "[wheelyard] fast.c failed with 1 in " in log
    called = next(line for line in log.splitlines() if "called: gcc" in line)
    assert "-march=native" in called
    run = next(line for line in log.splitlines() if "  run: " in line and "other-gcc" in line)
    assert "-march=native" not in run
    assert report.calls.failed == 1


async def test_what_a_build_compiles_for_itself_is_compiled_and_linked_for_this_machine(
    yard: Yard,
) -> None:
    hook = """
import os
open("tool.c", "w").write("#include <stdio.h>\\nint main(void) { puts(\\"made here\\"); return 0; }")
for name in ("CC_FOR_BUILD", "HOST_CC"):
    subprocess.run([os.environ[name], "-O2", "tool.c", "-o", "tool"], check=True)
    subprocess.run(["./tool"], check=True)
compile("gcc")
"""
    report = await yard.run(_offer(yard, hook))

    log = await yard.log(report)
    assert report.outcome is Outcome.BUILT, log
    assert log.count("made here") == 2
    assert [call.tool for call in await _calls(yard, report)] == ["native-cc", "native-cc", "cc"]


@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache")
@pytest.mark.parametrize("yard", [{"compiler_cache": CompilerCache.CCACHE}], indirect=True)
async def test_a_compiler_cache_stands_before_the_targets_compiler(yard: Yard) -> None:
    hook = """
def objects(*names):
    for name in names:
        open(name + ".c", "w").write("int %s(void) { return 4; }" % name)
        subprocess.run(["gcc", "-c", name + ".c", "-o", name + ".o"], check=True)
compile("gcc")
"""
    first = await yard.run(_offer(yard, hook + "objects('one', 'two')"))
    assert first.outcome is Outcome.BUILT, await yard.log(first)
    assert (first.calls.cached, first.calls.cachable) == (0, 2)
    second = await yard.run(_offer(yard, hook + "objects('one', 'two', 'three')"))
    assert (second.calls.cached, second.calls.cachable) == (2, 3)
    ran = [call.run for call in await _calls(yard, second)]
    assert all(Path(run[0]).name == "ccache" for run in ran)
    assert all(Path(run[1]).name == "other-gcc" for run in ran)
