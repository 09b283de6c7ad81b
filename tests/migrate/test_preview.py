"""A migration, before it starts."""

from graph.test_packages import host, package
from wheelyard.graph.packages import PackageGraph
from wheelyard.migrate.membership import Scope, membership
from wheelyard.migrate.preview import Pace, preview
from wheelyard.migrate.priority import Limits

GRAPH = PackageGraph(
    [
        package("a"),
        package("b", host("a")),
        package("c", host("a")),
        package("d", host("b"), host("c")),
    ]
)
MEMBERS = membership(GRAPH, Scope(chosen=frozenset("abcd")))


def test_a_preview_tells_depth_cost_and_end() -> None:
    pace = Pace(build_seconds=lambda _: 1800.0, review_seconds=60.0, slots=2)

    found = preview(MEMBERS, Limits(), pace)

    assert found.order == ("a", "b", "c", "d")
    assert found.levels == (1, 2, 1)
    assert found.depth == 3
    assert found.machine_hours == 2.0
    assert found.seconds == 3 * 1860.0


def test_one_slot_builds_one_after_the_other() -> None:
    assert preview(MEMBERS, Limits(), Pace(build_seconds=lambda _: 100.0)).seconds == 400.0


def test_a_low_limit_makes_it_longer() -> None:
    pace = Pace(build_seconds=lambda _: 0.0, review_seconds=10.0, slots=9)
    members = membership(
        PackageGraph([package(name) for name in "abcdef"]), Scope(chosen=frozenset("abcdef"))
    )

    assert preview(members, Limits(first=1, most=1), pace).seconds == 60.0
    assert preview(members, Limits(first=6), pace).seconds == 10.0


def test_a_cycle_ends_nevertheless() -> None:
    graph = PackageGraph([package("a", host("b")), package("b", host("a"))])

    found = preview(
        membership(graph, Scope(chosen=frozenset("ab"))),
        Limits(),
        Pace(build_seconds=lambda _: 1.0),
    )

    assert found.cycles == (("a", "b"),)
    assert len(found.cut) == 1
    assert found.seconds == 2.0
