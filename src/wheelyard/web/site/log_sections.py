"""A log cut at the ends of its steps, which the executor notes in it."""

import re
from collections.abc import Sequence

from wheelyard.model.job import StepName
from wheelyard.web.site.job_views import LogSection

_STEPS = "|".join(StepName)
_STEP_ENDED = re.compile(rf"^\[wheelyard\] ({_STEPS}): [0-9.]+ s\b.*$", re.MULTILINE)
# Colours and movements of a terminal, which a page does not have.
_TERMINAL = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """Return text without what only a terminal understands."""
    text = _TERMINAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("�", text)


def sections(text: str, *, failed: bool) -> Sequence[LogSection]:
    """Cut a log after each step. ``failed``: the last step of it is where the attempt ended."""
    found, begin = [], 0
    text = plain(text)
    for ended in _STEP_ENDED.finditer(text):
        found.append(LogSection(step=ended[1], text=text[begin : ended.end()].lstrip("\n")))
        begin = ended.end()
    rest = text[begin:].strip("\n")
    if rest:
        found.append(LogSection(step="", text=rest))
    if failed and found:
        _mark(found)
    return found


def _mark(found: list[LogSection]) -> None:
    """Mark the last section that says more than that a step ended."""
    said = [one for one in found if one.text.count("\n") or not one.step]
    (said or found)[-1].failed = True
