"""The times and numbers that a farm's coordinator goes by; every one can be set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from wheelyard.protocol.messages import ENCLOSABLE_BYTES

_LEASE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmRules:
    """Times in seconds.

    ``lease``: a builder that was not heard of for so long has lost its jobs. ``tick``: how often leases
    are looked at. ``refresh``: how often builders and pools are read again, in case that another
    process changed them. ``doubt``: how long a failure waits for its builder to show that it still can
    build, ``probe`` how long a builder in quarantine waits for its first try. ``enclosable``: so many bytes may come with a
    result. ``stranger_proof``: wheels of strangers wait for a second maker. ``shares`` weigh owners.
    """

    lease: float = _LEASE
    tick: float = 1.0
    refresh: float = 2.0
    leadership: float = 1.0
    poll: float = 1.0
    doubt: float = 5.0
    probe: float = 60.0
    retry: float = 0.5
    longest_retry: float = 5.0
    notices: float = 5.0
    results_at_once: int = 16
    enclosable: int = ENCLOSABLE_BYTES
    stranger_proof: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_lease(cls, lease: float) -> Self:
        """Return rules for leases of so many seconds: a shorter one makes everything about it quicker."""
        part = min(1.0, lease / _LEASE)
        return cls(lease=lease, tick=max(0.1, part), doubt=5.0 * max(0.2, part), probe=60.0 * part)
