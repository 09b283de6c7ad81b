"""Which index stands behind the farm's own, if any."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from wheelyard.errors import ConfigurationError
from wheelyard.index.fallthrough import Fallthrough, KnownProjects


@dataclass(frozen=True, slots=True, kw_only=True)
class FallthroughSettings:
    """``upstream``: the address of an index's pages, empty for none; ``own``: patterns of names that are never there."""

    upstream: str = ""
    own: tuple[str, ...] = ()


NO_FALLTHROUGH = FallthroughSettings()


def fallthrough_of(settings: FallthroughSettings, projects: KnownProjects) -> Fallthrough | None:
    """Return what sends people on, or None. Raises ConfigurationError."""
    if not settings.upstream:
        return None
    parts = urlsplit(settings.upstream)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.password:
        raise ConfigurationError(
            "what is to stand behind the index is no address of one",
            hint="Write http:// or https://, the address of its pages, and no password: everybody sees it.",
        )
    return Fallthrough(upstream=settings.upstream, projects=projects, own=settings.own)
