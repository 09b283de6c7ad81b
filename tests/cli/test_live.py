"""The live display says what happens before it can draw."""

import io

from rich.console import Console

from wheelyard.cli.display.live import LiveDisplay
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import JobStarted, SourceAsked
from wheelyard.model.job import BuildKey
from wheelyard.model.release import Release
from wheelyard.plan.events import UnitId
from wheelyard.targets.target import Target

STARTED = JobStarted(
    unit=UnitId(Release.parse("six==1.0"), Target.parse("cp312-linux_x86_64")),
    key=BuildKey("ab"),
    attempt=1,
    expected_seconds=None,
)


def test_what_is_built_to_ask_a_tree_is_said_before_the_display_starts() -> None:
    console = Console(file=io.StringIO(), width=200)
    display = LiveDisplay(console)

    display(SourceAsked(name="'./tree'"))
    display(STARTED)

    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "'./tree'" in printed
    assert "its build requirements are built first" in printed
    assert "building six 1.0 cp312 (attempt 1)" in printed


def test_what_the_display_draws_is_not_said_beside_it() -> None:
    console = Console(file=io.StringIO(), width=200)
    display = LiveDisplay(console)

    display.start(lambda: Standing(units=0, settled=0, running={}, seconds_left=0))
    display(STARTED)
    display.stop()

    assert "(attempt 1)" not in console.file.getvalue()  # type: ignore[attr-defined]
