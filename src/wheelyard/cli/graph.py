"""``wheelyard graph``: what packages need each other for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from wheelyard.campaigns.scanning import Scan
from wheelyard.cli import campaign_options as c
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Database
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.neutral import neutral
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.graph.order import Layout
from wheelyard.graph.packages import Edge, PackageGraph
from wheelyard.graph.ways import why, why_cycle
from wheelyard.wiring.campaigns import Workplace

app = typer.Typer(help="Packages, and what they need each other for.", no_args_is_help=True)
_MOST = 20


@app.command("why")
def why_command(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    package: c.Package,
    needed: Annotated[
        str, typer.Argument(metavar="NEEDED", help="What it needs; itself: the shortest way round.")
    ],
    feedstocks: c.Feedstocks = None,
    wheels: c.Wheels = False,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Say by which steps PACKAGE needs NEEDED: the fewest that there are."""
    graph = _scanned(context, feedstocks, state, database, wheels=wheels).graph
    for name in (package, needed):
        _known(graph, name)
    edges = why_cycle(graph, package) if package == needed else why(graph, package, needed)
    if as_json:
        _json([_edge(edge) for edge in edges])
    elif not edges:
        say(results(), f"{package} does not need {needed}")
    for edge in () if as_json else edges:
        say(results(), _told(edge))


@app.command("show")
def show(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    package: Annotated[
        str, typer.Argument(metavar="[PACKAGE]", help="A package. Without it: all of them.")
    ] = "",
    feedstocks: c.Feedstocks = None,
    wheels: c.Wheels = False,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Show packages with what they put out and need, how deep they are and how much hangs on them."""
    scan = _scanned(context, feedstocks, state, database, wheels=wheels)
    graph = scan.graph
    if package:
        _known(graph, package)
    layout = Layout(graph.parents())
    rows = [_row(graph, layout, name) for name in ([package] if package else layout.order())]
    if as_json:
        _json({"packages": rows, "cycles": [sorted(part) for part in layout.cycles]})
        return
    _print(rows)
    for part in layout.cycles:
        say(results(), f"cycle: {', '.join(sorted(part)[:_MOST])}")


def _scanned(
    context: typer.Context,
    feedstocks: Path | None,
    state: Path | None,
    database: str,
    *,
    wheels: bool,
) -> Scan:
    async def work(place: Workplace) -> Scan:
        return await place.scan(wheels=wheels)

    scan = c.with_workplace(context, feedstocks, state, database, work)
    for one in scan.broken:
        typer.echo(neutral(f"warning: {one.place}: {one.package.broken}"), err=True)
    return scan


def _known(graph: PackageGraph, name: str) -> None:
    if name not in graph.packages:
        makers = ", ".join(graph.makers(name))
        raise ConfigurationError(
            f"{name!r} is no package of these recipes",
            hint=f"It is put out by {makers}." if makers else nearest(name, graph.packages),
        )


def _row(graph: PackageGraph, layout: Layout, name: str) -> dict[str, Any]:
    package = graph.packages[name]
    return {
        "package": name,
        "outputs": package.outputs or (name,),
        "needs": [_edge(edge) for edge in graph.edges_to(name)],
        "depth": layout.depths[name],
        "descendants": layout.descendants[name],
        "noarch": package.noarch,
        "broken": package.broken,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "package": edge.to,
        "needs": edge.source,
        "for": sorted(kind.value for kind in edge.kinds),
        "platforms": sorted(edge.platforms),
    }


def _told(edge: Edge) -> str:
    ends = " and ".join(sorted(kind.value for kind in edge.kinds))
    where = f" on {', '.join(sorted(edge.platforms))}" if edge.platforms else ""
    return f"{edge.to} needs {edge.source} for {ends}{where}"


def _print(rows: Iterable[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("package", "depth", "descendants", "needs"):
        table.add_column(column, overflow="fold")
    for row in rows:
        needs = ", ".join(edge["needs"] for edge in row["needs"])
        told = row["broken"] or needs
        table.add_row(
            Text(neutral(row["package"])),
            str(row["depth"]),
            str(row["descendants"]),
            Text(neutral(told)),
        )
    results().print(table)


def _json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
