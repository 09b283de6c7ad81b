"""What is wrong with a farm, in sentences that say what to look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from wheelyard.web.site.words import duration, size

LEAST_FREE_BYTES = 2 << 30
_LONG_UNPUBLISHED_SECONDS = 24 * 3600.0
_LONG_UNGIVEN_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is looked at. ``free_slots`` are those of builders that are here and take jobs.

    ``begun`` is when the newest attempt began, ``published`` when the index last got a file; None: never.
    """

    now: datetime
    builders: int
    present: int
    unwell: Sequence[str]
    free_slots: int
    waiting: int
    running: int
    free_bytes: int | None
    begun: datetime | None
    published: datetime | None


def faults(condition: Condition) -> Sequence[str]:
    """Return what is wrong, the worst first; nothing where all is well."""
    return list(_faults(condition))


def _faults(one: Condition) -> Iterator[str]:
    if one.free_bytes is not None and one.free_bytes < LEAST_FREE_BYTES:
        yield f"The farm's own disk is nearly full: {size(one.free_bytes)} are free."
    if not one.builders:
        yield "There are no builders: a builder joins with 'wheelyard builder --join'."
    elif not one.present:
        yield f"No builder is here: {one.builders} are known, and none was heard of lately."
    if one.unwell:
        yield f"Builders that are not well: {', '.join(one.unwell)}."
    ungiven = _seconds(one.now, one.begun)
    if one.waiting and one.free_slots and not one.running and ungiven > _LONG_UNGIVEN_SECONDS:
        yield (
            f"Jobs wait ({one.waiting}), slots are free ({one.free_slots}), and nothing was given out{_for(ungiven)}: "
            "no builder has what they need, or the coordinator is absent."
        )
    unpublished = _seconds(one.now, one.published)
    if (one.waiting or one.running) and unpublished > _LONG_UNPUBLISHED_SECONDS:
        yield f"Nothing was published{_for(unpublished)}, though there is work."


def _seconds(now: datetime, moment: datetime | None) -> float:
    return float("inf") if moment is None else (now - moment).total_seconds()


def _for(seconds: float) -> str:
    return " yet" if seconds == float("inf") else f" for {duration(seconds)}"
