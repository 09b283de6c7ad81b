"""What is published, as a list; and the two ports that the index stands on."""

from collections.abc import Sequence
from dataclasses import dataclass

from wheelyard.model.artifact import Artifact
from wheelyard.model.release import ProjectName
from wheelyard.ports import ArtifactStore, Blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPorts:
    """What an index is made of: the artifacts that are published, and their bytes."""

    artifacts: ArtifactStore
    blobs: Blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A project and its published files, in the order of their names."""

    project: ProjectName
    files: Sequence[Artifact]


async def listings(artifacts: ArtifactStore) -> list[Listing]:
    """Return every project with its files."""
    return [
        Listing(project=project, files=await artifacts.of_project(project))
        for project in await artifacts.projects()
    ]
