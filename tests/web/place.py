"""A farm without a coordinator behind a real HTTP server, on memory ports or on SQLite."""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from store.things import offer
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.bus.memory import MemoryBus
from wheelyard.coordinator.uploads import Uploads
from wheelyard.executor.uploaded import inspect_upload
from wheelyard.farm_ports import Queue, Role, Terms
from wheelyard.index.serving import running
from wheelyard.jobs.needs import Needs
from wheelyard.model.builder import Builder, Facts, Tier
from wheelyard.model.job import BuildKey, Limits, Offer
from wheelyard.model.request import RequestId
from wheelyard.ports import Clock, Lease
from wheelyard.protocol.messages import Presence, Result, Returned
from wheelyard.protocol.wire import encode
from wheelyard.store.folder import StateFolder
from wheelyard.store.jobs import StoredJobs
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.blobs import MemoryBlobs
from wheelyard.testing.builders import MemoryBuilderStore
from wheelyard.testing.campaigns import MemoryCampaigns
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.desk import DeskPorts, StoreDesk
from wheelyard.testing.happenings import MemoryEventLog
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.queue import MemoryQueue
from wheelyard.testing.requests import MemoryRequestStore
from wheelyard.testing.site import MemorySite
from wheelyard.testing.tokens import MemoryTokenStore
from wheelyard.web.app import WebApp
from wheelyard.web.identities import OpenIdSettings
from wheelyard.web.minting import Mint
from wheelyard.web.ports import Housekeeping, Times, WebPorts

FACTS = Facts(version="0.1.0", slots=2, values=(("arch", "x86_64"), ("python", ("cp311", "cp312"))))
NEEDS = Needs.of({"python": "cp312"})
TIMES = Times(look=0.02, beat=0.1, waits=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The farm: its ports, its store of jobs to do things with, and its HTTP client."""

    app: WebApp
    ports: WebPorts
    bus: MemoryBus
    jobs: MemoryJobStore | StoredJobs
    clock: ManualClock
    client: httpx.AsyncClient
    mint: Mint

    async def bearer(self, role: Role, subject: str = "ann", **more: Tier | str) -> dict[str, str]:
        """Return the headers of somebody with a new token."""
        credential, _ = await self.mint.make(role, subject, tier=_tier(more))
        return {"Authorization": f"Bearer {credential}"}

    async def builder(self, name: str = "arm-1") -> dict[str, str]:
        """Return the headers of a builder that is enrolled and has facts."""
        await self.ports.builders.add(Builder(name=name, facts=FACTS))
        return {"Authorization": f"Bearer {await self.mint.for_builder(name)}"}

    async def submit(self, key: str = "k1" * 8, *, release: str = "six==1.17.0") -> Offer:
        """Put a job into the queue."""
        queued = replace(offer(key, release), limits=Limits(artifact_bytes=600 << 20))
        terms = Terms(
            owner="ann",
            pool=str(NEEDS),
            needs=dict(NEEDS.items),
            rank=len(key),
            request=RequestId("r1"),
        )
        await self.ports.queue.submit(queued, terms)
        return queued

    async def lease(self, builder: str = "arm-1") -> Lease:
        """Let a builder have the next job."""
        pools = {str(NEEDS): ()}
        found = await self.ports.queue.lease_next(
            pools, builder, owners=["ann"], count=1, seconds=60
        )
        return found[0][1]

    async def leased(self, key: str = "k1" * 8, builder: str = "arm-1") -> Lease:
        """Put a job into the queue and let a builder have it."""
        await self.submit(key)
        return await self.lease(builder)

    async def ticket(self, lease: Lease, builder: str = "arm-1") -> dict[str, str]:
        """Return the headers of a job under its fence."""
        token = await self.mint.for_job(lease.key, lease.fence, builder)
        return {"Authorization": f"Bearer {token}"}


def _tier(more: Mapping[str, Tier | str]) -> Tier | None:
    return Tier(more["tier"]) if "tier" in more else None


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def announced(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def presence(builder: str = "arm-1", **more: int) -> bytes:
    from wheelyard.model.builder import Health

    return encode(
        Presence(
            builder=builder, session="s1", facts=FACTS, health=Health(), free=more.get("free", 2)
        )
    )


def returned(key: BuildKey, fence: int, builder: str = "arm-1") -> bytes:
    return encode(Returned(builder=builder, key=key, fence=fence, reason="no room"))


def result(word: Result) -> bytes:
    return encode(word)


@asynccontextmanager
async def open_place(
    folder: Path,
    *,
    kind: str,
    times: Times = TIMES,
    public: bool = False,
    identities: OpenIdSettings | None = None,
    database: str = "",
    housekeeping: Housekeeping | None = None,
) -> AsyncIterator[Place]:
    clock, bus = ManualClock(), MemoryBus(log_folder=folder / "logs")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        ports, jobs = await _ports(
            stack, folder, kind=kind, clock=clock, bus=bus, times=times, database=database
        )
        ports = replace(ports, public=public, identities=identities, housekeeping=housekeeping)
        app = WebApp(ports)
        address = await stack.enter_async_context(running(app))
        stack.push_async_callback(app.end)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=address, trust_env=False)
        )
        mint = Mint(tokens=ports.tokens, clock=clock)
        yield Place(app=app, ports=ports, bus=bus, jobs=jobs, clock=clock, client=client, mint=mint)


async def _ports(
    stack: AsyncExitStack,
    folder: Path,
    *,
    kind: str,
    clock: ManualClock,
    bus: MemoryBus,
    times: Times,
    database: str,
) -> tuple[WebPorts, MemoryJobStore | StoredJobs]:
    if kind == "memory":
        return _in_memory(folder, clock=clock, bus=bus, times=times)
    state = await stack.enter_async_context(
        await StateFolder.open(folder / "state", database=database, clock=clock)
    )
    return await _in_a_state(state, clock=clock, bus=bus, times=times), state.jobs


def _in_memory(
    folder: Path, *, clock: ManualClock, bus: MemoryBus, times: Times
) -> tuple[WebPorts, MemoryJobStore]:
    artifacts = MemoryArtifactStore(clock=clock)
    jobs = MemoryJobStore(clock=clock, artifacts=artifacts)
    queue = MemoryQueue(jobs)
    (folder / "read").mkdir()
    desk = DeskPorts(
        requests=MemoryRequestStore(clock=clock),
        jobs=jobs,
        queue=queue,
        builders=MemoryBuilderStore(clock=clock),
        events=MemoryEventLog(clock=clock),
        bus=bus,
        clock=clock,
    )
    ports = _web(
        desk,
        jobs=jobs,
        tokens=MemoryTokenStore(clock=clock),
        site=MemorySite(jobs=jobs, queue=queue),
        campaigns=MemoryCampaigns(),
        artifacts=artifacts,
        blobs=MemoryBlobs(folder / "read"),
        bus=bus,
        times=times,
        scratch=folder,
    )
    return ports, jobs


async def _in_a_state(
    state: StateFolder, *, clock: ManualClock, bus: MemoryBus, times: Times
) -> WebPorts:
    desk = DeskPorts(
        requests=state.requests,
        jobs=state.jobs,
        queue=state.queue,
        builders=state.builders,
        events=state.events,
        bus=bus,
        clock=clock,
    )
    return _web(
        desk,
        jobs=state.jobs,
        tokens=state.tokens,
        site=await state.site(),
        campaigns=state.campaigns,
        artifacts=state.artifacts,
        blobs=FolderBlobs(state.place("blobs"), own=state.path, flush=False),
        bus=bus,
        times=times,
        scratch=state.place("jobs"),
        snapshots=state.snapshots,
    )


async def _bus_of(_: str) -> Mapping[str, str]:
    return {"kind": "http"}


def _web(desk: DeskPorts, *, bus: MemoryBus, scratch: Path, **more: object) -> WebPorts:
    values: dict[str, object] = {
        "builders": desk.builders,
        "requests": desk.requests,
        "queue": desk.queue,
        "events": desk.events,
        "clock": desk.clock,
        "bus": bus,
        "end_of": bus.builder,
        "bus_of": _bus_of,
        "desk": StoreDesk(desk),
        "uploads": Uploads(
            inspect=inspect_upload,
            artifacts=more["artifacts"],  # type: ignore[arg-type]
            blobs=more["blobs"],  # type: ignore[arg-type]
            events=desk.events,
            scratch=scratch,
        ),
        **more,
    }
    return WebPorts(**values)  # type: ignore[arg-type]


def queue_of(place: Place) -> Queue:
    return place.ports.queue


def clock_of(place: Place) -> Clock:
    return place.clock
