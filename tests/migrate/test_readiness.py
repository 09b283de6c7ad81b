"""Who is ready in a migration."""

from dataclasses import replace

import pytest

from graph.test_packages import host, package, run
from wheelyard.graph.packages import PackageGraph
from wheelyard.migrate.membership import Scope, membership
from wheelyard.migrate.progress import Progress
from wheelyard.migrate.states import Evidence, Offered, State
from wheelyard.migrate.telling import why

PUBLISHED = Evidence(offered=Offered.MERGED, migrated=True, published=True)
MERGED = replace(PUBLISHED, published=False)
OPEN = Evidence(offered=Offered.OPEN)
CLOSED = Evidence(offered=Offered.CLOSED)
BY_HAND = Evidence(migrated=True)
GRAPH = PackageGraph(
    [
        package("a"),
        package("b"),
        package("c", host("a"), host("b")),
        package("d", host("c")),
    ]
)


def progress(**evidence: Evidence) -> Progress:
    members = membership(GRAPH, Scope(chosen=frozenset("abcd")))
    return Progress(members, evidence)


@pytest.mark.parametrize(
    ("parent", "state"),
    [
        (PUBLISHED, State.AWAITING_PROPOSAL),
        (OPEN, State.AWAITING_PARENTS),
        (MERGED, State.AWAITING_PARENTS),
        (CLOSED, State.AWAITING_PARENTS),
        (BY_HAND, State.AWAITING_PROPOSAL),
        (replace(BY_HAND, published=False), State.AWAITING_PARENTS),
        (replace(BY_HAND, offered=Offered.CLOSED), State.AWAITING_PROPOSAL),
        (replace(MERGED, failed="it does not build"), State.AWAITING_PARENTS),
    ],
)
def test_a_package_is_ready_when_everything_below_it_is_published(
    parent: Evidence, state: State
) -> None:
    assert progress(a=PUBLISHED, b=parent).state("c") is state


def test_who_is_waited_for_is_named_with_its_state() -> None:
    found = progress(a=PUBLISHED, b=OPEN)

    assert found.missing("c") == ("b",)
    assert why(found, "c") == "waits for b (proposed)"
    assert why(found, "d") == "waits for c (awaiting-parents); in the end for b"


@pytest.mark.parametrize(
    ("known", "state", "told"),
    [
        (OPEN, State.PROPOSED, "its proposal waits for people"),
        (CLOSED, State.NEEDS_DECISION, "closed without being merged"),
        (MERGED, State.MERGED, "not published yet"),
        (PUBLISHED, State.PUBLISHED, "is published"),
        (BY_HAND, State.PUBLISHED, "by hand"),
        (Evidence(), State.AWAITING_PROPOSAL, "everything below it is published"),
        (Evidence(failed="no build number"), State.FAILED, "no build number"),
        (replace(MERGED, failed="no gcc"), State.FAILED, "no gcc"),
        (Evidence(not_solvable="no such zlib"), State.NOT_SOLVABLE, "no such zlib"),
    ],
)
def test_each_state_says_why(known: Evidence, state: State, told: str) -> None:
    found = progress(a=known)

    assert found.state("a") is state
    assert told in why(found, "a")


def test_a_closed_proposal_that_people_made_up_for_by_hand_counts() -> None:
    assert progress(a=replace(CLOSED, migrated=True)).state("a") is State.PUBLISHED


def test_one_event_changes_the_package_and_those_right_above_it() -> None:
    found = progress(a=PUBLISHED, b=OPEN)

    assert found.learn("b", MERGED) == ("b",)
    assert found.learn("b", PUBLISHED) == ("b", "c")
    assert found.ready == {"c"}
    assert found.learn("b", PUBLISHED) == ()
    assert found.learn("b", CLOSED) == ("b", "c")
    assert found.ready == frozenset()


def test_an_archived_parent_is_ignored_and_reported() -> None:
    graph = PackageGraph([package("old", archived=True), package("new", host("old"))])

    members = membership(graph, Scope(chosen=frozenset({"old", "new"})))

    assert Progress(members, {}).ready == {"new"}
    assert "old" in members.left_out


def test_an_ignored_parent_does_not_block() -> None:
    scope = Scope(chosen=frozenset("abcd"), ignored={"c": frozenset({"b", "z"})})

    found = Progress(membership(GRAPH, scope), {"a": PUBLISHED})

    assert "c" in found.ready
    assert found.members.parents["c"] == ("a", "b")


def test_members_of_a_cycle_come_one_after_the_other() -> None:
    graph = PackageGraph([package("x", host("y")), package("y", host("z")), package("z", run("x"))])
    found = Progress(membership(graph, Scope(chosen=frozenset("xyz"))), {})

    came = []
    while found.ready:
        (ready,) = found.ready
        came.append(ready)
        found.learn(ready, PUBLISHED)

    assert came == ["z", "y", "x"]
    assert found.finished


def test_who_keeps_most_others_waiting_is_told_first() -> None:
    found = progress(a=OPEN, b=Evidence(failed="no"))

    assert found.blockers() == [("a", 2), ("b", 2)]
    assert progress(a=PUBLISHED, b=PUBLISHED, c=OPEN).blockers() == [("c", 1)]
    assert found.counts()[State.AWAITING_PARENTS] == 2
    assert list(found.waiting()) == ["c", "d"]
    assert found.parents("d") == ("c",)
    assert found.children("b") == ("c",)
    assert not found.finished
