"""What blocks what in a request, placed for a drawing."""

from collections.abc import Sequence

import msgspec

from wheelyard.plan.blocking import Blocking

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 170, 34, 50, 10, 10
_LONGEST_NAME = 24


class DrawnUnit(msgspec.Struct, kw_only=True):
    """A unit with its place; ``critical``: it is on the longest way."""

    unit: str
    name: str
    target: str
    critical: bool
    running: bool
    x: int
    y: int


class DrawnNeed(msgspec.Struct, kw_only=True):
    """A line from what is needed to what needs it."""

    needed: str
    unit: str
    critical: bool
    path: str


class BlockingView(msgspec.Struct, kw_only=True):
    """What is not built yet of a request. ``counts`` is how many units each level has, also those that are not drawn."""

    width: int
    height: int
    counts: Sequence[int]
    critical: Sequence[str]
    units: Sequence[DrawnUnit]
    needs: Sequence[DrawnNeed]

    @property
    def left_out(self) -> int:
        """How many units are not drawn."""
        return sum(self.counts) - len(self.units)


def drawn(found: Blocking) -> BlockingView:
    """Place units in columns, what comes first being on the left."""
    places = {
        key: (_MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y))
        for column, level in enumerate(found.levels)
        for row, key in enumerate(level)
    }
    critical = frozenset(found.critical)
    ways = frozenset(zip(found.critical, found.critical[1:], strict=False))
    rows = max((len(level) for level in found.levels), default=0)
    return BlockingView(
        width=2 * _MARGIN + len(found.levels) * (_WIDTH + _GAP_X) - _GAP_X,
        height=2 * _MARGIN + rows * (_HEIGHT + _GAP_Y),
        counts=found.counts,
        critical=[str(key) for key in found.critical],
        units=[
            DrawnUnit(
                unit=str(key),
                name=str(key.release).replace("==", " ")[:_LONGEST_NAME],
                target=str(key.target.interpreter),
                critical=key in critical,
                running=key in found.running,
                x=x,
                y=y,
            )
            for key, (x, y) in places.items()
        ],
        needs=[
            DrawnNeed(
                needed=str(needed),
                unit=str(key),
                critical=(needed, key) in ways,
                path=_path(places[needed], places[key]),
            )
            for key, others in found.needs.items()
            for needed in others
        ],
    )


def _path(needed: tuple[int, int], unit: tuple[int, int]) -> str:
    x1, y1 = needed[0] + _WIDTH, needed[1] + _HEIGHT // 2
    x2, y2 = unit[0], unit[1] + _HEIGHT // 2
    bend = _GAP_X // 2
    return f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
