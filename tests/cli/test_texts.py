"""What is said in the end is said once, shortly, and in words that fit the number."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from wheelyard.cli.display.lines import excerpt, line_of
from wheelyard.cli.display.table import print_summary
from wheelyard.cli.main import execute
from wheelyard.coordinator.story import TargetResolved
from wheelyard.errors import ExitCode
from wheelyard.model.counted import plural
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.release import Release
from wheelyard.plan.events import Exclusion, UnitId
from wheelyard.plan.summary import Ending, Row
from wheelyard.targets.target import Target

TARGETS = [Target.parse(f"cp3{minor}-manylinux_2_28_x86_64") for minor in (11, 12)]
LONG = "\n".join(f"line {number}" for number in range(30))


def summary(rows: list[Row], exclusions: list[Exclusion] | None = None) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_summary(console, rows, exclusions or [], [], place=None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def failed(reason: str, hint: str = "") -> list[Row]:
    report = Report(
        outcome=Outcome.FAILED, reason=reason, hint=hint, detail=LONG, log_digest="sha256:aa"
    )
    row = Row(
        unit=UnitId(Release.parse("six==1.0"), TARGETS[0]),
        ending=Ending.FAILED,
        requested=True,
        report=report,
        reason=reason,
        hint=hint,
        key=BuildKey("0123456789abcdef" * 4),
    )
    return [replace(row, unit=UnitId(row.unit.release, target)) for target in TARGETS]


def test_a_failure_whose_remedy_is_known_is_shown_with_few_lines_of_its_log() -> None:
    shown = summary(failed("needs OpenSSL headers", "Install them."))

    assert [line.strip() for line in shown.splitlines() if "line " in line] == [
        f"line {number}" for number in range(22, 30)
    ]
    assert "look: wheelyard job log 0123456789ab" in shown


def test_a_failure_without_a_remedy_is_shown_with_all_that_is_known() -> None:
    report = failed("exit status 1")[0].report
    assert report is not None
    assert len(excerpt(report)) == 30


def test_one_reason_for_several_targets_is_said_once() -> None:
    shown = summary(failed("needs OpenSSL headers", "Install them."))

    assert shown.count("failed: six 1.0 cp311, cp312: needs OpenSSL headers") == 1
    assert shown.count("hint:") == 1


def test_a_reason_that_a_terminal_would_obey_is_written_out() -> None:
    assert "\x1b" not in summary(failed("\x1b]0;owned\x07\x1b[31mred"))


def test_what_is_left_out_is_explained_once_in_the_end() -> None:
    exclusions = [
        Exclusion(requirement="gone", target=target, reason="no such project", hint="Check it.")
        for target in TARGETS
    ]
    event = TargetResolved(target=TARGETS[0], releases=1, exclusions=tuple(exclusions[:1]))
    told = line_of(event)
    assert told is not None
    assert told[0] == f"resolved {TARGETS[0]}: 1 release, 1 left out"

    shown = summary([], exclusions)
    assert shown.count("no such project") == shown.count("Check it.") == 1
    assert all(str(target) in shown for target in TARGETS)


def test_tools_of_an_earlier_day_are_named_however_the_wheel_came() -> None:
    (row, _) = failed("")
    for ending in (Ending.BUILT, Ending.REUSED, Ending.COVERED):
        shown = summary([replace(row, ending=ending, as_of="2025-06-01")])
        assert f"{ending.value}" in shown
        assert "(tools of 2025-06-01)" in shown


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_numbers_and_their_nouns_agree(count: int, text: str) -> None:
    assert plural(count, "file") == text


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('jobs = "x"', "build.jobs is 'x'", "How many builds"),
        ('sandbox = "maybe"', "'maybe' is not one of 'auto'", "bubblewrap"),
        ('sandbox = ["off"]', "one value is wanted", 'sandbox = "…"'),
        ("target = 3", "a list is wanted", 'target = ["…"]'),
    ],
)
def test_a_wrong_value_is_told_with_the_file_that_holds_it(
    line: str, message: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wheelyard.toml"
    file.write_text(f"[build]\n{line}\n")

    assert execute(["--config", str(file), "build", "six"]) == ExitCode.USAGE

    said = capsys.readouterr().err
    for text in (str(file), message, hint):
        assert text in said


def test_settings_without_a_value_say_what_that_means(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wheelyard.toml"
    file.write_text('[build]\nwall-limit = 50\ntarget = "cp312"\n')

    assert execute(["--config", str(file), "config"]) == ExitCode.OK

    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["jobs"].startswith("(one a core)")
    assert rows["constraint"].startswith("(none)")
    assert rows["offline"].startswith("false")
    assert rows["wall-limit"].startswith("50 ")
    assert rows["target"].startswith("cp312 ")


@pytest.mark.parametrize(
    ("other", "heading"),
    [
        ("cp312-manylinux_2_28_x86_64", ["release", "(manylinux_2_28_x86_64)", "cp311", "cp312"]),
        (
            "cp312-manylinux_2_36_x86_64",
            ["release", "cp311-manylinux_2_28_x86_64", "cp312-manylinux_2_36_x86_64"],
        ),
    ],
)
def test_a_platform_that_all_targets_have_is_said_once(other: str, heading: list[str]) -> None:
    targets = (TARGETS[0], Target.parse(other))
    rows = [
        Row(unit=UnitId(Release.parse("six==1.0"), one), ending=Ending.COVERED, requested=True)
        for one in targets
    ]
    assert summary(rows).splitlines()[0].split() == heading
