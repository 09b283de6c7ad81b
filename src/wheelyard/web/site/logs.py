"""The end of an attempt's log, however long it is."""

import gzip
import os
from pathlib import Path

from anyio.to_thread import run_sync

from wheelyard.bus_ports import Bus
from wheelyard.jobs.job import Job
from wheelyard.model.job import Attempt, Outcome
from wheelyard.ports import Blobs
from wheelyard.web.logs import LogReader
from wheelyard.web.ports import Jobs
from wheelyard.web.site.job_views import LogView
from wheelyard.web.site.log_sections import sections

_SHOWN = 96 * 1024
# Unpacking a log of 50 MB takes 0.2 s, and a page that is followed asks for its end at every change.
_KEPT = 32
_GOOD = frozenset({Outcome.BUILT, Outcome.NEEDS})


class AttemptLogs:
    """Shows logs."""

    def __init__(self, *, jobs: Jobs, bus: Bus, blobs: Blobs) -> None:
        self._reader = LogReader(jobs=jobs, bus=bus, blobs=blobs)
        self._ends: dict[tuple[str, bool], LogView] = {}

    async def end_of(self, job: Job, attempt: Attempt) -> LogView | None:
        """Return the end of a log; None where there is none. Of one that runs, its page follows it by itself."""
        if self._reader.runs(job, attempt):
            return LogView(sections=(), left_out=0, running=True)
        packed = self._reader.kept(attempt)
        report = attempt.report
        if packed is None or report is None:
            return None
        place = report.log_digest, report.outcome not in _GOOD
        view = self._ends.pop(place, None)
        if view is None:
            view = await run_sync(_end, packed, report.log_bytes, place[1])
        self._ends[place] = view
        if len(self._ends) > _KEPT:
            del self._ends[next(iter(self._ends))]
        return view


def _end(packed: Path, size: int, failed: bool) -> LogView:
    text, left_out = _tail(packed, size)
    return LogView(sections=sections(text, failed=failed), left_out=left_out, running=False)


def _tail(packed: Path, size: int) -> tuple[str, int]:
    """Return the last part of a compressed log, from the beginning of a line, and how much comes before it."""
    start = max(0, size - _SHOWN)
    with gzip.open(packed, "rb") as stream:
        stream.seek(start, os.SEEK_SET)
        content = stream.read(2 * _SHOWN)
    if start:
        _, _, content = content.partition(b"\n")
    return content.decode(errors="replace"), start
