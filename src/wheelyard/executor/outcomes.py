"""How a step ends an attempt, and what a log says about the machine rather than about the package."""

import re
import signal
from collections.abc import Callable

from wheelyard.executor.cgroups import Usage
from wheelyard.executor.sessions import Answer
from wheelyard.jobs.reasons import Reason
from wheelyard.model.job import Outcome

_SHORTAGES = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|Cannot allocate memory|\bMemoryError\b|std::bad_alloc"
    r"|virtual memory exhausted|out of memory|Killed signal terminated program"
    r"|(?:cc1plus|cc1|ld|collect2|rustc|as)\b.{0,80}\bKilled\b|fork: (?:retry: )?Resource temporarily",
    re.IGNORECASE,
)
_DETAIL_LINES = 30
_REASON_LETTERS = 300
_MEBI, _GIBI = 1 << 20, 1 << 30

MORE_MEMORY = "--memory-limit gives it more; with fewer --jobs less runs beside it."
_MORE_DISK = "Make room on the disk of the state folder; --disk-limit gives one build more."
_DISK = re.compile(r"space left|quota|too large", re.IGNORECASE)

Explain = Callable[[str], Reason | None]
"""Names the cause that the end of a log shows."""


class Stopped(Exception):  # noqa: N818 - no error of this program, but the end of an attempt
    """An attempt ends here, in a way that its report tells."""

    def __init__(  # noqa: PLR0913 - what a report tells
        self,
        outcome: Outcome,
        reason: str = "",
        *,
        needs: tuple[str, ...] = (),
        detail: str = "",
        hint: str = "",
        system: bool = False,
    ) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome = outcome
        self.reason = reason
        self.needs = needs
        self.detail = detail
        self.hint = hint
        self.system = system


def shortage(tail: str) -> str:
    """Return the phrase of a log that says that the machine had too little, or nothing."""
    match = _SHORTAGES.search(tail)
    return match[0] if match else ""


def written_size(count: int) -> str:
    """Write a number of bytes as people read it."""
    if count >= _GIBI:
        return f"{count / _GIBI:.3g} GiB"
    return f"{count / _MEBI:.3g} MiB"


def last_lines(tail: str) -> str:
    """Return the lines of a log that a report quotes."""
    lines = [line for line in tail.splitlines() if not line.startswith("[wheelyard]")]
    return "\n".join(lines[-_DETAIL_LINES:])


def failure(answer: Answer, tail: str, usage: Usage, reason: Explain) -> Stopped:
    """Say how a call that did not end well ends the attempt."""
    phrase = shortage(tail)
    if usage.killed:
        phrase = phrase or "out of memory"
    if answer.failed == "memory" or answer.signal == signal.SIGKILL:
        phrase = phrase or "killed, probably for lack of memory"
    if answer.signal == signal.SIGXFSZ:
        phrase = phrase or "File too large"
    if phrase:
        hint = _MORE_DISK if _DISK.search(phrase) else MORE_MEMORY
        return Stopped(Outcome.RESOURCES, phrase, detail=last_lines(tail), hint=hint)
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
