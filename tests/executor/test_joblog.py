"""Lines of our own in a build's log stand between the build's lines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wheelyard.executor.joblog import JobLog

MakeLog = Callable[[int], JobLog]


@pytest.fixture
def make_log(tmp_path: Path) -> MakeLog:
    return lambda limit: JobLog(tmp_path / "log", limit=limit, told=lambda _: None)


def test_a_remark_waits_for_the_end_of_the_builds_line(make_log: MakeLog, tmp_path: Path) -> None:
    log = make_log(1000)
    log.write(b"fatal error: Py")
    log.remark("cc one.c: 1 ms")
    log.remark("cc two.c: 2 ms")
    log.write(b"thon.h\nmore\n")
    log.write(b"end")
    log.note("over")
    log.close()
    assert (tmp_path / "log").read_text() == (
        "fatal error: Python.h\nmore\n[wheelyard] cc one.c: 1 ms\n[wheelyard] cc two.c: 2 ms\n"
        "end\n[wheelyard] over\n"
    )


def test_a_remark_is_no_reason_to_pass_the_limit(make_log: MakeLog, tmp_path: Path) -> None:
    log = make_log(30)
    for number in range(100):
        log.remark(f"cc {number}.c")
    log.note("the end is kept")
    log.close()
    assert (tmp_path / "log").read_text() == "[wheelyard] cc 0.c\n[wheelyard] the end is kept\n"
