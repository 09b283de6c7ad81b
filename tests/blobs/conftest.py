"""The blobs that must keep the same promises: in memory and in a folder."""

from pathlib import Path

import pytest

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.testing.blobs import MemoryBlobs


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryBlobs | FolderBlobs:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return MemoryBlobs(folder) if request.param == "memory" else FolderBlobs(folder)


@pytest.fixture
def folder(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")
