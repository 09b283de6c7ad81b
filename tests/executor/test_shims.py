"""Shims catch what a build calls, run what it becomes, and write it down: compiled and in Python alike."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cross.crossings import CROSSINGS, GNU
from cross.tables import Row, all_rows
from wheelyard.cross.calls import Call, compile_commands, count, last_failed, parse_call, told
from wheelyard.cross.description import Crossing, Kind, Tool
from wheelyard.cross.lines import lines
from wheelyard.cross.rewrite import Refused, rewrite_by
from wheelyard.cross.rules import parse
from wheelyard.executor import shim_program, shims
from wheelyard.executor.calls import Trace, calls_in
from wheelyard.executor.shims import ShimFolder, install_shims

_COMPILERS = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose shim is compiled once for all tests."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(params=["compiled", "python"])
def made(request: pytest.FixtureRequest, state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder; without a compiler on its path every shim is one in Python."""
    if request.param == "python":
        monkeypatch.setattr(shim_program, "SYSTEM_PATH", ())
        return state / "without"
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    return state


def echoing(folder: Path) -> Crossing:
    """A crossing whose compilers print their words, each on a line."""
    folder.mkdir(parents=True, exist_ok=True)
    echo = folder / "echo"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\ntest -z "$EXIT" || exit "$EXIT"\n')
    echo.chmod(0o755)
    return replace(GNU, tools={Tool.CC: (str(echo),), Tool.AR: (str(echo), "ar")})


def install(folder: Path, crossing: Crossing, state: Path) -> ShimFolder:
    return install_shims(folder, crossing, seen=str(folder), state=state, python=sys.executable)


def call(
    found: ShimFolder, name: str, *words: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": f"{found.path}:{os.environ['PATH']}", **environment}
    return subprocess.run(
        [f"{found.path}/{name}", *words],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_is_rewritten_run_and_written_down(made: Path, tmp_path: Path) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    ended = call(found, "gcc", "-I/usr/include", "-m64", "-c", "a b.c", cwd=tmp_path)
    assert ended.stdout.splitlines()[:2] == ["-c", "a b.c"]
    (caught,) = calls_in(found.trace)
    assert caught.argv == (f"{found.path}/gcc", "-I/usr/include", "-m64", "-c", "a b.c")
    assert caught.run[1:3] == ("-c", "a b.c")
    assert (caught.tool, caught.folder, caught.exit) == ("cc", str(tmp_path), 0)
    assert caught.milliseconds > 0


def test_exit_code_and_variables_go_through(made: Path, tmp_path: Path) -> None:
    crossing = replace(echoing(tmp_path), environment={Tool.CC: {"EXIT": "7"}})
    found = install(tmp_path / "shims", crossing, made)
    assert call(found, "cc", "-c", "a.c", cwd=tmp_path).returncode == 7
    assert calls_in(found.trace)[0].exit == 7


def test_compiler_that_a_signal_killed_says_so(made: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    found = install(tmp_path / "shims", replace(GNU, tools={Tool.CC: (str(killed),)}), made)
    assert call(found, "cc", "-c", "a.c", cwd=tmp_path).returncode == 128 + signal.SIGKILL


def test_refusal_says_why(made: Path, tmp_path: Path) -> None:
    crossing = replace(echoing(tmp_path), refused={Tool.F2C: "its calls do not fit"})
    found = install(tmp_path / "shims", crossing, made)
    ended = call(found, "f2c", "a.f", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "wheelyard: its calls do not fit\n")
    assert calls_in(found.trace)[0].refused == "its calls do not fit"


def test_compiler_that_is_not_there_is_named(made: Path, tmp_path: Path) -> None:
    crossing = replace(GNU, tools={Tool.CC: ("no-such-gcc",)})
    found = install(tmp_path / "shims", crossing, made)
    ended = call(found, "cc", "-c", "a.c", cwd=tmp_path)
    assert ended.returncode == 127
    assert "'no-such-gcc' is not there" in ended.stderr


def test_build_that_scrubs_its_environment_is_caught_all_the_same(
    made: Path, tmp_path: Path
) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    ended = subprocess.run(
        [f"{found.path}/x86_64-linux-gnu-gcc", "-c", "a.c"],
        env={},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert ended.stdout.startswith(b"-c\na.c\n")


def test_name_that_says_nothing_of_a_place_is_known(made: Path, tmp_path: Path) -> None:
    """As where it is bound over the system's compiler."""
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    place = tmp_path / "elsewhere"
    place.mkdir()
    shutil.copy(tmp_path / "shims" / "shim", place / "gcc-12")
    subprocess.run([place / "gcc-12", "-c", "a.c"], cwd=tmp_path, check=True, capture_output=True)
    assert calls_in(found.trace)[0].tool == "cc"


def test_command_of_two_megabytes_goes_through(made: Path, tmp_path: Path) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    listed = tmp_path / "objects.rsp"
    listed.write_text("\n".join(f'"object number {number}.o"' for number in range(80_000)))
    ended = call(found, "ar", "cr", "lib.a", f"@{listed}", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    first, response = ended.stdout.splitlines()
    assert first == "ar"
    assert response.startswith("@")
    assert not Path(response[1:]).exists()
    caught = calls_in(found.trace)[0]
    assert caught.cut
    assert caught.run[1:5] == ("ar", "cr", "lib.a", "object number 0.o")


def test_response_file_of_a_long_command_is_read_by_the_compiler(
    made: Path, tmp_path: Path
) -> None:
    reads = tmp_path / "reads"
    reads.write_text('#!/bin/sh\nfor word; do case "$word" in @*) cat "${word#@}";; esac; done\n')
    reads.chmod(0o755)
    found = install(tmp_path / "shims", replace(GNU, tools={Tool.AR: (str(reads),)}), made)
    (tmp_path / "x.rsp").write_text("'it''s' " + "y" * 300_000)
    ended = call(found, "ar", "cr", "a b.a", "@x.rsp", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert ended.stdout.splitlines()[:3] == ["cr", "a\\ b.a", "its"]


def test_lines_of_commands_that_run_beside_each_other_never_mix(made: Path, tmp_path: Path) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)

    def one(number: int) -> int:
        return call(found, "cc", "-c", f"{number}.c", "-D" + "x" * 9000, cwd=tmp_path).returncode

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {0}
    text = found.trace.read_text().splitlines()
    assert sorted(int(json.loads(line)["argv"][2][:-2]) for line in text) == list(range(24))


def test_words_that_are_no_text_are_written_down(made: Path, tmp_path: Path) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    subprocess.run(
        [f"{found.path}/cc".encode(), b"-c", b"\xff\xe4.c", 'ä\n"\\'.encode()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert calls_in(found.trace)[0].argv[2:] == ("\ufffd\ufffd.c", 'ä\n"\\')


@_COMPILERS
def test_native_compilers_are_named_for_what_a_build_runs(made: Path, tmp_path: Path) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), made)
    (tmp_path / "a.c").write_text("int main(void) { return 3; }\n")
    compiler = found.environment["CC_FOR_BUILD"]
    path = {"PATH": f"{found.path}:{os.environ['PATH']}"}
    subprocess.run([compiler, "a.c", "-o", "a"], cwd=tmp_path, env=path, check=True)
    assert subprocess.run([tmp_path / "a"], check=False).returncode == 3
    assert calls_in(found.trace)[0].tool == "native-cc"


def test_binds_show_the_real_compilers_before_the_shims_take_their_places(
    state: Path, tmp_path: Path
) -> None:
    found = install(tmp_path / "shims", echoing(tmp_path), state)
    compilers = [path for tool in ("cc", "c++") for path in shims.machine_compilers().get(tool, ())]
    for path in map(str, compilers):
        moved = next(number for number, (source, _) in enumerate(found.binds) if source == path)
        covered = next(number for number, (_, place) in enumerate(found.binds) if place == path)
        assert moved < covered


# Tools of the tables lie nowhere; what would have been run is written down all the same.
_ROWS = all_rows()


def _caught(found: ShimFolder, rows: Sequence[Row], cwd: Path) -> list[Call]:
    import shlex

    for row in rows:
        words = shlex.split(row.called)
        subprocess.run(
            words, executable=f"{found.path}/../shim", cwd=cwd, check=False, capture_output=True
        )
    return list(calls_in(found.trace))


def _expected(row: Row, cwd: Path) -> tuple[tuple[str, ...], str]:
    rules = parse(lines(row.crossing, meson="M", cmake="C"))
    outcome = rewrite_by(replace(row.command, folder=str(cwd)), rules)
    return ((), outcome.reason) if isinstance(outcome, Refused) else (outcome.argv, "")


@_COMPILERS
@pytest.mark.parametrize("kind", sorted(CROSSINGS))
def test_compiled_shim_does_what_python_does(kind: str, state: Path, tmp_path: Path) -> None:
    rows = [row for row in _ROWS if row.kind == kind]
    folder = tmp_path / "shims"
    found = install(folder, CROSSINGS[kind], state)
    _same_files(found, folder)
    caught = _caught(found, rows, tmp_path)
    assert len(caught) == len(rows)
    for row, one in zip(rows, caught, strict=True):
        assert (one.run, one.refused) == _expected(row, tmp_path), row.called


def test_shim_in_python_does_the_same(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shim_program, "SYSTEM_PATH", ())
    rows = [row for row in _ROWS if row.kind == Kind.GNU][::9]
    folder = tmp_path / "shims"
    found = install(folder, GNU, state / "without")
    _same_files(found, folder)
    for row in rows:
        words = row.command.argv
        link = tmp_path / "names" / words[0].rpartition("/")[2]
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder / "shim")
        subprocess.run([link, *words[1:]], cwd=tmp_path, check=False, capture_output=True)
    for row, one in zip(rows, calls_in(found.trace), strict=True):
        assert (one.run, one.refused) == _expected(row, tmp_path), row.called


def _same_files(found: ShimFolder, folder: Path) -> None:
    """Let the rules name the files for Meson and CMake as the expected ones do."""
    text = (folder / "rules").read_text()
    (folder / "rules").write_text(text.replace(found.meson, "M").replace(found.cmake, "C"))


def _line(**more: object) -> str:
    known = {
        "tool": "cc",
        "argv": ["cc", "-c", "a.c", "-o", "a.o"],
        "run": ["arm-cc", "-c", "a.c", "-o", "a.o"],
    }
    return json.dumps({**known, "folder": "/build/source", "exit": 0, "at": 1.5, "ms": 20, **more})


def test_trace_is_read_as_it_grows_and_rubbish_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    trace = Trace(path)
    assert not trace.read()
    whole = _line()
    path.write_text(f"{whole}\nrubbish\n[]\n{{}}\n{whole[:20]}")
    assert len(trace.read()) == 1
    with path.open("a") as stream:
        stream.write(f"{whole[20:]}\n")
    assert len(trace.read()) == 1
    assert len(trace.calls) == 2


def test_trace_that_a_build_made_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{_line()}\n")
    (tmp_path / "calls").symlink_to(tmp_path / "secret")
    assert not calls_in(tmp_path / "calls")


@pytest.mark.parametrize(
    "more",
    [
        {"argv": ["cc", "-c", "conftest.c"]},
        {"argv": ["cc", "-c", "/build/tmp/tmpa1b2/has_flag.c"]},
        {"argv": ["cc", "-c", "/build/tmp/x.c"]},
        {"argv": ["cc", "-c", "testfile.c"], "folder": "/build/source/b/meson-private/tmpx"},
        {
            "argv": ["cc", "-c", "CheckX.c"],
            "folder": "/build/b/CMakeFiles/CMakeScratch/TryCompile-1",
        },
        {"argv": ["cc", "-c", "_configtest.c"]},
        {"argv": ["cc", "a.o", "-shared", "-o", "a.so"]},
        {"argv": ["cc", "-E", "a.c"]},
        {"tool": "native-cc"},
        {"tool": "ar", "argv": ["ar", "cr", "a.c"]},
    ],
)
def test_probes_are_none_of_the_projects_own(more: dict[str, object]) -> None:
    found = parse_call(_line(**more))
    assert found is not None
    assert count([found]).compiled == 0


def test_rust_is_named_by_its_crate_and_what_cargo_asks_is_a_probe() -> None:
    crate = Call(tool="rustc", argv=("rustc", "--crate-name", "six", "src/lib.rs"), exit=1)
    asked = Call(tool="rustc", argv=("rustc", "-", "--print=cfg"), exit=1)
    assert crate.what == "rustc src/lib.rs"
    assert asked.is_probe
    assert count([crate, asked]).failed == 1


def test_calls_are_added_up_and_become_compile_commands() -> None:
    texts = [
        _line(),
        _line(exit=1),
        _line(exit=1, refused="no"),
        _line(argv=["/usr/bin/gcc", "-c", "b.c"]),
    ]
    calls = [found for text in texts if (found := parse_call(text)) is not None]
    counted = count(calls)
    assert (counted.calls, counted.compiled, counted.failed) == (4, 4, 1)
    assert (counted.refused, counted.by_path) == (1, 1)
    assert compile_commands(calls)[0] == {
        "directory": "/build/source",
        "file": "a.c",
        "arguments": ["arm-cc", "-c", "a.c", "-o", "a.o"],
        "output": "a.o",
    }


def test_failure_shows_the_command_as_called_and_as_run() -> None:
    failed = parse_call(_line(exit=1, argv=["gcc", "-c", "a.c", "-DX=a b"]))
    assert failed is not None
    assert last_failed([failed]) is failed
    assert list(told(failed)) == [
        "a.c failed with 1 in /build/source",
        "  called: gcc -c a.c '-DX=a b'",
        "  run: arm-cc -c a.c -o a.o",
    ]
