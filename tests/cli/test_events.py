"""What ``--json`` prints has the same form in each event, and is documented."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from packaging.tags import parse_tag

from wheelyard.cli.display.events import encode, kind
from wheelyard.coordinator import story
from wheelyard.coordinator.command_run import CommandEnded
from wheelyard.model.artifact import Artifact, InputWheel, Origin
from wheelyard.model.job import (
    BuildKey,
    Finding,
    Offer,
    Outcome,
    Report,
    Step,
    StepName,
    Verdict,
)
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion, UnitId
from wheelyard.plan.summary import Ending, Row
from wheelyard.plan.unit import Provision
from wheelyard.targets.target import Target

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
TARGET = Target.parse("cp312-manylinux_2_28_x86_64")
RELEASE = Release.parse("six==1.0")
UNIT = UnitId(RELEASE, TARGET)
KEY = BuildKey("ab" * 32)
WHEEL = Artifact(
    filename="six-1.0-py3-none-any.whl",
    digest="sha256:aa",
    size=7,
    release=RELEASE,
    tags=frozenset(parse_tag("py3-none-any")),
    origin=Origin.BUILT,
    target=TARGET,
    created=datetime(2026, 1, 1, tzinfo=UTC),
)
REPORT = Report(
    outcome=Outcome.BUILT,
    steps=(Step(name=StepName.BUILD, started=0.5, seconds=1.5),),
    artifact=WHEEL,
    findings=(Finding(check="import", message="odd", verdict=Verdict.WARN),),
)
SOURCE = Source(kind=SourceKind.SDIST, location="https://a.invalid/six-1.0.tar.gz", digest="")
OFFER = Offer(
    key=KEY,
    release=RELEASE,
    source=SOURCE,
    target=TARGET,
    requirements=(InputWheel(filename="t-1.whl", digest="", release=RELEASE, origin=Origin.BUILT),),
)
CYCLE = BrokenCycle(cycle=(UNIT,), members=frozenset({UNIT}), seeds=(UNIT,), cut=((UNIT, UNIT),))
VALUES: dict[str, Any] = {
    "unit": UNIT,
    "cause": UNIT,
    "target": TARGET,
    "release": RELEASE,
    "key": KEY,
    "exclusions": (Exclusion(requirement="six", target=TARGET, reason="none"),),
    "broken": CYCLE,
    "offer": OFFER,
    "step": StepName.BUILD,
    "report": REPORT,
    "artifact": WHEEL,
    "provision": Provision.BUILT,
    "ending": Ending.BUILT,
    "outcome": Outcome.BUILT,
    "releases": 1,
    "attempt": 1,
    "again_in": None,
    "expected_seconds": 1.5,
    "bootstrap": False,
    "requested": True,
}
KINDS: tuple[Any, ...] = (*get_args(story.RunEvent), Row, CommandEnded)


def printed(event: Any) -> dict[str, Any]:
    values = {field.name: VALUES.get(field.name, "text") for field in fields(event)}
    read: dict[str, Any] = json.loads(encode(event(**values)))
    return read


def named(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every field at whatever depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner)


@pytest.mark.parametrize("event", KINDS)
def test_targets_releases_and_units_are_written_alike_in_every_event(event: Any) -> None:
    for name, value in named(printed(event)):
        if name == "target":
            assert Target.parse(value) == TARGET
        elif name == "release":
            assert Release.parse(value) == RELEASE
        elif name in {"unit", "cause"}:
            assert value == {"release": str(RELEASE), "target": str(TARGET)}


@pytest.mark.parametrize("event", KINDS)
def test_every_event_and_each_field_of_it_is_documented(event: Any) -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    name = re.escape(kind(event(**{f.name: VALUES.get(f.name, "") for f in fields(event)})))
    (line,) = [line for line in lines if re.match(rf"\| `{name}` \|", line)]

    assert [key for key in printed(event) if key != "event" and f"`{key}`" not in line] == []


def test_no_event_is_documented_that_does_not_exist() -> None:
    table = PAGE.read_text("utf-8").partition("## Kinds")[2]
    documented = set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE))
    assert documented == {printed(event)["event"] for event in KINDS}
