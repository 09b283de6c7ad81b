"""Who is in a migration, and who waits for whom there."""

from graph.test_packages import build, host, package, run
from wheelyard.graph.packages import EdgeKind, Need, PackageGraph
from wheelyard.migrate.membership import LeftOut, Rank, Scope, membership

PINS = frozenset({"libssl"})


def test_a_pin_finds_the_packages_that_have_it_in_their_host_sections() -> None:
    graph = PackageGraph(
        [
            package("openssl", outputs=("openssl", "libssl")),
            package("curl", host("libssl")),
            package("git", host("curl")),
            package("perl", build("libssl")),
            package("make", build("libssl"), host("perl")),
        ]
    )

    found = membership(graph, Scope(pins=PINS))

    assert sorted(found.parents) == ["curl", "perl"]


def test_needs_for_building_count_where_a_migration_says_so() -> None:
    graph = PackageGraph([package("make", build("libssl"), host("perl"))])

    assert sorted(membership(graph, Scope(pins=PINS, with_build=True)).parents) == ["make"]


def test_who_is_left_out_is_told_with_the_reason() -> None:
    graph = PackageGraph(
        [
            package("old", host("libssl"), archived=True),
            package("bad", host("libssl"), broken="line 3: no YAML"),
            package("pure", host("libssl"), noarch="python"),
            package("mac", host("libssl"), platforms=frozenset({"osx-64"})),
            package("unwanted", host("libssl")),
            package("openssl", host("libssl"), outputs=("libssl",)),
            package("curl", host("libssl")),
        ]
    )
    scope = Scope(
        pins=PINS, exclude=frozenset({"unwanted"}), platforms=frozenset({"linux-aarch64"})
    )

    found = membership(graph, scope)

    assert sorted(found.parents) == ["curl"]
    assert found.left_out == {
        "old": LeftOut.ARCHIVED,
        "bad": LeftOut.BROKEN,
        "pure": LeftOut.NOARCH,
        "mac": LeftOut.PLATFORM,
        "unwanted": LeftOut.EXCLUDED,
        "openssl": LeftOut.PINNED,
    }


def test_a_need_on_another_platform_neither_counts_nor_blocks() -> None:
    graph = PackageGraph(
        [
            package("a", host("libssl")),
            package("b", host("libssl"), host("a", "win-64")),
            package("c", host("libssl", "win-64")),
        ]
    )

    found = membership(graph, Scope(pins=PINS, platforms=frozenset({"linux-64"})))

    assert found.parents == {"a": (), "b": ()}


def test_a_package_between_two_members_keeps_them_in_order() -> None:
    graph = PackageGraph(
        [
            package("a", host("libssl")),
            package("between", run("a")),
            package("upper", run("between")),
            package("b", host("libssl"), host("upper")),
        ]
    )

    found = membership(graph, Scope(pins=PINS))

    assert found.parents["b"] == ("a",)
    assert found.ranks["a", "b"] is Rank.RUN


def test_what_a_package_that_is_not_built_again_was_built_with_orders_nobody() -> None:
    graph = PackageGraph(
        [
            package("a", host("libssl")),
            package("between", host("a")),
            package("b", host("libssl"), host("between")),
        ]
    )

    assert membership(graph, Scope(pins=PINS)).parents["b"] == ()


def test_a_port_takes_all_that_its_packages_need() -> None:
    graph = PackageGraph(
        [
            package("zlib"),
            package("cmake"),
            package("numpy", host("zlib"), build("cmake")),
            package("scipy", host("numpy")),
            package("other"),
        ]
    )

    found = membership(graph, Scope(ports=frozenset({"scipy"})))

    assert sorted(found.parents) == ["cmake", "numpy", "scipy", "zlib"]


def test_the_fewest_edges_of_a_cycle_are_cut_and_tests_and_runs_before_builds() -> None:
    test = Need(name="b", kind=EdgeKind.TEST)
    graph = PackageGraph(
        [package("a", test), package("b", host("a"), run("c")), package("c", host("b"))]
    )

    found = membership(graph, Scope(chosen=frozenset({"a", "b", "c"})))

    assert found.ranks == {("b", "a"): Rank.TEST, ("a", "b"): Rank.BUILD, ("c", "b"): Rank.RUN} | {
        ("b", "c"): Rank.BUILD
    }
    assert found.without() == {("b", "a"), ("c", "b")}
    assert found.order() == ["a", "b", "c"]


def test_what_leads_to_a_settled_package_of_a_cycle_is_not_cut() -> None:
    graph = PackageGraph([package("a", host("b")), package("b", host("a"))])
    found = membership(graph, Scope(chosen=frozenset({"a", "b"})))

    assert len(found.without()) == 1
    assert found.without(["b"]) == frozenset()
