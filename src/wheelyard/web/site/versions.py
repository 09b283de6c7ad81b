"""Versions in their order, which is not that of their texts."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from packaging.version import InvalidVersion, Version

_LEAST = Version("0.dev0")


def newest_first(versions: Iterable[str]) -> Sequence[str]:
    """Return texts of versions, the newest first; what is no version comes last."""
    return sorted(versions, key=lambda text: (version_of(text), text), reverse=True)


@lru_cache(maxsize=65536)
def version_of(text: str) -> Version:
    """Return the version that a text stands for; the least of all where it is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return _LEAST
