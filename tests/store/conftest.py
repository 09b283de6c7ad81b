"""The stores that must keep the same promises: those in memory, in SQLite and in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from store.servers import private_server
from wheelyard.campaign_ports import CampaignStore
from wheelyard.farm_ports import BuilderStore, EventLog, Queue, RequestStore, TokenStore
from wheelyard.site_ports import SiteStore
from wheelyard.store.artifacts import StoredArtifacts
from wheelyard.store.builders import StoredBuilders
from wheelyard.store.campaigns import StoredCampaigns
from wheelyard.store.database import Database
from wheelyard.store.evidence import StoredEvidence
from wheelyard.store.happenings import StoredEvents
from wheelyard.store.jobs import StoredJobs
from wheelyard.store.memory import StoredMemory
from wheelyard.store.postgres import PostgresDatabase
from wheelyard.store.postgres_revision import bring_up
from wheelyard.store.private_server import PrivateServer
from wheelyard.store.queue import StoredQueue
from wheelyard.store.references import StoredReferences
from wheelyard.store.requests import StoredRequests
from wheelyard.store.schema import METADATA
from wheelyard.store.site import StoredSite
from wheelyard.store.snapshots import StoredSnapshots
from wheelyard.store.sqlite import SqliteDatabase
from wheelyard.store.tokens import StoredTokens
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.builders import MemoryBuilderStore
from wheelyard.testing.campaigns import MemoryCampaigns
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.happenings import MemoryEventLog
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.memo import MemoryMemo
from wheelyard.testing.queue import MemoryQueue
from wheelyard.testing.requests import MemoryRequestStore
from wheelyard.testing.site import MemorySite
from wheelyard.testing.tokens import MemoryTokenStore

ENGINES = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Stores that belong together, on one clock."""

    jobs: MemoryJobStore | StoredJobs
    artifacts: MemoryArtifactStore | StoredArtifacts
    memory: MemoryMemo | StoredMemory
    queue: Queue
    requests: RequestStore
    builders: BuilderStore
    tokens: TokenStore
    events: EventLog
    site: SiteStore
    campaigns: CampaignStore
    clock: ManualClock
    snapshots: StoredSnapshots | None = None
    evidence: StoredEvidence | None = None
    references: StoredReferences | None = None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated database to copy: migrating one for each test would be most of the time."""
    path = tmp_path_factory.mktemp("empty") / "state.sqlite"

    async def make() -> None:
        await (await SqliteDatabase.open(path)).close()

    asyncio.run(make())
    return path.read_bytes()


@pytest.fixture(scope="session")
def server() -> Iterator[PrivateServer]:
    """A real PostgreSQL server."""
    with private_server() as private:
        yield private


@pytest.fixture(scope="session")
def migrated(server: PrivateServer) -> str:
    """The address of a database that has the newest schema."""
    url = new_database(server, "migrated")
    bring_up(url)
    return url


@pytest.fixture
def empty_server(migrated: str) -> str:
    """The same with nothing in it."""
    empty(migrated)
    return migrated


def empty(url: str) -> None:
    """Take everything out of a database."""
    tables = ", ".join(table.name for table in METADATA.sorted_tables)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())


def new_database(server: PrivateServer, name: str) -> str:
    """Make an empty database; return its address."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.url(name)


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, tmp_path: Path, empty_database: bytes) -> str | Path:
    """Where an empty database of today is, on either engine."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("empty_server")
        return url
    path = tmp_path / "state.sqlite"
    path.write_bytes(empty_database)
    return path


@pytest.fixture(params=["memory", *ENGINES])
async def stores(
    request: pytest.FixtureRequest, tmp_path: Path, empty_database: bytes
) -> AsyncIterator[Stores]:
    clock = ManualClock()
    if request.param == "memory":
        yield in_memory(clock)
        return
    database: Database
    if request.param == "postgres":
        database = await PostgresDatabase.open(request.getfixturevalue("empty_server"))
    else:
        path = tmp_path / "state.sqlite"
        path.write_bytes(empty_database)
        database = await SqliteDatabase.open(path)
    yield of_database(database, clock)
    await database.close()


def in_memory(clock: ManualClock) -> Stores:
    artifacts = MemoryArtifactStore(clock=clock)
    jobs = MemoryJobStore(clock=clock, artifacts=artifacts)
    queue = MemoryQueue(jobs)
    return Stores(
        jobs=jobs,
        artifacts=artifacts,
        memory=MemoryMemo(),
        queue=queue,
        requests=MemoryRequestStore(clock=clock),
        builders=MemoryBuilderStore(clock=clock),
        tokens=MemoryTokenStore(clock=clock),
        events=MemoryEventLog(clock=clock),
        site=MemorySite(jobs=jobs, queue=queue),
        campaigns=MemoryCampaigns(),
        clock=clock,
    )


def of_database(database: Database, clock: ManualClock) -> Stores:
    return Stores(
        jobs=StoredJobs(database=database, clock=clock),
        artifacts=StoredArtifacts(database=database, clock=clock),
        memory=StoredMemory(database=database),
        queue=StoredQueue(database=database, clock=clock),
        requests=StoredRequests(database=database, clock=clock),
        builders=StoredBuilders(database=database, clock=clock),
        tokens=StoredTokens(database=database, clock=clock),
        events=StoredEvents(database=database, clock=clock),
        site=StoredSite(pages=database, counts=database),
        campaigns=StoredCampaigns(database=database),
        clock=clock,
        snapshots=StoredSnapshots(database=database, clock=clock),
        evidence=StoredEvidence(database=database),
        references=StoredReferences(database=database),
    )
