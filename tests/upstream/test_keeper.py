"""What upstream answered is counted while downloads come and go."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from wheelyard.upstream.keeper import CacheKeeper


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for name in ("pages/a/answer", "scratch/1-x/file", "scratch/1-x/deep/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("four")
    return tmp_path


def test_scratch_space_of_downloads_is_theirs(cache: Path) -> None:
    keeper = CacheKeeper(cache)
    (held,) = asyncio.run(keeper.holdings())
    (gone,) = asyncio.run(keeper.evict(unused_seconds=-1, preview=False))
    assert (held.count, held.size) == (gone.count, gone.size) == (1, 4)
    assert (cache / "scratch/1-x/deep/file").exists()


def test_folder_that_goes_while_it_is_looked_at_is_no_fault(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.scandir

    def scandir(path: Any = ".") -> Any:
        if str(path).endswith("/a"):
            raise FileNotFoundError(path)
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (held,) = asyncio.run(CacheKeeper(cache).holdings())
    assert held.count == 0
