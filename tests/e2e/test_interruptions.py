"""A run may end at any moment, and another may run beside it: nothing finished is lost or doubled."""

import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.user import User, processes_of
from wheelyard.testing import sdists
from wheelyard.testing.sdists import Extension, SdistSpec

Event = dict[str, Any]
SLOW = "__import__('time').sleep(0.4)"
LEAVES = ("leaf-a", "leaf-b", "leaf-c")
TREE = (
    SdistSpec(name="tool", during_build=SLOW),
    *(SdistSpec(name=name, build_requires=("tool",), during_build=SLOW) for name in LEAVES),
    SdistSpec(name="native", extension=Extension.OWN_ABI, dynamic_requires=("tool",)),
    SdistSpec(name="top", build_requires=LEAVES, requires=("native",)),
)
RELEASES = {f"{spec.name}==1.0" for spec in TREE}


def until(process: "subprocess.Popen[str]", wanted: Callable[[Event], bool]) -> list[Event]:
    """Read events up to the first that is wanted."""
    seen = []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(json.loads(line))
        if wanted(seen[-1]):
            return seen
    raise AssertionError((seen[-3:], process.stderr and process.stderr.read()))


def at_step(step: str, release: str) -> Callable[[Event], bool]:
    """Match the beginning of a step of a release."""
    return lambda event: (
        event["event"] == "step-began"
        and event["step"] == step
        and event["unit"]["release"] == release
    )


def built(events: list[Event]) -> set[str]:
    """Return the releases that these events say were built."""
    return {
        event["unit"]["release"]
        for event in events
        if event["event"] == "job-ended" and event["report"]["outcome"] == "built"
    }


def killed(user: User, wanted: Callable[[Event], bool]) -> list[Event]:
    """Run the build and kill it at an event; return all that it said."""
    process = user.start("top", "--output", "out")
    seen = until(process, wanted)
    process.kill()
    out, _ = process.communicate()
    return seen + [json.loads(line) for line in out.splitlines() if line.endswith("}")]


def assert_whole(user: User) -> None:
    """Look that nothing is left of what was killed, and that all that is visible is whole."""
    assert processes_of(user.state) == []
    assert list((user.state / "jobs").glob("run-*")) == []
    for path in (user.state / "blobs/sha256").rglob("*"):
        assert not path.is_file() or path.name[:1] != "."
    verified = user.run("index", "verify", "out")
    assert verified.code == 0, verified.out


def test_run_that_is_killed_over_and_over_finishes_and_builds_nothing_twice(newcomer: User) -> None:
    user = newcomer
    user.upload(*TREE)
    moments = [
        lambda event: event["event"] == "target-resolved",
        at_step("build", "tool==1.0"),
        at_step("deliver", "tool==1.0"),
        at_step("deliver", "leaf-a==1.0"),
        at_step("environment", "top==1.0"),
    ]
    done: set[str] = set()
    for moment in moments:
        seen = killed(user, moment)
        started = {event["unit"]["release"] for event in seen if event["event"] == "job-started"}
        assert not started & done
        done |= built(seen)
    assert "leaf-b==1.0" in done
    ran = user.build("top", "--output", "out")
    assert ran.code == 0, ran.err
    assert not set(ran.started) & done
    assert set(ran.started) | done >= RELEASES
    assert ran.endings.keys() >= {"top==1.0", "native==1.0"}
    assert_whole(user)


def test_run_that_is_killed_while_it_resolves_starts_again(newcomer: User) -> None:
    user = newcomer
    user.upload(*TREE)
    for _ in range(2):
        process = user.start("top")
        while not (user.state / "state.sqlite").exists() and process.poll() is None:
            threading.Event().wait(0.01)
        process.kill()
        process.communicate()
    ran = user.build("top", "--output", "out")
    assert ran.code == 0, ran.err
    assert set(ran.started) == RELEASES
    assert_whole(user)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [False, True])
def test_signal_ends_a_run_and_all_that_it_started(
    user: User, number: signal.Signals, whole_group: bool
) -> None:
    name = f"hangs-{number.name.lower()}-{whole_group:d}"
    user.upload(SdistSpec(name=name, during_build=sdists.LEAVE_A_DAEMON + sdists.HANG))
    process = user.start(name, start_new_session=True)
    until(process, at_step("build", f"{name}==1.0"))
    if whole_group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    ran = user.ended(process)
    assert ran.code == 130
    assert "run the same command" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert processes_of(user.state) == []
    assert list((user.state / "jobs").glob("run-*")) == []


def test_two_runs_at_once_share_the_work(newcomer: User) -> None:
    user = newcomer
    user.upload(*TREE)
    first, second = user.start("top"), user.start("top")
    ran = [user.ended(process) for process in (first, second)]
    assert [one.code for one in ran] == [0, 0], ran
    built_by = Counter(
        event["unit"]["release"]
        for one in ran
        for event in one.of_kind("job-ended")
        if event["report"]["outcome"] == "built"
    )
    assert built_by == Counter(RELEASES)
    assert ran[0].digests == ran[1].digests


def test_run_takes_over_what_another_that_was_killed_had(newcomer: User) -> None:
    user = newcomer
    user.upload(SdistSpec(name="slow", during_build="__import__('time').sleep(12)"))
    first = user.start("slow")
    until(first, at_step("build", "slow==1.0"))
    second = user.start("slow")
    until(second, lambda event: event["event"] == "job-awaited")
    first.kill()
    first.communicate()
    ran = user.ended(second)
    assert ran.code == 0, ran.err
    assert ran.of_kind("row")[0]["ending"] == "built"
    assert ran.of_kind("job-started")


def test_stale_state_is_found_whole(newcomer: User) -> None:
    user = newcomer
    user.upload(SdistSpec(name="pure"))
    first = user.build("pure")
    blob = next(iter(first.digests.values())).partition(":")[2]
    path = next(
        path
        for path in (user.state / "blobs").rglob("*")
        if path.is_file() and blob.endswith(path.name)
    )
    Path(path).unlink()
    again = user.build("pure", "--output", "out")
    assert again.code == 0, again.err
    assert again.digests == first.digests
