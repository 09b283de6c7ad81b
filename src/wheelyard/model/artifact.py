"""A file that was built, or that upstream gave."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from packaging.tags import Tag

from wheelyard.model.release import Release
from wheelyard.targets.target import Target


class Origin(StrEnum):
    """Where an artifact comes from."""

    BUILT = "built"
    BOOTSTRAP = "bootstrap"
    """Built here with a seed in its environment; never published, replaced by a clean build."""
    UPSTREAM = "upstream"
    """Upstream's wheel, where the request allows it."""
    SEED = "seed"
    """Upstream's wheel that breaks a bootstrap cycle; never published."""
    COMMAND = "command"
    """An archive of what a command left; no wheel, so that no index has it."""
    UPLOADED = "uploaded"
    """Built elsewhere and uploaded by a person."""
    STAGED = "staged"
    """Out of the trial of a change that people have not agreed to: in the staging index of its campaign alone."""


PUBLISHABLE = frozenset({Origin.BUILT, Origin.UPSTREAM, Origin.UPLOADED})
"""Whose wheels the index may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A wheel, or a command's archive, named by ``digest`` (``sha256:…``); ``size`` in bytes.

    ``metadata_digest`` names the blob with its METADATA file, ``provenance_digest`` the one with the signed
    statement of how it came to be (PEP 740). ``requires_dist`` are its Requires-Dist
    lines. ``build_key`` is empty for what was not built here. ``as_of`` is the day that its build tools are of,
    where newer ones broke the build.
    """

    filename: str
    digest: str
    size: int
    release: Release
    tags: frozenset[Tag]
    origin: Origin
    requires_python: str = ""
    requires_dist: tuple[str, ...] = ()
    metadata_digest: str = ""
    build_key: str = ""
    target: Target | None = None
    source_digest: str = ""
    recipe_digest: str = ""
    created: datetime | None = None
    yanked: str | None = None
    as_of: str = ""
    provenance_digest: str = ""

    @property
    def portable(self) -> bool:
        """Whether nothing in it is compiled, as its tags say."""
        return bool(self.tags) and all(
            tag.abi == "none" and tag.platform == "any" for tag in self.tags
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InputWheel:
    """A wheel that goes into an environment: enough to fetch it and to check it."""

    filename: str
    digest: str
    release: Release
    origin: Origin
