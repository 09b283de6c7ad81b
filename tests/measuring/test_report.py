"""What a report says of what was measured."""

import json
from pathlib import Path

from benchmarks.measure import Usage
from benchmarks.report import Aim, Report, Row, judged, table
from rich.console import Console


def row(subject: str, runner: str, *cpu: float) -> Row:
    return Row(
        subject=subject, runner=runner, usages=tuple(Usage(cpu=one, wall=2 * one) for one in cpu)
    )


def test_a_share_is_that_of_the_medians() -> None:
    aim = Aim(subject="pure", runner="ours", peer="theirs", most=0.2)

    ours, theirs = judged([row("pure", "ours", 1, 9, 2), row("pure", "theirs", 8, 10, 99)], [aim])

    (verdict,) = ours.verdicts
    assert (verdict.found, verdict.met) == (0.2, True)
    assert theirs.verdicts == ()


def test_what_was_not_measured_is_not_judged() -> None:
    aim = Aim(subject="pure", runner="ours", peer="theirs", most=0.2)

    (ours,) = judged([row("pure", "ours", 1)], [aim])

    assert ours.verdicts == ()


def test_an_aim_without_a_peer_is_in_seconds() -> None:
    aim = Aim(subject="again", runner="ours", most=1, clock="wall")

    (ours,) = judged([row("again", "ours", 0.6)], [aim])

    assert (ours.verdicts[0].found, ours.verdicts[0].met) == (1.2, False)


def test_a_table_says_what_was_met_and_what_was_missed() -> None:
    aims = [Aim(subject="pure", runner="ours", peer="theirs", most=most) for most in (0.6, 0.4)]
    console = Console(width=160, record=True, file=None, quiet=False)

    with console.capture() as captured:
        console.print(table("p", judged([row("pure", "ours", 1), row("pure", "theirs", 2)], aims)))

    first, second = captured.get().splitlines()[2:4]
    assert first.split()[-4:] == ["theirs", "≤", "0.6", "met"]
    assert second.split()[-4:] == ["theirs", "≤", "0.4", "missed"]


def test_rows_are_on_disk_as_soon_as_they_are_published(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    report = Report(path, Console(quiet=True))

    report.publish("one", [row("pure", "ours", 1)])
    first = json.loads(path.read_text())
    report.publish("two", [row("pure", "ours", 1)])
    second = json.loads(path.read_text())

    assert set(first["parts"]) == {"one"}
    assert set(second["parts"]) == {"one", "two"}
    assert second["parts"]["one"]["rows"][0]["median"] == {"cpu": 1, "wall": 2}
    assert "cores" in second["machine"]
    assert "load" in second["parts"]["one"]
