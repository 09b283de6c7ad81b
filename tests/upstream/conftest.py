"""An index, blobs, and a client between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from upstream.opener import FolderBlobs, Opener
from upstream.web import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def second_site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def opened(tmp_path: Path, blobs: FolderBlobs) -> Opener:
    return Opener(tmp_path, blobs)
