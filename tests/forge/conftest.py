"""The forges that must keep the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from forge.worlds import GitHubWorld, GitWorld, MemoryWorld, World


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "git", "github"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    elif request.param == "git":
        made = GitWorld(tmp_path / "forge")
    else:
        made = GitHubWorld(tmp_path / "github")
    yield made
    await made.close()
