"""What a job's submitter says with it, for whoever takes its result in; the queue carries it along."""

import msgspec

from wheelyard.coordinator.intake import UnitKeys
from wheelyard.model.job import BuildKey


class JobContext(msgspec.Struct, frozen=True, kw_only=True):
    """``bootstrap``: a seed is in its environment. ``portable_key`` and ``ordinary_key`` are what the unit is looked up under."""

    bootstrap: bool
    portable_key: BuildKey
    ordinary_key: BuildKey

    @property
    def keys(self) -> UnitKeys:
        """Return the keys as those who take results in want them."""
        return UnitKeys(portable=self.portable_key, ordinary=self.ordinary_key)

    def encode(self) -> bytes:
        """Write it down."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, content: bytes, key: BuildKey) -> "JobContext":
        """Read it; a job that was submitted without any stands for itself."""
        if not content:
            return cls(bootstrap=False, portable_key=key, ordinary_key=key)
        return msgspec.json.decode(content, type=cls)
