"""What tests put into a farm for pages to show."""

import gzip
from dataclasses import replace

from web.place import FACTS, Place
from wheelyard.model.builder import Builder
from wheelyard.model.job import BuildKey, Outcome, Report, Step, StepName
from wheelyard.ports import Lease

HOSTILE = "<script>alert('x')</script>"
LOG = (
    "[wheelyard] unpack: 0.012 s, 0.010 s of processor time\n"
    "running build_ext\n"
    "\x1b[31msrc/x.c:1:10: fatal error: Python.h: No such file\x1b[0m\n"
    f"{HOSTILE}\n"
)
STEPS = (
    Step(name=StepName.UNPACK, started=0.0, seconds=0.4, cpu_seconds=0.3),
    Step(name=StepName.BUILD, started=0.4, seconds=3.6, cpu_seconds=3.0),
)


async def fail(place: Place, lease: Lease, *, log: bytes = LOG.encode()) -> None:
    """End an attempt as a failed build does, with its log."""
    digest = await place.ports.blobs.add_bytes(gzip.compress(log, mtime=0))
    report = Report(
        outcome=Outcome.FAILED,
        steps=STEPS,
        reason=f"Python.h not found {HOSTILE}",
        hint="Install python3-dev.",
        detail=f"fatal error: Python.h {HOSTILE}",
        log_digest=digest,
        log_bytes=len(log),
        sandbox=("bubblewrap", "seccomp"),
        repeat="pip wheel six==1.17.0",
        wall_seconds=4.0,
        cpu_seconds=3.3,
        peak_memory_bytes=123_000_000,
    )
    await place.jobs.finish(lease.key, lease.fence, report)


async def failed(place: Place, key: str = "k1" * 8) -> BuildKey:
    """Put a job into the queue that fails."""
    lease = await place.leased(key)
    await fail(place, lease)
    return lease.key


async def enrolled(place: Place, name: str = "arm-1") -> Builder:
    """Let a builder be known."""
    builder = Builder(name=name, owner="ann", facts=FACTS)
    await place.ports.builders.add(builder)
    return replace(builder)
