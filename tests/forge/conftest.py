"""The forges that must keep the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from forge.worlds import GitWorld, MemoryWorld, World


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "git"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made: World = MemoryWorld() if request.param == "memory" else GitWorld(tmp_path / "forge")
    yield made
    await made.close()
