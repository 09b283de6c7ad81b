"""Fixtures for the tests of the index."""

from pathlib import Path

import pytest

from index.shelf import RevisedArtifacts, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "blobs", RevisedArtifacts())
