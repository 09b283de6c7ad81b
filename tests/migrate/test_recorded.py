"""Recorded ecosystems, and two real migrations."""

import json

import pytest

from migrate.ecosystems import CASES, Ecosystem, ecosystems, needs_cases
from wheelyard.graph.cycles import components
from wheelyard.migrate.conda_status import read_status
from wheelyard.migrate.membership import membership
from wheelyard.migrate.progress import Progress
from wheelyard.migrate.states import State

pytestmark = needs_cases


def planned(case: Ecosystem) -> Progress:
    return Progress(membership(case.graph, case.scope), case.evidence)


def in_state(found: Progress, state: State) -> list[str]:
    return sorted(node for node, one in found.states.items() if one is state)


def test_every_recorded_ecosystem_has_the_same_members_edges_and_descendants() -> None:
    for case in ecosystems():
        found, expected = planned(case), case.expected
        edges = [[one, node] for node, parents in found.members.parents.items() for one in parents]

        assert sorted(found.members.parents) == sorted(expected["in_migration"]), case.seed
        assert sorted(edges) == sorted(expected["edges"]), case.seed
        assert found.layout.descendants == expected["num_descendants"], case.seed


def test_every_recorded_ecosystem_has_the_same_states_but_in_cycles() -> None:
    """The bot offers all members of a cycle at once; here they come one after the other (section 10)."""
    differing = []
    for case in ecosystems():
        found, status = planned(case), case.expected["status"]

        assert in_state(found, State.PUBLISHED) == sorted(status["done"]), case.seed
        assert in_state(found, State.PROPOSED) == sorted(status["in-pr"]), case.seed
        ready = in_state(found, State.AWAITING_PROPOSAL)
        if ready != sorted(status["awaiting-pr"]):
            differing.append(case.seed)
            at_once = {node for part in found.layout.cycles for node in part}
            assert set(ready) <= set(status["awaiting-pr"]), case.seed
            assert set(status["awaiting-pr"]) - set(ready) <= at_once, case.seed
    assert len(differing) == 19


def test_every_recorded_order_holds_parents_first() -> None:
    for case in ecosystems():
        members = planned(case).members
        place = {node: number for number, node in enumerate(members.order())}
        cut = members.without()

        assert sorted(place) == sorted(members.parents)
        assert all(
            place[one] < place[node]
            for node, parents in members.parents.items()
            for one in parents
            if (one, node) not in cut and (one, node) not in members.ignored
        ), case.seed


@pytest.mark.parametrize(
    ("name", "size", "ready"),
    [
        ("openssl", 67, []),
        ("archrebuild", 219, ["future", "openblas", "pandoc", "pkgconfig", "sqlalchemy"]),
    ],
)
def test_a_real_migration_is_ordered_without_a_violated_edge(
    name: str, size: int, ready: list[str]
) -> None:
    status = read_status((CASES / f"{name}.json").read_bytes(), name)
    found = Progress(status.members, status.evidence)
    members = found.members
    place = {node: number for number, node in enumerate(members.order())}
    group = {node: part for part in components(members.parents) for node in part}

    assert len(place) == size
    assert not [
        (one, node)
        for node, parents in members.parents.items()
        for one in parents
        if place[one] > place[node] and one not in group.get(node, ())
    ]
    told = json.loads((CASES / f"{name}.json").read_text())
    assert in_state(found, State.PUBLISHED) == sorted(told["done"])
    assert in_state(found, State.PROPOSED) == sorted(told["in-pr"])
    # They wait there for what the page does not show: nothing that it shows is below them.
    assert in_state(found, State.AWAITING_PROPOSAL) == ready
    waiting = sorted({*in_state(found, State.AWAITING_PARENTS), *ready})
    assert waiting == sorted(told["awaiting-parents"])
