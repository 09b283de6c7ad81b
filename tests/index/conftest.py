"""Fixtures for the tests of the index."""

from pathlib import Path

import pytest

from index.shelf import RevisedArtifacts, Shelf
from wheelyard.model.artifact import Artifact


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "blobs", RevisedArtifacts())


@pytest.fixture
def tiny(shelf: Shelf) -> Artifact:
    return shelf.put("tiny", "1.0", requires_python=">=3.9")
