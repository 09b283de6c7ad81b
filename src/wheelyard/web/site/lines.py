"""Jobs and cells in a few words, as lists and matrices show them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from wheelyard.errors import InvalidTargetError
from wheelyard.jobs.cells import Cell
from wheelyard.site_ports import JobLine
from wheelyard.targets.target import Target


class LineView(msgspec.Struct, kw_only=True):
    """A job in a few words."""

    key: str
    project: str
    version: str
    target: str
    state: str
    reason: str
    changed: datetime | None


class CellView(msgspec.Struct, kw_only=True):
    """How the newest version of a project stands for a target. ``built``: the version that was built there last."""

    version: str
    key: str
    state: str
    reason: str
    changed: datetime | None
    built: str
    regressed: bool


class TargetHead(msgspec.Struct, kw_only=True):
    """A column: the target, and its two parts."""

    target: str
    interpreter: str
    platform: str


def line_view(line: JobLine) -> LineView:
    """Return a job as lists show it."""
    return LineView(
        key=line.key,
        project=line.project,
        version=line.version,
        target=line.target,
        state=line.state,
        reason=line.reason,
        changed=line.changed,
    )


def cell_view(cell: Cell) -> CellView:
    """Return a cell as a matrix shows it."""
    return CellView(
        version=cell.version,
        key=cell.key,
        state=cell.state,
        reason=cell.reason,
        changed=cell.changed,
        built=cell.built_version,
        regressed=cell.regressed,
    )


def heads(targets: Iterable[str]) -> Sequence[TargetHead]:
    """Return columns for targets: those of a platform side by side, interpreters in their order."""
    return [_head(text) for text in sorted(targets, key=_order)]


def _head(text: str) -> TargetHead:
    interpreter, _, platform = text.partition("-")
    return TargetHead(target=text, interpreter=interpreter, platform=platform)


def _order(text: str) -> tuple[str, int, Target | str]:
    try:
        target = Target.parse(text)
    except InvalidTargetError:
        return (text.partition("-")[2], 1, text)
    return (target.platform, 0, target)
