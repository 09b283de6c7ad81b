"""Recorded ecosystems and migrations, as the planner reads them."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wheelyard.graph.packages import EdgeKind, Need, Package, PackageGraph
from wheelyard.migrate.membership import Scope
from wheelyard.migrate.states import Evidence, Offered

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
needs_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason="the recorded cases do not lie beside this checkout"
)
_KINDS = {"build": EdgeKind.BUILD, "host": EdgeKind.HOST, "run": EdgeKind.RUN}
# The records tell no merged proposal from one that was closed, and count both as done.
_RECORDED = {
    None: Evidence(),
    "open": Evidence(offered=Offered.OPEN),
    "closed": Evidence(offered=Offered.MERGED, migrated=True, published=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ecosystem:
    """One recorded case."""

    seed: int
    graph: PackageGraph
    scope: Scope
    evidence: Mapping[str, Evidence]
    packages: Mapping[str, Mapping[str, Any]]
    expected: Mapping[str, Any]


def ecosystems() -> Iterator[Ecosystem]:
    """Read them all."""
    with gzip.open(CASES / "readiness.jsonl.gz", "rt") as lines:
        for line in lines:
            yield ecosystem(json.loads(line))


def ecosystem(case: Mapping[str, Any]) -> Ecosystem:
    """Read one."""
    options = case["options"]
    packages = [
        Package(
            name=name,
            needs=tuple(
                Need(name=needed, kind=kind) for key, kind in _KINDS.items() for needed in told[key]
            ),
            noarch=told["noarch"] or "",
            archived=told["archived"],
            broken="cannot be parsed" if told["parsing_error"] else "",
        )
        for name, told in case["packages"].items()
    ]
    return Ecosystem(
        seed=case["seed"],
        graph=PackageGraph(packages),
        scope=Scope(
            pins=frozenset({case["pinned"]}),
            exclude=frozenset(options.get("exclude", ())),
            with_noarch=options.get("include_noarch", False),
            with_pinned=not options.get("exclude_pinned_pkgs", True),
            ignored={
                name: frozenset(names)
                for name, names in options.get("ignored_deps_per_node", {}).items()
            },
        ),
        evidence={name: _RECORDED[told["state"]] for name, told in case["packages"].items()},
        packages=case["packages"],
        expected=case["expected"],
    )
