"""Planning 5,000 releases with recorded metadata: seconds and memory of the pure planner alone."""

import json
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.report import OUT, machine

RELEASES = 5000
AIM_SECONDS, AIM_MEGABYTES = 2.0, 300.0


def run(plan: Callable[[int], int]) -> None:
    """Measure ``plan``, which plans so many releases and answers with how many jobs there are."""
    started, cpu = time.perf_counter(), time.process_time()
    jobs = plan(RELEASES)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"planning {RELEASES} releases: {jobs} jobs")
    print(f"  {wall:.2f} s wall, {cpu:.2f} s cpu (aim: under {AIM_SECONDS} s)")
    print(f"  {peak:.0f} MB of this process at most (aim: under {AIM_MEGABYTES} MB)")
    OUT.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    content: dict[str, object] = {
        "benchmark": "planning",
        "at": now.isoformat(),
        "machine": machine(),
    }
    content |= {"releases": RELEASES, "jobs": jobs, "wall": wall, "cpu": cpu, "peak_mb": peak}
    (OUT / f"planning-{now:%Y%m%dT%H%M%SZ}.json").write_text(json.dumps(content, indent=1))
