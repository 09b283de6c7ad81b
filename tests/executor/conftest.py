"""Executors of each kind, closed after the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.yard import PARTS, FolderBlobs, MakeYard, Pythons, Yard
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.settings import ExecutorSettings, Sandbox


@pytest.fixture
async def make_yard(tmp_path: Path) -> AsyncIterator[MakeYard]:
    made: list[Yard] = []

    def make(**settings: object) -> Yard:
        blobs = FolderBlobs(tmp_path / f"blobs{len(made)}")
        chosen = ExecutorSettings(state=tmp_path / "state", **settings)  # type: ignore[arg-type]
        pythons = Pythons()
        executor = LocalExecutor(chosen, blobs=blobs, interpreters=pythons, parts=PARTS)
        made.append(Yard(executor, blobs, pythons, tmp_path / "state"))
        return made[-1]

    yield make
    for yard in made:
        await yard.executor.close()


@pytest.fixture(params=["warm", "single", "plain"])
def yard(request: pytest.FixtureRequest, make_yard: MakeYard) -> Yard:
    """One executor of each kind."""
    kinds: dict[str, dict[str, object]] = {
        "warm": {"sandbox": Sandbox.REQUIRE},
        "single": {"sandbox": Sandbox.REQUIRE, "fork": False},
        "plain": {"sandbox": Sandbox.OFF},
    }
    return make_yard(**kinds[request.param])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
