"""The twelve packages with every build tool built from source too, then once more with nothing changed."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import COMPILED, PURE, cache_folder
from benchmarks.measure import Usage
from benchmarks.report import Row, publish
from benchmarks.runners import Fromager, Wheelyard, fresh, tree_sdists

SUBJECT, AGAIN = "tree from source", "again, nothing changed"


def run(python: Path, target: str, *, only: Sequence[str], repeat: int) -> None:
    """Measure ``fromager bootstrap`` and ``wheelyard build`` from a cache of sources alone."""
    releases = PURE + COMPILED
    taken: dict[tuple[str, str], list[Usage]] = {}
    fromager, wheelyard = Fromager(python=python), Wheelyard(target=target)
    if not any(tree_sdists().iterdir()):
        print("fetching every sdist of the tree by a first bootstrap", flush=True)
        fromager.prepare(releases)
    for _ in range(repeat):
        if not only or "fromager" in only:
            folder = fresh(cache_folder() / "run")
            got = fromager.bootstrap(releases, folder)
            taken.setdefault((SUBJECT, "fromager bootstrap"), []).append(got)
        if not only or "wheelyard" in only:
            first, second = wheelyard.tree(releases, fresh(cache_folder() / "run"))
            taken.setdefault((SUBJECT, wheelyard.name), []).append(first)
            taken.setdefault((AGAIN, wheelyard.name), []).append(second)
    rows = [Row(subject=what, runner=who, usages=tuple(got)) for (what, who), got in taken.items()]
    publish("tree_from_source", rows, {(SUBJECT, "fromager bootstrap"): 0.6})
