"""What was learned, in a dictionary."""


class MemoryMemo:
    """The ``Memory`` port in memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    async def recall(self, kind: str, key: str) -> bytes | None:
        """Return what was kept, or None."""
        return self._kept.get((kind, key))

    async def keep(self, kind: str, key: str, value: bytes) -> None:
        """Keep a value, in place of an older one."""
        self._kept[kind, key] = value
