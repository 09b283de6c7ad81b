"""The buses that must keep the same promises: the one in this process and the one over NATS."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.worlds import SILENCE, MemoryWorld, NatsWorld, World


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def nats_server() -> str:
    """The program; where tests must not be passed over in silence, it has to be there."""
    found = shutil.which("nats-server")
    if found is None and os.environ.get("CI"):
        pytest.fail("nats-server is not on PATH")
    if found is None:
        pytest.skip("nats-server is not on PATH")
    return found


@pytest.fixture(params=["memory", "nats"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A bus whose deliveries come back quickly."""
    made: World
    if request.param == "memory":
        made = MemoryWorld(silence=SILENCE)
    else:
        request.getfixturevalue("nats_server")
        made = await NatsWorld.start(tmp_path / "nats", silence=SILENCE)
    yield made
    await made.close()


@pytest.fixture
async def nats_world(nats_server: str, tmp_path: Path) -> AsyncIterator[NatsWorld]:
    """A bus over a server that a test may kill; deliveries come back late."""
    made = await NatsWorld.start(tmp_path / "nats", silence=20)
    yield made
    await made.close()
