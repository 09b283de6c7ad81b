"""Faults that are asked for happen where and as often as was said, and names that are none are refused."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wheelyard
from wheelyard import failpoints
from wheelyard.errors import ConfigurationError, OutOfSpaceError, StoreError
from wheelyard.store.clock import SystemClock

SOURCES = Path(wheelyard.__file__).parent
# A campaign builds nothing by itself: its faults are tried on its own service, not on a farm of builders.
CAMPAIGNS = Path(__file__).parent.parent / "campaigns" / "test_service.py"
PAGE = SOURCES.parent.parent / "docs" / "reference" / "failpoints.md"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def test_nothing_happens_where_nothing_was_asked_for() -> None:
    for place in failpoints.PLACES:
        failpoints.pass_by(place)
    assert failpoints.damaged("upload.body", b"x") == b"x"
    assert failpoints.times("delivery.say") == 1
    assert not failpoints.armed()


def test_a_fault_happens_from_its_first_time_on_and_so_often() -> None:
    failpoints.arm("build.begin=error@2*2")
    failpoints.pass_by("build.begin")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"build\.begin"):
            failpoints.pass_by("build.begin")
    failpoints.pass_by("build.begin")


def test_each_action_does_what_it_says() -> None:
    failpoints.arm(
        "intake.before_commit=disk-full, upload.body=flip*1, delivery.say=repeat:5, "
        "build.begin=sleep:0.01"
    )
    with pytest.raises(OutOfSpaceError):
        failpoints.pass_by("intake.before_commit")
    assert failpoints.damaged("upload.body", b"abc") == b"`bc"
    assert failpoints.damaged("upload.body", b"abc") == b"abc"
    assert failpoints.times("delivery.say") == 5
    failpoints.pass_by("build.begin")


def test_a_clock_can_be_wrong() -> None:
    right = SystemClock().now()
    failpoints.arm("clock.now=shift:-3600")
    assert 3590 < (right - SystemClock().now()).total_seconds() < 3610


def test_a_killed_process_says_nothing_more() -> None:
    code = "from wheelyard import failpoints as f; f.arm('build.begin=kill'); f.pass_by('build.begin'); print('alive')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (-9, b"")


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("intake.befor_commit=kill", "no failpoint 'intake.befor_commit'", "intake.before_commit"),
        ("nowhere=kill", "no failpoint 'nowhere'", "There are: "),
        ("build.begin=kil", "cannot do 'kil'", "'kill'"),
        ("build.begin", "is no failpoint", "PLACE=ACTION"),
        ("build.begin=sleep", "takes a number", "PLACE=ACTION"),
        ("build.begin=kill:3", "takes no number", "PLACE=ACTION"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_what_is_near(
    text: str, said: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        failpoints.arm(text)
    assert hint in caught.value.hint


def test_places_and_actions_are_those_of_the_documentation() -> None:
    text = PAGE.read_text("utf-8")
    listed = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| .* \| `?([a-z]+)`? \|$", text, re.MULTILINE)
    stops = {"kill", "error", "sleep", "disk-full"}
    assert {place: stops if may == "stop" else {may} for place, may in listed} == {
        place: set(actions) for place, actions in failpoints.PLACES.items()
    }


def test_every_place_is_passed_somewhere_and_no_other() -> None:
    passed = set[str]()
    for path in SOURCES.rglob("*.py"):
        if path.name != "failpoints.py":
            text = path.read_text("utf-8")
            passed |= set(re.findall(r"(?:pass_by|shift|times|damaged)\(\s*\"([a-z._]+)\"", text))
    assert passed == set(failpoints.PLACES)


def test_every_place_is_a_fault_of_some_row_or_of_a_campaigns_test() -> None:
    rows = "".join(p.read_text("utf-8") for p in (SOURCES / "selftest" / "rows").glob("*.py"))
    of_campaigns = CAMPAIGNS.read_text("utf-8")
    assert [
        place
        for place in failpoints.PLACES
        if f"{place}=" not in rows and f'"{place}"' not in of_campaigns
    ] == []
