"""The stores that must keep the same promises: the one in memory and the one in SQLite."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wheelyard.store.artifacts import StoredArtifacts
from wheelyard.store.jobs import StoredJobs
from wheelyard.store.memory import StoredMemory
from wheelyard.store.sqlite import SqliteDatabase
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.memo import MemoryMemo


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Stores that belong together, on one clock."""

    jobs: MemoryJobStore | StoredJobs
    artifacts: MemoryArtifactStore | StoredArtifacts
    memory: MemoryMemo | StoredMemory
    clock: ManualClock


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated database to copy: migrating one for each test would be most of the time."""
    import asyncio

    path = tmp_path_factory.mktemp("empty") / "state.sqlite"

    async def make() -> None:
        await (await SqliteDatabase.open(path)).close()

    asyncio.run(make())
    return path.read_bytes()


@pytest.fixture(params=["memory", "sqlite"])
async def stores(
    request: pytest.FixtureRequest, tmp_path: Path, empty_database: bytes
) -> AsyncIterator[Stores]:
    clock = ManualClock()
    if request.param == "memory":
        artifacts = MemoryArtifactStore(clock=clock)
        jobs = MemoryJobStore(clock=clock, artifacts=artifacts)
        yield Stores(jobs=jobs, artifacts=artifacts, memory=MemoryMemo(), clock=clock)
        return
    path = tmp_path / "state.sqlite"
    path.write_bytes(empty_database)
    database = await SqliteDatabase.open(path)
    yield Stores(
        jobs=StoredJobs(database=database, clock=clock),
        artifacts=StoredArtifacts(database=database, clock=clock),
        memory=StoredMemory(database=database),
        clock=clock,
    )
    await database.close()
