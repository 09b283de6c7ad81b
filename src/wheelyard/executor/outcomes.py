"""How a step ends an attempt, and what a log says about the machine rather than about the package."""

import os
import re
import signal
from collections.abc import Callable

from wheelyard.executor.cgroups import Usage
from wheelyard.executor.sessions import Answer
from wheelyard.jobs.reasons import Reason
from wheelyard.model.job import Limits, Outcome, StepName

_SHORTAGES = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|Cannot allocate memory|\bMemoryError\b|std::bad_alloc"
    r"|virtual memory exhausted|out of memory|Killed signal terminated program"
    r"|(?:cc1plus|cc1|ld|collect2|rustc|as)\b.{0,80}\bKilled\b|fork: (?:retry: )?Resource temporarily",
    re.IGNORECASE,
)
_DETAIL_LINES = 30
_REASON_LETTERS = 300
_MEBI, _GIBI = 1 << 20, 1 << 30
_NEARLY = 0.9

MORE_MEMORY = "--memory-limit gives it more."
MORE_LOG = "Its log shows what it repeats; --log-limit lets it print more."
MORE_ARTIFACT = "--artifact-limit lets it be larger."
MORE_DISK = "--disk-limit gives it more."
_MORE_ROOM = "Make room on the disk of the state folder."
_FEWER_JOBS = "With fewer --jobs less runs beside it; --memory-limit is not what stopped it."
_DISK = re.compile(r"space left|quota", re.IGNORECASE)
_LARGE = re.compile(r"too large", re.IGNORECASE)
_KILLED = re.compile(r"kill", re.IGNORECASE)

Explain = Callable[[str], Reason | None]
"""Names the cause that the end of a log shows."""


class Stopped(Exception):  # noqa: N818 - no error of this program, but the end of an attempt
    """An attempt ends here, in a way that its report tells.

    ``limited``: a limit that its offer sets stopped it, and would again.
    """

    def __init__(  # noqa: PLR0913 - what a report tells
        self,
        outcome: Outcome,
        reason: str = "",
        *,
        needs: tuple[str, ...] = (),
        detail: str = "",
        hint: str = "",
        system: bool = False,
        limited: bool = False,
    ) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome = outcome
        self.reason = reason
        self.needs = needs
        self.detail = detail
        self.hint = hint
        self.system = system
        self.limited = limited


def shortage(tail: str) -> str:
    """Return the phrase of a log that says that the machine had too little, or nothing."""
    match = _SHORTAGES.search(tail)
    return match[0] if match else ""


def written_size(count: int) -> str:
    """Write a number of bytes as people read it."""
    if count >= _GIBI:
        return f"{count / _GIBI:.3g} GiB"
    if count >= _MEBI:
        return f"{count / _MEBI:.3g} MiB"
    return f"{count / 1024:.3g} KiB"


def printed_since(tail: str, step: StepName) -> str:
    """Return what a log has since a step ended; all of it, where that was so long ago that it is cut off."""
    return tail.rpartition(f"[wheelyard] {step}: ")[2]


def last_lines(tail: str) -> str:
    """Return the lines of a log that a report quotes."""
    lines = [line for line in tail.splitlines() if not line.startswith("[wheelyard]")]
    return "\n".join(lines[-_DETAIL_LINES:])


def out_of_memory(limits: Limits, phrase: str = "") -> Stopped:
    """Say that a build met its own limit of memory; ``phrase`` is how the build put it."""
    said = f" ({phrase})" if phrase else ""
    reason = f"needed more memory than its limit of {written_size(limits.memory_bytes)}{said}"
    return Stopped(Outcome.RESOURCES, reason, hint=MORE_MEMORY, limited=True)


def too_large(limits: Limits, what: str, size: int) -> Stopped:
    """Say that what was built is larger than it may be."""
    most = written_size(limits.artifact_bytes)
    reason = f"{what} has {written_size(size)}, more than its limit of {most}"
    return Stopped(Outcome.OVER_LIMIT, reason, hint=MORE_ARTIFACT)


def out_of_disk(limits: Limits, phrase: str = "") -> Stopped:
    """Say that a build met its own limit of disk space."""
    said = f" ({phrase})" if phrase else ""
    reason = f"wrote more than its limit of {written_size(limits.disk_bytes)}{said}"
    return Stopped(Outcome.RESOURCES, reason, hint=MORE_DISK, limited=True)


def failure(answer: Answer, tail: str, usage: Usage, limits: Limits, reason: Explain) -> Stopped:
    """Say how a call that did not end well ends the attempt."""
    if phrase := _lacking(answer, tail, usage):
        stopped = _shortage(phrase, usage, limits)
        stopped.detail = last_lines(tail)
        return stopped
    cause = reason(tail)
    if cause is None:
        said = _first_line(answer.message) or _death(answer)
        return Stopped(Outcome.FAILED, said, detail=last_lines(tail))
    return Stopped(
        cause.outcome,
        cause.phrase,
        detail=last_lines(tail),
        hint=cause.hint,
        system=cause.system,
    )


def _lacking(answer: Answer, tail: str, usage: Usage) -> str:
    """Return the words for what a call had too little of, or nothing."""
    phrase = shortage(tail)
    if usage.killed:
        phrase = phrase or "killed"
    if answer.failed == "memory":
        phrase = phrase or "MemoryError"
    if answer.signal == signal.SIGKILL:
        phrase = phrase or "killed, probably for lack of memory"
    if answer.signal == signal.SIGXFSZ:
        phrase = phrase or "File too large"
    return phrase


def _shortage(phrase: str, usage: Usage, limits: Limits) -> Stopped:
    """Tell the build's own limit from a machine that has no more."""
    if _LARGE.search(phrase):
        return out_of_disk(limits, phrase)
    if _DISK.search(phrase):
        return Stopped(Outcome.RESOURCES, phrase, hint=_MORE_ROOM)
    if _is_own_limit(phrase, usage, limits):
        return out_of_memory(limits, phrase)
    return Stopped(Outcome.RESOURCES, phrase, hint=_FEWER_JOBS)


def _is_own_limit(phrase: str, usage: Usage, limits: Limits) -> bool:
    """Whether the limit of memory was met.

    Where a process was killed, what was used tells: the kernel kills for the machine's sake, too. Where
    memory was refused, it was by our limit unless the machine has less: Linux itself hardly ever
    refuses.
    """
    if _KILLED.search(phrase):
        return usage.killed and usage.peak_bytes >= _NEARLY * limits.memory_bytes
    return limits.memory_bytes < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _first_line(message: str) -> str:
    """Return what stands in a table; the rest is in the log."""
    lines = (line.strip() for line in message.splitlines())
    return next(filter(None, lines), "")[:_REASON_LETTERS]


def _death(answer: Answer) -> str:
    if answer.signal:
        try:
            return f"ended by {signal.Signals(answer.signal).name}"
        except ValueError:
            return f"ended by signal {answer.signal}"
    return f"exit status {answer.code}"
