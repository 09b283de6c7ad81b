"""Each part of the benchmarks runs to its end, on an input that is too small to say anything about speed."""

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks import (
    dispatch,
    fleet,
    index_pages,
    interception,
    migrations,
    recipe_edits,
    site_pages,
)
from benchmarks.__main__ import PARTS, alone, run
from benchmarks.measure import BenchmarkError, measure
from benchmarks.report import Report
from benchmarks.setting import Setting


def rows(written: Path, part: str) -> dict[tuple[str, str], dict[str, Any]]:
    content = json.loads(written.read_text())
    return {(row["subject"], row["runner"]): row for row in content["parts"][part]["rows"]}


def aims(row: dict[str, Any]) -> dict[str, float]:
    return {verdict["what"]: verdict["most"] for verdict in row["verdicts"]}


def test_everybody_builds_what_is_pure_and_what_is_compiled(
    setting: Setting, report: Report, written: Path
) -> None:
    assert not run(["pure_and_c"], setting, report)

    found = rows(written, "pure_and_c")
    assert {name for subject, name in found if subject == "all"} == {
        "pip wheel",
        "python -m build",
        "uv build",
        "fromager build-sequence",
        "wheelyard build",
    }
    assert aims(found["pure", "wheelyard, from job start"]) == {
        "cpu / uv build": 0.2,
        "cpu / pip wheel": 0.06,
    }
    assert aims(found["compiled", "wheelyard, from job start"]) == {"cpu / uv build": 0.8}
    assert aims(found["all", "wheelyard build"]) == {"cpu / fromager build-sequence": 0.5}


def test_targets_are_measured_for_what_is_pure_and_counted_for_what_is_compiled(
    setting: Setting, report: Report, written: Path
) -> None:
    assert not run(["targets"], setting, report)

    found = rows(written, "targets")
    several = found["pure", "wheelyard, 2 targets"]
    (counted,) = [row for (subject, _), row in found.items() if subject == "compiled"]
    assert aims(several) == {"cpu / wheelyard, 1 target": 1.2}
    times = {verdict["what"]: verdict["found"] for verdict in counted["verdicts"]}
    assert times["fetched, a source"] == 1
    assert times["read and planned, a source"] == 1
    assert times["unpacked, a source"] >= 1


def test_the_tree_is_built_and_then_found_built(
    setting: Setting, report: Report, written: Path
) -> None:
    assert not run(["tree_from_source", "second_run"], setting, report)

    first = rows(written, "tree_from_source")["tree from source", "wheelyard build"]
    second = rows(written, "second_run")["nothing changed", "wheelyard build"]
    assert "wall / fromager bootstrap" in aims(first)
    assert aims(second) == {"wall": 1.0}
    log = (setting.cache / "state-of-the-tree.log").read_text()
    assert "2 reused" in log


def test_a_large_plan_is_made_by_the_planner_alone_and_by_a_whole_run(
    setting: Setting, report: Report, written: Path
) -> None:
    assert not run(["planning"], setting, report)

    found = rows(written, "planning")
    assert {runner for _, runner in found} == {"the planner alone", "wheelyard plan, all recorded"}
    assert all(aims(row) == {"peak memory": 300, "cpu": 2} for row in found.values())


@pytest.mark.skipif(shutil.which("nats-server") is None, reason="nats-server is not installed")
def test_no_op_jobs_go_through_a_whole_farm(
    setting: Setting, report: Report, written: Path
) -> None:
    dispatch.run(setting, report, dispatch.Sizes(jobs=6, requests=3, others=50))

    found = rows(written, "dispatch")
    assert [aims(row) for row in found.values()] == [
        {"each": 1000 / 150},
        {"p50": 20.0},
        {"p50 / idle": 1.5},
    ]


@pytest.mark.skipif(shutil.which("nats-server") is None, reason="nats-server is not installed")
def test_a_farm_is_looked_at_while_it_idles_and_takes_in_a_file(
    setting: Setting, report: Report, written: Path
) -> None:
    sizes = fleet.Sizes(builders=2, seconds=0.5, payload=1000, lose=False)
    fleet.run(setting, report, sizes)

    idle, large = rows(written, "fleet").values()
    assert aims(idle) == {"of a core": 5, "memory": 300}
    assert aims(large) == {"more memory": 100}


def test_what_a_caught_call_costs_is_judged_by_what_it_adds() -> None:
    taken = {"the bare command": [0.001], "compiled shim": [0.0015], "pyodide-build": [0.051]}

    found = {row.runner: row.verdicts for row in interception.rows(taken)}
    (added, share) = found["compiled shim"]
    assert (round(added.found, 6), added.most) == (0.5, 1.0)
    assert (round(share.found, 6), share.most) == (0.01, 0.02)


def test_a_caught_call_is_measured(setting: Setting, report: Report, written: Path) -> None:
    ours = replace(setting, only=("the bare", "compiled", "shim"))

    interception.run(ours, report, calls=3)

    found = rows(written, "interception").values()
    assert [aims(row) for row in found] == [{}, {"added": 1.0}, {"added": 15.0}]


def test_a_part_that_stops_keeps_no_other_from_being_measured(
    setting: Setting, report: Report, written: Path
) -> None:
    (setting.programs() / "fromager").write_text("#!/bin/sh\nexit 3\n")

    assert run(["tree_from_source", "planning"], setting, report)

    assert set(json.loads(written.read_text())["parts"]) == {"planning"}


def test_who_ran_before_is_neither_waited_for_nor_reaped(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as before:
        assert measure(["true"], log=tmp_path / "log").wall < 5
        assert before.poll() is None
        assert before.stdin is not None
        before.stdin.close()
        assert before.wait() == 0


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"ended with 7:\nout of luck"):
        measure(["sh", "-c", "echo out of luck; exit 7"], log=tmp_path / "log")


def test_two_runs_do_not_measure_side_by_side(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(SystemExit, match="another run measures"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_every_part_has_a_test() -> None:
    assert set(PARTS) == {
        "planning",
        "migrations",
        "recipe_edits",
        "interception",
        "targets",
        "queue_depth",
        "bus",
        "dispatch",
        "fleet",
        "pure_and_c",
        "tree_from_source",
        "second_run",
        "site_pages",
        "index_pages",
    }


def test_a_graph_of_packages_is_the_same_each_time() -> None:
    one, other = (migrations.membership_of(50, 200) for _ in range(2))

    assert one == other
    assert sum(map(len, one.parents.values())) <= 200


def test_edits_of_recipes_are_measured(tmp_path: Path) -> None:
    text = "package:\n  name: a\nbuild:\n  number: 0\n"
    case = {"kind": "rebuild", "input": text, "path": "meta.yaml", "expected": ""}

    ours, theirs = recipe_edits.rows([case, case], tmp_path, 1)

    assert (ours.subject, theirs.subject) == ("2 recipes", "2 of them")
    assert [one.what for one in ours.verdicts] == ["median", "p99", "of ruamel.yaml's reading"]
    assert (tmp_path / "meta.yaml").read_text().endswith("number: 1\n")


def test_changes_of_an_index_are_measured() -> None:
    changed = index_pages.changes(2, projects=20, files=60)
    assert [row.subject for row in changed] == [
        "root page of 20 projects, one changed",
        "publishing into 60 files, and its pages",
    ]
    assert all(len(row.usages) == 2 for row in changed)


def test_every_page_of_the_site_is_asked_for(tmp_path: Path) -> None:
    timings = asyncio.run(site_pages.measure("SQLite", tmp_path, "", projects=10, rounds=2))
    assert [one.page for one in timings] == list(site_pages.PAGES)
    assert all(one.size > 100 and one.p50 > 0 for one in timings)
