"""Executors of each kind, closed after the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.yard import PARTS, FolderBlobs, MakeYard, Pythons, Yard
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.settings import ExecutorSettings, Sandbox


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """State and blobs that tests share, as runs do: environments are made once."""
    return tmp_path_factory.mktemp("yard")


@pytest.fixture
async def make_yard(shelf: Path) -> AsyncIterator[MakeYard]:
    made: list[Yard] = []

    def make(*, state: Path = shelf / "state", **settings: object) -> Yard:
        blobs = FolderBlobs(shelf / "blobs")
        chosen = ExecutorSettings(state=state, **settings)  # type: ignore[arg-type]
        pythons = Pythons()
        executor = LocalExecutor(chosen, blobs=blobs, interpreters=pythons, parts=PARTS)
        made.append(Yard(executor, blobs, pythons, state))
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
def warm(make_yard: MakeYard) -> Yard:
    """One executor of the kind that builds by a warm interpreter."""
    return make_yard(sandbox=Sandbox.REQUIRE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
