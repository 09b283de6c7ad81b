"""What was done can be looked at, repeated by hand and tried again; settings say where they are from."""

import json
import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from e2e.user import User
from wheelyard.testing.sdists import Extension, SdistSpec


def test_jobs_are_listed_by_what_became_of_them(user: User) -> None:
    user.upload(
        SdistSpec(name="went-well"),
        SdistSpec(name="went-badly", during_build="raise SystemExit('fatal: odd thing')"),
    )
    user.build("went-well", "went-badly")
    state = ("--state", user.state)

    listed = user.run("job", "list", "--project", "went-badly", *state).out
    assert "went-badly==1.0" in listed
    assert "went-well" not in listed
    failed = json.loads(user.run("job", "list", "--outcome", "failed", "--json", *state).out)
    assert "went-badly==1.0" in {attempt["release"] for attempt in failed}
    assert "went-well==1.0" not in {attempt["release"] for attempt in failed}

    shown = user.run("job", "show", "went-well", *state).out
    for word in ("key ", "outcome  built", "unpack", "deliver", "sandbox  bubblewrap", "repeat by"):
        assert word in shown
    assert "fatal: odd thing" in user.run("job", "log", "went-badly", *state).out

    retried = user.run("job", "retry", "--project", "went-badly", "--preview", *state).out
    assert retried.startswith("went-badly==1.0 for ")
    assert user.run("job", "retry", "--project", "went-badly", *state).out == retried


@pytest.mark.parametrize("extension", ["", "own-abi"])
def test_line_that_repeats_a_build_works_in_a_shell(user: User, extension: str) -> None:
    name = f"repeated{extension and '-native'}"
    user.upload(
        SdistSpec(name="helping-tool"),
        SdistSpec(
            name=name,
            extension=Extension(extension),
            build_requires=("helping-tool",),
            during_build="import helping_tool",
        ),
    )
    assert user.build(name).code == 0
    line = user.show(name)["report"]["repeat"]
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=user.folder,
        env=user.variables() | {"TMPDIR": str(user.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(Path(done.stdout.splitlines()[-1]).glob("*.whl"))


def test_settings_come_from_option_environment_file_and_default_in_this_order(user: User) -> None:
    (user.folder / "wheelyard.toml").write_text(
        '[build]\nsilence-limit = "11m"\nwall-limit = "12m"\ntarget = ["cp312"]\n'
    )
    ran = user.run("config", "--json", WHEELYARD_WALL_LIMIT="13m", WHEELYARD_JOBS="3")
    assert ran.code == 0, ran.err
    rows = {row["option"]: (row["value"], row["from"]) for row in json.loads(ran.out)}
    assert rows["silence-limit"] == ("11m", str(user.folder / "wheelyard.toml"))
    assert rows["wall-limit"] == ("13m", "environment (WHEELYARD_WALL_LIMIT)")
    assert rows["jobs"] == ("3", "environment (WHEELYARD_JOBS)")
    assert rows["disk-limit"] == ("20G", "default")
    assert rows["target"][0] == "cp312"

    user.upload(SdistSpec(name="slowly", during_build="__import__('time').sleep(60)"))
    (user.folder / "wheelyard.toml").write_text('[build]\nwall-limit = "50m"\n')
    ran = user.run("build", *user.words("slowly", "--wall-limit", "1s"), WHEELYARD_WALL_LIMIT="40m")
    assert "took longer than 1 s" in ran.out


def seen_on_a_terminal(user: User, words: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own and return all that it drew."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        user.command(*words),
        cwd=user.folder,
        env=user.variables() | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        drawn += chunk
    os.close(ours)
    return process.wait(), drawn.decode(errors="replace")


def test_terminal_shows_what_runs_and_is_left_clean(user: User) -> None:
    talks = (
        "import time\nfor n in range(8): print('compiling part', n, flush=True); time.sleep(0.2)"
    )
    user.upload(SdistSpec(name="shown", during_build=talks), SdistSpec(name="shown-too"))
    code, drawn = seen_on_a_terminal(user, ["build", *user.words("shown", "shown-too")])
    assert code == 0
    assert "shown 1.0" in drawn
    assert "compiling part" in drawn
    assert "of 2" in drawn
    assert "left" in drawn
    assert drawn.rfind("\x1b[?25h") > drawn.rfind("\x1b[?25l") >= 0
    assert "2 built" in drawn


def test_pipe_gets_plain_lines(user: User) -> None:
    user.upload(SdistSpec(name="piped"))
    ran = user.run("build", *user.words("piped"), FORCE_COLOR="", NO_COLOR="1")
    assert "\x1b" not in ran.out + ran.err
    assert "building piped 1.0" in ran.err
    assert "built    piped 1.0" in ran.err


def test_every_command_explains_itself(user: User) -> None:
    for words in ((), ("job",), ("index",), ("target",), ("recipe",), ("build",), ("plan",)):
        ran = user.run(*words, "--help")
        assert ran.code == 0
        assert "Usage: wheelyard" in ran.out


def test_log_on_a_terminal_does_nothing_but_show_itself(user: User) -> None:
    hostile = "print('\\x1b]0;owned\\x07\\x1b[2J\\x1b[31mred\\x1b[0m', flush=True)"
    user.upload(SdistSpec(name="hostile", during_build=hostile))
    assert user.build("hostile").code == 0
    words = ["job", "log", "hostile", "--state", str(user.state)]

    code, drawn = seen_on_a_terminal(user, words)
    assert code == 0
    assert "^[]0;owned^G^[[2J\x1b[31mred\x1b[0m" in drawn
    assert "\x1b]0;" not in drawn
    assert drawn.endswith("\x1b[0m")
    assert "\x1b]0;owned\x07\x1b[2J" in user.run(*words, "--raw").out
    assert "\x1b]0;" not in user.run(*words).out
