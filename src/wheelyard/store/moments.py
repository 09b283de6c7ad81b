"""Moments as the database keeps them: whole microseconds since 1970, in UTC."""

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@overload
def to_ticks(moment: datetime) -> int: ...
@overload
def to_ticks(moment: None) -> None: ...
def to_ticks(moment: datetime | None) -> int | None:
    """Return the number that is kept for a moment."""
    return None if moment is None else (moment - _EPOCH) // _TICK


@overload
def to_moment(ticks: int) -> datetime: ...
@overload
def to_moment(ticks: None) -> None: ...
def to_moment(ticks: int | None) -> datetime | None:
    """Return the moment that a number was kept for."""
    return None if ticks is None else _EPOCH + ticks * _TICK
