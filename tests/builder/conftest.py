"""A farm's end in memory, and builders that join it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builder.world import FarmEnd, World
from executor.yard import FolderBlobs
from wheelyard.bus.memory import MemoryBus


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executors' state, shared so that environments are made once."""
    return tmp_path_factory.mktemp("executor")


@pytest.fixture
async def world(shelf: Path, tmp_path: Path) -> AsyncIterator[World]:
    bus = MemoryBus(silence=2)
    end = FarmEnd(bus)
    listeners = [
        asyncio.create_task(end.hear_words()),
        asyncio.create_task(end.hear_presences()),
    ]
    (tmp_path / "builder").mkdir()
    yield World(
        farm=end, blobs=FolderBlobs(tmp_path / "farm"), shelf=shelf, folder=tmp_path / "builder"
    )
    await bus.close()
    for listener in listeners:
        listener.cancel()
    await asyncio.wait(listeners)
    for listener in listeners:
        if not listener.cancelled():
            listener.result()
