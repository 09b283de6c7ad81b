"""A farm behind a real HTTP server: on memory ports, and on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from web.place import Place, open_place


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, kind=request.param) as opened:
        yield opened


@pytest.fixture
async def memory_place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, kind="memory") as opened:
        yield opened
