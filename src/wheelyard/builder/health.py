"""Whether a builder should take work: what its machine says of itself, and what its jobs said.

A machine that is short of disk, memory or time fails jobs that pass elsewhere, so it takes none before
that. The same holds for one that could not run several jobs in a row for reasons of its own: it waits,
longer each time, and then tries one.
"""

from dataclasses import dataclass

from wheelyard.builder.machine import Reading
from wheelyard.model.builder import Health
from wheelyard.model.counted import plural
from wheelyard.model.job import Outcome

_GB = 1 << 30
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 60.0, 3600.0
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a machine is unwell. Zero turns a threshold off; ``load`` is a load average.

    ``failures``: so many jobs in a row could not be run for this machine's fault.
    ``others_load``: it counts as idle while others than we use fewer processors than that;
    None: that does not matter. ``quiet_seconds``: and have for so long.
    """

    free_disk_bytes: int = 2 * _GB
    free_memory_bytes: int = _GB // 4
    load: float = 0.0
    failures: int = 3
    others_load: float | None = None
    quiet_seconds: float = 30.0


class Vitals:
    """What is known of a machine's health at any moment; asking costs nothing."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._last: Reading | None = None
        self._failures = 0
        self._rest_until = 0.0
        self._others = 0.0
        self._quiet_since: float | None = None

    @property
    def free_disk_bytes(self) -> int:
        """What was free at the last look."""
        return self._last.free_disk_bytes if self._last is not None else 0

    def see(self, reading: Reading) -> None:
        """Take in a look at the machine."""
        before, self._last = self._last, reading
        if self._thresholds.others_load is not None:
            self._see_others(before, reading, self._thresholds.others_load)

    def hear(self, outcome: Outcome) -> None:
        """Take in how a job ended."""
        if outcome is not Outcome.INFRASTRUCTURE:
            self._failures = 0
            return
        self._failures += 1
        beyond = self._failures - self._thresholds.failures
        if self._thresholds.failures and beyond >= 0 and self._last is not None:
            doubled = _FIRST_REST_SECONDS * 2.0 ** min(beyond, _MOST_DOUBLINGS)
            self._rest_until = self._last.at + min(_LONGEST_REST_SECONDS, doubled)

    def health(self) -> Health:
        """Say how the machine fares."""
        reading = self._last or Reading()
        reason = self._unwell(reading) if self._last is not None else "it was not looked at yet"
        return Health(
            well=not reason,
            reason=reason,
            load=reading.load,
            free_memory_bytes=reading.free_memory_bytes,
            free_disk_bytes=reading.free_disk_bytes,
        )

    def why_busy(self) -> str:
        """Say why the machine is not idle, or nothing where it is or that does not matter."""
        if self._thresholds.others_load is None or self._last is None:
            return ""
        if self._quiet_since is None:
            return f"its owner works on it: others use {self._others:.1f} processors"
        quiet = self._last.at - self._quiet_since
        left = self._thresholds.quiet_seconds - quiet
        return f"its owner worked on it {quiet:.0f} s ago" if left > 0 else ""

    def _unwell(self, reading: Reading) -> str:
        least = self._thresholds
        if 0 < reading.free_disk_bytes < least.free_disk_bytes:
            return f"{_gb(reading.free_disk_bytes)} of disk are free, less than {_gb(least.free_disk_bytes)}"
        if 0 < reading.free_memory_bytes < least.free_memory_bytes:
            return f"{_gb(reading.free_memory_bytes)} of memory are free, less than {_gb(least.free_memory_bytes)}"
        if 0 < least.load < reading.load:
            return f"its load is {reading.load:.1f}, more than {least.load:g}"
        if reading.at < self._rest_until:
            return f"{plural(self._failures, 'job')} in a row could not be run here; tries again in {self._rest_until - reading.at:.0f} s"
        return ""

    def _see_others(self, before: Reading | None, now: Reading, most: float) -> None:
        if before is None or now.at <= before.at:
            return
        busy = now.busy_seconds - before.busy_seconds
        own = now.own_seconds - before.own_seconds
        self._others = max(0.0, busy - own) / (now.at - before.at)
        if self._others >= most:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = before.at


def _gb(size: int) -> str:
    return f"{size / _GB:.1f} GiB"
