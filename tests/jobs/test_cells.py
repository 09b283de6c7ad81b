"""How a project stands for a target follows its jobs, in whatever order they change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.jobs.cells import FAILURES, Cell, fold, follow, state_word, unsettles
from wheelyard.jobs.job import Job, State
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

TARGET = Target.parse("cp312-manylinux_2_28_x86_64")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
STANDINGS = (
    (State.READY, None),
    (State.LEASED, None),
    (State.HELD, None),
    (State.CANCELLED, None),
    *((State.DONE, outcome) for outcome in (Outcome.BUILT, Outcome.FAILED, Outcome.LOST)),
)


def job(number: int, version: str, state: State, outcome: Outcome | None = None) -> Job:
    return Job(
        key=BuildKey(f"k{number}"),
        release=Release.of("six", version),
        target=TARGET,
        state=state,
        outcome=outcome,
        changed=BEGUN + timedelta(seconds=number),
    )


jobs = st.lists(
    st.tuples(st.sampled_from(["1.0", "1.9", "1.10", "2.0rc1"]), st.sampled_from(STANDINGS)),
    min_size=1,
    max_size=8,
).map(lambda found: [job(n, version, *standing) for n, (version, standing) in enumerate(found)])


@given(jobs)
def test_a_cell_is_the_newest_version_and_the_newest_that_was_built(found: list[Job]) -> None:
    cell = fold(found)
    assert cell is not None
    newest = max(one.release.version for one in found)
    last = [one for one in found if one.release.version == newest][-1]
    assert (cell.key, cell.state) == (last.key, state_word(last))
    built = [one.release.version for one in found if state_word(one) == "built"]
    assert cell.built_version == (str(max(built)) if built else "")
    assert cell.regressed == (cell.state in FAILURES and bool(built))


@given(jobs)
def test_following_one_change_at_a_time_is_the_same(found: list[Job]) -> None:
    cell: Cell | None = None
    for one in found:
        cell = follow(cell, one)
    assert cell == fold(found)


def test_versions_are_in_their_own_order() -> None:
    cell = fold([job(1, "1.10", State.DONE, Outcome.BUILT), job(2, "1.9", State.READY)])
    assert cell is not None
    assert (cell.version, cell.state) == ("1.10", "built")


def test_only_the_job_that_was_built_can_unsettle_its_cell() -> None:
    built = job(1, "1.0", State.DONE, Outcome.BUILT)
    cell = follow(None, built)
    assert not unsettles(None, built)
    assert not unsettles(cell, built)
    assert not unsettles(cell, job(2, "1.0", State.READY))
    assert unsettles(cell, job(1, "1.0", State.READY))


def test_nothing_has_no_cell() -> None:
    assert fold([]) is None
