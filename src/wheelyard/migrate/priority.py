"""Which of the ready packages come first, and how many proposals may be open at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wheelyard.graph.order import Layout

PATIENCE_SECONDS = 24 * 3600.0
"""Who waited so long counts as one step nearer to the source, so that nobody waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many proposals may be open at once: ``first``, and one more for each that got published, up to ``most``.

    A change that breaks builds does so for a few at first. Where most of what was tried failed, it is ``first`` again.
    """

    first: int = 5
    most: int = 50

    def open_at_once(self, *, published: int, failed: int) -> int:
        """Return how many may be open."""
        if failed > published:
            return min(self.first, self.most)
        return min(self.most, self.first + published)


def ranked(
    ready: Iterable[str],
    layout: Layout,
    waited: Callable[[str], float],
    *,
    patience: float = PATIENCE_SECONDS,
) -> list[str]:
    """Return ready packages, the first to be proposed first.

    Nearer to the source comes first, then who has more descendants, then by name. ``waited`` says for how
    many seconds a package has been ready.
    """

    def key(package: str) -> tuple[int, int, str]:
        nearer = int(waited(package) / patience)
        return (layout.depths[package] - nearer, -layout.descendants[package], package)

    return sorted(ready, key=key)


def chosen(
    ranking: Iterable[str], limits: Limits, *, opened: int, published: int, failed: int
) -> list[str]:
    """Return those that are proposed now, in this order."""
    free = limits.open_at_once(published=published, failed=failed) - opened
    return list(ranking)[: max(0, free)]
