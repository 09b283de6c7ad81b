"""The clock of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """The ``Clock`` that tells the real time."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)
