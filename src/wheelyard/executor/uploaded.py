"""Looks at a wheel that a person uploads, by its bytes alone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedWheel:
    """A wheel without its digest, and the bytes of its METADATA."""

    artifact: Artifact
    metadata: bytes


def inspect_upload(path: Path) -> UploadedWheel:
    """Hold a wheel against its name. Raises InvalidArchiveError and InvalidNameError."""
    facts = inspect_wheel(path)
    artifact = Artifact(
        filename=path.name,
        digest="",
        size=path.stat().st_size,
        release=Release.of(facts.project, str(facts.version)),
        tags=facts.tags,
        origin=Origin.UPLOADED,
        requires_python=facts.requires_python,
        requires_dist=facts.requires_dist,
        created=datetime.now(UTC),
    )
    return UploadedWheel(artifact=artifact, metadata=facts.metadata)
