"""The key of a build names the compilers that the build finds."""

from pathlib import Path

import pytest

from executor.yard import MakeYard
from wheelyard.executor.asking import said_by
from wheelyard.executor.rust import find_rust
from wheelyard.executor.settings import Sandbox
from wheelyard.executor.toolchain import describe_toolchain

pytestmark = pytest.mark.anyio


async def test_a_compiler_that_no_build_finds_is_not_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await describe_toolchain()
    own = tmp_path / "cc"
    own.write_text("#!/bin/sh\necho own compiler 1.0\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert await describe_toolchain() == before
    assert "own compiler" not in before.text


def tool(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)


async def test_a_broken_compiler_is_none(tmp_path: Path) -> None:
    tool(tmp_path / "bin" / "rustc", "no program at all")

    found = await describe_toolchain([tmp_path])

    assert "rustc" not in found.tools
    assert set(found.tools) <= {"cc", "c++", "ld", "gfortran"}


async def test_a_broken_rust_on_path_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path / "rustc", "\0no program at all")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert await find_rust() is None


async def test_a_program_that_hangs_with_all_that_it_started_has_not_answered(
    tmp_path: Path,
) -> None:
    tool(tmp_path / "cc", "#!/bin/sh\nsleep 600 & sleep 600\n")

    assert not await said_by((str(tmp_path / "cc"),), seconds=0.2)


def rustup(folder: Path, *, answer: str = "") -> Path:
    """Lay out a toolchain as rustup does, and a stand-in for it that knows where it is."""
    toolchain, stand_ins = folder / "toolchains" / "stable", folder / "stand-ins"
    (toolchain / "bin").mkdir(parents=True)
    stand_ins.mkdir()
    real, stand_in = toolchain / "bin" / "rustc", stand_ins / "rustc"
    real.write_text("#!/bin/sh\necho rustc 9.9.9\n")
    stand_in.write_text(
        f"#!/bin/sh\n[ \"$*\" = '--print sysroot' ] && echo '{answer or toolchain}'\n"
    )
    for program in (real, stand_in):
        program.chmod(0o755)
    return toolchain


async def test_the_rust_that_rustup_keeps_is_found_and_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain = rustup(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "stand-ins"), prepend=":")

    found = await find_rust()

    assert found == toolchain
    assert "rustc" in (await describe_toolchain([found])).tools
    assert "rustc: rustc 9.9.9" in (await describe_toolchain([found])).text


@pytest.mark.parametrize("answer", ["/nowhere", "error: no toolchain"])
async def test_a_rust_that_is_not_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    rustup(tmp_path, answer=answer)
    monkeypatch.setenv("PATH", str(tmp_path / "stand-ins"), prepend=":")

    assert await find_rust() is None


async def test_a_toolchain_outside_of_the_system_is_what_a_build_finds(
    tmp_path: Path, make_yard: MakeYard
) -> None:
    toolchain = rustup(tmp_path)
    yard = make_yard(sandbox=Sandbox.OFF, readable=(toolchain,))

    log = await yard.log(await yard.run(yard.offer("import os; os.system('rustc --version')")))

    assert "rustc 9.9.9" in log
