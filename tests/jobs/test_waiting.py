"""The sentence that says why a job waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

from wheelyard.jobs.needs import Needs
from wheelyard.jobs.waiting import Blocker, Standing, Unbuilt, duration, why_blocked, why_unbuilt
from wheelyard.model.builder import Builder, Facts, FactValue, Health, Mode

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def standing(
    name: str,
    mode: Mode = Mode.ACTIVE,
    *,
    free: int = 0,
    present: bool = True,
    health: Health | None = None,
    **facts: FactValue,
) -> Standing:
    values = tuple(sorted(facts.items()))
    builder = Builder(
        name=name,
        mode=mode,
        facts=Facts(version="1", slots=1, values=values),
        health=health or Health(),
    )
    return Standing(builder=builder, free=free, present=present)


def why(needs: str, builders: list[Standing], **more: Any) -> str:
    return why_unbuilt(Unbuilt(needs=Needs.parse(needs), **more), builders, NOON)


def test_what_must_be_built_first_is_named_with_where_and_how_long() -> None:
    numpy = Blocker(name="numpy 2.4", where="arm-3", seconds_left=840)
    assert why_blocked([numpy]) == "waits for numpy 2.4, building on arm-3, about 14 min left"
    assert (
        why_blocked([Blocker(name="a 1"), numpy])
        == "waits for a 1, which waits itself (and 1 more)"
    )


def test_builders_that_could_run_it_are_told_with_what_keeps_them() -> None:
    builders = [
        standing("arm-1", arch="aarch64"),
        standing("arm-4", Mode.DRAINING, arch="aarch64"),
        *(standing(f"x-{number}", arch="x86_64") for number in range(3)),
    ]
    assert why("arch=aarch64", builders) == (
        "2 of 5 builders could run it: arm-1 busy, arm-4 drained"
    )


def test_what_no_builder_has_is_named_with_the_nearest() -> None:
    builders = [standing("c1", foo=1, bar=(1, 2)), standing("c2", foo=2, bar=(2, 3))]
    assert why("foo=3", builders) == ("no builder has foo=3; the nearest builder, c1, has foo=1")
    assert why("foo=1,bar=[3]", builders) == (
        "needs bar=[3]; the nearest builder, c1, has bar=[1,2]"
    )
    assert why("gpu=yes", []) == "no builder is enrolled; it needs gpu=yes"


def test_builders_that_are_away_are_told() -> None:
    assert (
        why("foo=1", [standing("c1", present=False, foo=1)]) == "c1 could run it, but is not there"
    )


def test_refusals_are_told_with_their_reason() -> None:
    found = why("foo=1", [standing("c1", foo=1)], refused_by=("c1",), reason="no fortran")
    assert found == "c1 refused it: no fortran"


def test_a_job_that_waits_for_its_next_try_says_when() -> None:
    found = why("foo=1", [], not_before=NOON + timedelta(minutes=5), reason="upstream was away")
    assert found == "is tried again in 5 min: upstream was away"


def test_a_free_builder_means_that_it_is_next() -> None:
    assert why("foo=1", [standing("c1", foo=1, free=1)]) == "is next"
    assert why("foo=1", [standing("c1", foo=1, free=1)], ahead=3) == "is next but 3"


def test_an_unwell_builder_says_of_what() -> None:
    sick = Health(well=False, reason="disk 98 % full")
    assert why("foo=1", [standing("c1", foo=1, free=1, health=sick)]) == (
        "1 of 1 builders could run it: c1 unwell (disk 98 % full)"
    )


def test_times_are_written_as_people_do() -> None:
    assert [duration(s) for s in (0, 45, 840, 7300, 200_000)] == [
        "0 s",
        "45 s",
        "14 min",
        "2 h",
        "2 days",
    ]
