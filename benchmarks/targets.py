"""Four targets beside one, for the pure packages: what is planned and built once must cost once."""

from collections.abc import Sequence

from benchmarks.corpus import PURE, cache_folder
from benchmarks.report import Row, publish
from benchmarks.runners import Wheelyard, fresh


def run(targets: Sequence[str], *, repeat: int) -> None:
    """Measure a build for the first target, and one for all of them."""
    rows = []
    for chosen in (targets[:1], targets):
        runner = Wheelyard(target=targets[0], name=f"wheelyard build, targets: {len(chosen)}")
        runner.prepare(PURE)
        more = tuple(word for target in chosen[1:] for word in ("--target", target))
        usages = []
        for _ in range(repeat):
            folder = fresh(cache_folder() / "run")
            usages.append(runner.build(PURE, folder, more))
        rows.append(Row(subject="pure", runner=runner.name, usages=tuple(usages)))
    publish("targets", rows, {})
    one, several = (row.typical for row in rows)
    print(
        f"{several.cpu / one.cpu:.2f} times the processor time, {several.wall / one.wall:.2f} the wall"
    )
