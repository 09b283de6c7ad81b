"""What was seen of new versions: what each source answered, and when it is asked again."""

from dataclasses import dataclass

_FIRST_DELAY = 15 * 60.0
_LONGEST_DELAY = 7 * 24 * 3600.0
FRESH_SECONDS = 3600.0
"""How long an answer is believed."""
_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The last answer of one source about one project.

    ``versions`` are those of the last good answer, newest first, at most 100; ``total`` counts them all.
    ``shape`` is how the recipe writes versions in tags and addresses, on which the answer depends.
    ``error`` is empty where the last answer was good. Times are seconds since 1970.
    """

    kind: str
    name: str
    address: str
    asked: float
    shape: str = ""
    seen: float = 0
    versions: tuple[str, ...] = ()
    total: int = 0
    error: str = ""
    failures: int = 0
    again: float = 0

    def is_due(self, now: float) -> bool:
        """Whether it is time to ask again."""
        return now >= self.again


def seen(sighting: Sighting, versions: tuple[str, ...], now: float) -> Sighting:
    """Return a sighting after a good answer."""
    return Sighting(
        kind=sighting.kind,
        name=sighting.name,
        address=sighting.address,
        shape=sighting.shape,
        asked=now,
        seen=now,
        versions=versions[:_KEPT],
        total=len(versions),
        again=now + FRESH_SECONDS,
    )


def failed(sighting: Sighting, error: str, now: float, *, after: float = 0) -> Sighting:
    """Return a sighting after none: what was known stays, and it is asked later each time.

    ``after`` is how many seconds the source itself wants.
    """
    failures = sighting.failures + 1
    delay = min(_FIRST_DELAY * 2 ** min(failures - 1, 20), _LONGEST_DELAY)
    return Sighting(
        kind=sighting.kind,
        name=sighting.name,
        address=sighting.address,
        shape=sighting.shape,
        asked=now,
        seen=sighting.seen,
        versions=sighting.versions,
        total=sighting.total,
        error=error,
        failures=failures,
        again=now + max(delay, after),
    )
