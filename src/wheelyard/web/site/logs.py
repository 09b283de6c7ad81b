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
_GOOD = frozenset({Outcome.BUILT, Outcome.NEEDS})


class AttemptLogs:
    """Shows logs."""

    def __init__(self, *, jobs: Jobs, bus: Bus, blobs: Blobs) -> None:
        self._reader = LogReader(jobs=jobs, bus=bus, blobs=blobs)

    async def end_of(self, job: Job, attempt: Attempt) -> LogView | None:
        """Return the end of a log; None where there is none. Of one that runs, its page follows it by itself."""
        if self._reader.runs(job, attempt):
            return LogView(sections=(), left_out=0, running=True)
        packed = self._reader.kept(attempt)
        if packed is None or attempt.report is None:
            return None
        text, left_out = await run_sync(_tail, packed, attempt.report.log_bytes)
        failed = attempt.report.outcome not in _GOOD
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
