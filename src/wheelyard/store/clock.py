"""The clock of this machine."""

from datetime import UTC, datetime, timedelta

from wheelyard import failpoints


class SystemClock:
    """The ``Clock`` that tells the real time."""

    def now(self) -> datetime:
        """Return the present moment."""
        wrong = failpoints.shift("clock.now")
        return datetime.now(UTC) + timedelta(seconds=wrong) if wrong else datetime.now(UTC)
