"""A farm behind a real HTTP server: on memory ports, and on SQLite."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from web.place import Place, open_place
from wheelyard.store.folder import StateFolder


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new state folder to copy: making one for each test would be most of the time."""
    path = tmp_path_factory.mktemp("empty") / "state"

    async def make() -> None:
        await (await StateFolder.open(path)).close()

    asyncio.run(make())
    return path


@pytest.fixture(params=["memory", "sqlite"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, empty_state: Path
) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        shutil.copytree(empty_state, tmp_path / "state")
    async with open_place(tmp_path, kind=request.param) as opened:
        yield opened


@pytest.fixture
async def memory_place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, kind="memory") as opened:
        yield opened
