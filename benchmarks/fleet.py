"""A farm on which nothing happens, one large artifact, and a builder that dies.

A hundred builders (agents with connections of their own, in one process) say every few seconds that they are there; what
the coordinator's process takes of a processor and of memory is read from ``/proc``. Then a builder leaves an archive of half
a gigabyte, and in the end one of two that sleep over a job is killed, and the other one has to begin it anew.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.farm import (
    Fleet,
    MeasuredFarm,
    cpu_seconds,
    forget_peak,
    memory_bytes,
    open_farm,
)
from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting

_MB = 1e6
_SETTLING_SECONDS = 15.0
_LEASE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many builders idle for how long, and how large the archive is."""

    builders: int = 100
    seconds: float = 60.0
    payload: int = 500_000_000
    lose: bool = True


def run(setting: Setting, report: Report, sizes: Sizes | None = None) -> None:
    """Measure all three on one farm, one after the other."""
    sizes = sizes or Sizes()
    works = (_idle, _large, _lost) if sizes.lose else (_idle, _large)
    with (
        tempfile.TemporaryDirectory(dir=setting.cache) as folder,
        open_farm(Path(folder)) as farm,
    ):
        report.publish("fleet", [work(farm, report, sizes) for work in works])


def _idle(farm: MeasuredFarm, report: Report, sizes: Sizes) -> Row:
    report.say(f"{sizes.builders} builders come")
    fleet = farm.builders(*(f"idle-{number}" for number in range(sizes.builders)))
    report.say(f"{sizes.builders} builders idle for {sizes.seconds:.0f} s")
    time.sleep(min(_SETTLING_SECONDS, sizes.seconds))
    parts = farm.parts()
    before = {name: cpu_seconds(pids) for name, pids in parts.items()}
    began = time.monotonic()
    time.sleep(sizes.seconds)
    passed = time.monotonic() - began
    used = {name: (cpu_seconds(pids) - before[name]) / passed for name, pids in parts.items()}
    print(", ".join(f"{name} {share:.1%} of a core" for name, share in used.items()))
    memory = memory_bytes(farm.pid) / _MB
    farm.leave(fleet)
    return Row(
        subject=f"{sizes.builders} builders, idle",
        runner="coordinator",
        verdicts=(
            Verdict(what="of a core", unit="%", found=100 * used["coordinator"], most=5),
            Verdict(what="memory", unit="MB", found=memory, most=300),
        ),
    )


def _large(farm: MeasuredFarm, report: Report, sizes: Sizes) -> Row:
    small = farm.builders("small")
    farm.wait_for(farm.request(0))
    farm.leave(small)
    large = farm.builders("large", payload=sizes.payload)
    report.say(f"an archive of {sizes.payload / _MB:.0f} MB")
    forget_peak(farm.pid)
    before = memory_bytes(farm.pid)
    farm.wait_for(farm.request(1))
    more = memory_bytes(farm.pid, "VmHWM") - before
    farm.leave(large)
    return Row(
        subject=f"{sizes.payload / _MB:.0f} MB taken in",
        runner="coordinator",
        verdicts=(Verdict(what="more memory", unit="MB", found=more / _MB, most=100),),
    )


def _lost(farm: MeasuredFarm, report: Report, _: Sizes) -> Row:
    fleets = [farm.builders(name, seconds=10) for name in ("first", "second")]
    request = farm.request(2)
    farm.wait(lambda: any(one.started() for one in fleets), "one began")
    time.sleep(2)
    fleets.sort(key=lambda one: not one.started())
    dying, other = fleets
    report.say("a builder is killed in mid-build")
    killed = time.time()
    dying.process.kill()
    farm.wait(other.started, "the other one began")
    took = _start(other) - killed
    farm.wait_for(request)
    return Row(
        subject="a builder killed in mid-build",
        runner="begun on another one",
        verdicts=(Verdict(what="after", unit="s", found=took, most=_LEASE_SECONDS + 5),),
    )


def _start(fleet: Fleet) -> float:
    return min(fleet.started().values())
