"""``wheelyard job calls``: what compilers were asked for, what was run instead, and what failed."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from store.things import offer
from wheelyard.cli.main import execute
from wheelyard.cross.calls import Call, count
from wheelyard.errors import ExitCode
from wheelyard.model.job import Outcome, Report
from wheelyard.wiring.keeping import open_archive

_WORDS = ("-c", "one.c", "-o", "one.o")
CALLS = (
    Call(tool="cc", argv=("gcc", "-E", "conftest.c"), exit=1, began=10.0),
    Call(
        tool="cc",
        argv=("/usr/bin/gcc", "-march=native", *_WORDS),
        run=("aarch64-linux-gnu-gcc", *_WORDS),
        folder="/build",
        began=12.5,
        milliseconds=40.0,
    ),
    Call(tool="f2c", argv=("f2c", "a.f"), began=13.0, exit=1, refused="its calls do not fit"),
)


async def _keep(state: Path, calls: Sequence[Call]) -> None:
    async with open_archive(state) as archive:
        wanted = offer("k1" * 20)
        lease = await archive.jobs.lease(wanted, "here", seconds=60)
        assert lease is not None
        lines = "".join(call.line() for call in reversed(calls)).encode()
        digest = await archive.blobs.add_bytes(gzip.compress(lines)) if calls else ""
        report = Report(
            outcome=Outcome.FAILED, reason="no", calls_digest=digest, calls=count(calls)
        )
        await archive.jobs.finish(lease.key, lease.fence, report)


def _run(capsys: pytest.CaptureFixture[str], state: Path, *words: str) -> str:
    capsys.readouterr()
    assert execute(["job", "calls", "six", *words, "--state", str(state)]) == ExitCode.OK
    return capsys.readouterr().out


def test_commands_are_a_timeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_keep(tmp_path, CALLS))

    probe, compiled, refused = _run(capsys, tmp_path).splitlines()
    assert probe.split() == ["0.00", "s", "0.0", "ms", "exit", "1", "conftest.c"]
    assert compiled.split() == ["2.50", "s", "40.0", "ms", "one.c"]
    assert refused.split() == ["3.00", "s", "0.0", "ms", "refused", "f2c", "a.f"]


def test_those_that_failed_are_shown_both_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_keep(tmp_path, CALLS))

    shown = _run(capsys, tmp_path, "--failed")
    assert "one.c" not in shown
    assert "called: gcc -E conftest.c" in shown
    assert "refused: its calls do not fit" in shown


def test_editors_and_programs_read_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_keep(tmp_path, CALLS))

    (compiled,) = json.loads(_run(capsys, tmp_path, "--compile-commands"))
    assert compiled == {
        "directory": "/build",
        "file": "one.c",
        "arguments": ["aarch64-linux-gnu-gcc", *_WORDS],
        "output": "one.o",
    }
    listed = json.loads(_run(capsys, tmp_path, "--json"))
    assert [one["tool"] for one in listed] == ["cc", "cc", "f2c"]
    assert listed[1]["argv"][1] == "-march=native"


def test_a_job_shows_what_they_come_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_keep(tmp_path, CALLS))
    capsys.readouterr()
    assert execute(["job", "show", "six", "--state", str(tmp_path)]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "1 file with 3 commands, 1 refused, 1 by absolute paths; 0.0 s in compilers" in shown


def test_an_attempt_without_commands_says_where_there_are_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_keep(tmp_path, ()))
    capsys.readouterr()
    assert execute(["job", "calls", "six", "--state", str(tmp_path)]) != ExitCode.OK
    assert "for another machine than the builder" in capsys.readouterr().err
