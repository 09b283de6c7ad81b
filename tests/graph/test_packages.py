"""Packages and what they need, as a graph."""

from wheelyard.graph.packages import Edge, EdgeKind, Need, Package, PackageGraph, RunExport
from wheelyard.graph.ways import why, why_cycle


def package(name: str, *needs: Need, **more: object) -> Package:
    return Package(name=name, needs=needs, **more)  # type: ignore[arg-type]


def host(name: str, *platforms: str) -> Need:
    return Need(name=name, kind=EdgeKind.HOST, platforms=frozenset(platforms))


def run(name: str, *platforms: str) -> Need:
    return Need(name=name, kind=EdgeKind.RUN, platforms=frozenset(platforms))


def build(name: str) -> Need:
    return Need(name=name, kind=EdgeKind.BUILD)


def test_who_needs_an_output_depends_on_the_package_that_puts_it_out() -> None:
    graph = PackageGraph(
        [package("gdal", outputs=("libgdal", "gdal")), package("fiona", host("libgdal"))]
    )

    assert graph.edges_to("fiona") == (
        Edge(source="gdal", to="fiona", kinds=frozenset({EdgeKind.HOST})),
    )


def test_needing_its_own_output_is_no_edge() -> None:
    graph = PackageGraph([package("gdal", run("libgdal"), outputs=("libgdal", "gdal"))])

    assert graph.edges_to("gdal") == ()


def test_one_edge_has_all_kinds_and_all_platforms_of_its_needs() -> None:
    needs = (host("zlib", "linux-64"), run("zlib", "osx-64"))
    graph = PackageGraph([package("zlib"), package("png", *needs)])

    (edge,) = graph.edges_to("png")

    assert edge.kinds == {EdgeKind.HOST, EdgeKind.RUN}
    assert edge.counts_on(frozenset({"osx-64"}))
    assert not edge.counts_on(frozenset({"win-64"}))


def test_a_need_without_platforms_holds_everywhere() -> None:
    graph = PackageGraph([package("zlib"), package("png", host("zlib", "linux-64"), run("zlib"))])

    assert graph.edges_to("png")[0].counts_on(frozenset({"win-64"}))


def test_strong_run_exports_of_build_needs_come_into_host_and_run() -> None:
    exports = (RunExport(output="gcc", name="libgcc", strong=True),)
    graph = PackageGraph(
        [package("gcc", exports=exports), package("libgcc"), package("app", build("gcc"))]
    )

    edge = graph.edge("libgcc", "app")

    assert edge is not None
    assert edge.kinds == {EdgeKind.HOST, EdgeKind.RUN}


def test_weak_run_exports_come_along_from_host_into_run_alone() -> None:
    exports = (RunExport(output="openssl", name="openssl-libs"),)
    graph = PackageGraph(
        [
            package("openssl", exports=exports, outputs=("openssl", "openssl-libs")),
            package("curl", host("openssl")),
            package("perl", build("openssl")),
        ]
    )

    assert graph.edges_to("curl")[0].kinds == {EdgeKind.HOST, EdgeKind.RUN}
    assert graph.edges_to("perl")[0].kinds == {EdgeKind.BUILD}


def test_an_output_of_two_packages_makes_both_parents() -> None:
    graph = PackageGraph(
        [package("a", outputs=("mpi",)), package("b", outputs=("mpi",)), package("c", host("mpi"))]
    )

    assert graph.makers("mpi") == ("a", "b")
    assert graph.parents()["c"] == ("a", "b")


def test_parents_are_those_of_the_kinds_and_platforms_that_are_asked_for() -> None:
    graph = PackageGraph(
        [package("a"), package("b"), package("c", host("a"), run("b", "linux-64"))]
    )

    assert graph.parents(kinds=[EdgeKind.HOST])["c"] == ("a",)
    assert graph.parents(platforms=frozenset({"osx-64"}))["c"] == ("a",)
    assert graph.parents(platforms=frozenset({"linux-64"}))["c"] == ("a", "b")


def test_a_changed_package_makes_another_graph_and_leaves_the_old_one() -> None:
    graph = PackageGraph([package("a"), package("b", host("a")), package("c")])

    other = graph.with_packages([package("b", host("c"))], gone=["a", "unknown"])

    assert other.parents()["b"] == ("c",)
    assert graph.parents()["b"] == ("a",)
    assert "a" not in other.packages


def test_why_names_the_fewest_edges_from_one_package_to_another() -> None:
    graph = PackageGraph(
        [
            package("zlib"),
            package("png", host("zlib")),
            package("tiff", host("png")),
            package("pillow", host("tiff"), run("png")),
        ]
    )

    found = why(graph, "pillow", "zlib")

    assert [(edge.to, edge.source) for edge in found] == [("pillow", "png"), ("png", "zlib")]
    assert why(graph, "zlib", "pillow") == ()
    assert why(graph, "zlib", "zlib") == ()


def test_the_shortest_way_round_a_cycle_is_told() -> None:
    graph = PackageGraph(
        [package("a", host("b")), package("b", host("c"), run("a")), package("c", host("a"))]
    )

    assert [edge.source for edge in why_cycle(graph, "a")] == ["b", "a"]
    assert why_cycle(PackageGraph([package("a")]), "a") == ()
