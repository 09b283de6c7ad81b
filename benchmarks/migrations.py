"""Migrations: a large graph ordered, its readiness kept up, a long chain, and recipes scanned."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.corpus import fresh
from benchmarks.measure import Usage
from benchmarks.report import Aim, Report, Row, Verdict, judged
from benchmarks.setting import Setting

from wheelyard.campaigns.scanning import Scanner
from wheelyard.graph.order import Layout
from wheelyard.migrate.membership import Membership, Rank
from wheelyard.migrate.progress import Progress
from wheelyard.migrate.states import Evidence
from wheelyard.testing.memo import MemoryMemo

PACKAGES, EDGES, CHAIN, RECIPES = 30_000, 150_000, 100_000, 10_000
_EVENTS = 200
_PUBLISHED = Evidence(migrated=True, published=True)
_RECIPE = """\
{{% set name = "p{number}" %}}
{{% set version = "1.{number}" %}}

package:
  name: {{{{ name|lower }}}}
  version: {{{{ version }}}}

source:
  url: https://example.org/{{{{ name }}}}-{{{{ version }}}}.tar.gz
  sha256: {number:064x}

build:
  number: 0
  skip: true  # [win and vc<14]

requirements:
  build:
    - {{{{ compiler('c') }}}}
    - make  # [not win]
  host:
{host}    - python
  run:
    - python

test:
  imports:
    - p{number}
"""


def run(setting: Setting, report: Report) -> None:
    """Measure all of it."""
    members = membership_of(PACKAGES, EDGES)
    whole, event = _graph(report, members)
    chain = {f"c{n}": (f"c{n - 1}",) if n else () for n in range(CHAIN)}
    rows = [
        Row(subject=f"{PACKAGES} packages, {EDGES} needs", runner="all of it", usages=whole),
        Row(
            subject=f"{PACKAGES} packages, {EDGES} needs",
            runner="one event",
            verdicts=(Verdict(what="p99", unit="ms", found=event, most=5.0),),
        ),
        Row(
            subject=f"a chain of {CHAIN}",
            runner="all of it",
            usages=(_timed(lambda: _all_of(Membership(parents=chain, ranks=_ranks(chain)))),),
        ),
        *_scans(setting, report),
    ]
    aims = [
        Aim(subject=rows[0].subject, runner="all of it", most=1.0, clock="wall"),
        Aim(subject=f"{RECIPES} recipes", runner="cold", most=60.0, clock="wall"),
        Aim(subject=f"{RECIPES} recipes", runner="one changed", most=2.0, clock="wall"),
    ]
    report.publish("migrations", judged(rows, aims))


def membership_of(packages: int, edges: int) -> Membership:
    """Return a migration of so many packages, the same each time."""
    chance = random.Random(1)  # noqa: S311 - a graph to measure
    names = [f"p{number:05}" for number in range(packages)]
    parents: dict[str, set[str]] = {name: set() for name in names}
    for _ in range(edges):
        lower, upper = sorted(chance.sample(range(packages), 2))
        parents[names[upper]].add(names[lower])
    found = {name: tuple(sorted(of_name)) for name, of_name in parents.items()}
    return Membership(parents=found, ranks=_ranks(found))


def _ranks(parents: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], Rank]:
    return {(one, name): Rank.BUILD for name, of_name in parents.items() for one in of_name}


def _all_of(members: Membership) -> Progress:
    layout = Layout(members.parents)
    assert len(layout.order()) == len(members.parents)
    assert layout.depths
    assert layout.descendants
    return Progress(members, {})


def _graph(report: Report, members: Membership) -> tuple[tuple[Usage, ...], float]:
    """Return what order, levels, descendants and readiness took, and the p99 of one event in milliseconds."""
    report.say(f"{len(members.parents)} packages")
    usages = tuple(_timed(lambda: _all_of(members)) for _ in range(3))
    progress = _all_of(members)
    took = []
    for name in members.order()[:_EVENTS]:
        began = time.perf_counter()
        progress.learn(name, _PUBLISHED)
        took.append(time.perf_counter() - began)
    return usages, 1000 * sorted(took)[int(0.99 * len(took))]


def _scans(setting: Setting, report: Report) -> list[Row]:
    folder = fresh(setting.cache / "recipes")
    chance = random.Random(2)  # noqa: S311 - recipes to measure
    for number in range(RECIPES):
        needs = sorted({chance.randrange(max(1, number)) for _ in range(8)})
        host = "".join(f"    - p{one}\n" for one in needs if one != number)
        write(folder, number, host)
    scanner = Scanner(memory=MemoryMemo())

    def scan() -> None:
        assert asyncio.run(scanner.folder(folder)).graph.parents()

    report.say(f"{RECIPES} recipes, cold")
    cold = _timed(scan)
    report.say(f"{RECIPES} recipes, one changed")
    write(folder, 7, "    - p3\n    - p5\n")
    changed = _timed(scan)
    subject = f"{RECIPES} recipes"
    return [
        Row(subject=subject, runner="cold", usages=(cold,)),
        Row(subject=subject, runner="one changed", usages=(changed,)),
    ]


def write(folder: Path, number: int, host: str) -> None:
    """Write a recipe as people do."""
    place = folder / f"p{number}-feedstock" / "recipe"
    place.mkdir(parents=True, exist_ok=True)
    (place / "meta.yaml").write_text(_RECIPE.format(number=number, host=host))


def _timed(work: Callable[[], object]) -> Usage:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Usage(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)
