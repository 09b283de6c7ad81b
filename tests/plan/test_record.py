"""A plan survives being written and read."""

from datetime import UTC, datetime

import pytest

from plan.world import Package, World, target
from wheelyard.errors import InvalidPlanError
from wheelyard.model.resolution import CandidatePolicy, Query
from wheelyard.plan.record import Answer, PlanRecord
from wheelyard.plan.unit import PlanOptions


def record() -> PlanRecord:
    world = World(
        {"app": Package(run=("lib",), uploaded=datetime(2026, 1, 1, tzinfo=UTC)), "lib": Package()}
    )
    policy = CandidatePolicy(before=datetime(2026, 1, 2, tzinfo=UTC))
    query = Query(requirements=("app",), target=target("cp312"), policy=policy)
    return PlanRecord(
        options=PlanOptions(
            requirements=("app",),
            requested=frozenset({"app"}),  # type: ignore[arg-type]
            targets=(target("cp312"), target("cp313t")),
            policy=policy,
            toolchains={"cp312": "gcc"},
        ),
        answers=(Answer(query=query, resolution=world.resolve(query)),),
    )


def test_record_reads_back_as_it_was() -> None:
    assert PlanRecord.decode(record().encode()) == record()


def test_same_plan_gives_the_same_text() -> None:
    assert record().encode() == record().encode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a recorded plan"),
        ("{}", "not a recorded plan"),
        ('{"wheelyard_plan": 2}', "format 2"),
        ('{"wheelyard_plan": 1}', "cannot be read"),
        (record().encode().replace('"1.0"', '"not a version"'), "cannot be read"),
    ],
)
def test_other_files_are_refused_with_the_way_out(text: str, says: str) -> None:
    with pytest.raises(InvalidPlanError, match=says) as caught:
        PlanRecord.decode(text)
    assert caught.value.hint
