"""A builder that does what a row says: it has a real token and the real bus, and may be broken, slow or hostile."""

import asyncio
import base64
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import httpx

from wheelyard.bus_ports import BuilderBus
from wheelyard.depot import identity as identities
from wheelyard.depot.identity import Identity
from wheelyard.errors import BusError, DeniedError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.builder import Facts, Health, Running
from wheelyard.model.job import Outcome, Report
from wheelyard.protocol.messages import Assignment, Presence, Result, Returned, Settled, Stop
from wheelyard.protocol.wire import decode_order, encode
from wheelyard.selftest.farm import LEASE, FarmUnderTest
from wheelyard.selftest.verdict import NotSurvivedError, until
from wheelyard.targets.wheelname import WheelName
from wheelyard.testing.sdists import SdistSpec, write_wheel
from wheelyard.wiring.builder import bus_of_farm

_BEATS = 12
_TRIES, _PAUSE_SECONDS = 10, 0.5


class Actor:
    """A builder by hand. Open it with ``async with Actor.joined(…)``; ``silent``: it is not heard of."""

    def __init__(self, farm: FarmUnderTest, identity: Identity, bus: BuilderBus) -> None:
        self.name = identity.name
        self.token = identity.token
        self.silent = False
        self.free = 1
        self.running: dict[tuple[str, int], Assignment] = {}
        self._farm = farm
        self._identity = identity
        self._bus = bus
        self._session = secrets.token_hex(8)
        self._facts = Facts(version="0", slots=1)
        self._orders: asyncio.Queue[Assignment] = asyncio.Queue()
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def joined(cls, farm: FarmUnderTest, name: str, *, slots: int = 1) -> AsyncIterator[Self]:
        """Let it join with the facts of a builder that is there, and say that it lives while the block runs."""
        code = await farm.client.code()
        address = f"http://127.0.0.1:{farm.port}"
        identity = await identities.enrol(address, code, name=name)
        if farm.engine.bus_port:
            identity = await identities.look_again(identity)
        bus = await bus_of_farm(identity, secrets.token_hex(8))
        actor = cls(farm, identity, bus)
        models = [one for one in (await farm.client.builders()).values() if one["facts"]]
        values = tuple(
            (key, tuple(value) if isinstance(value, list) else value)
            for key, value in sorted(models[0]["facts"].items())
        )
        actor.free = slots
        actor._facts = Facts(version=models[0]["version"], slots=slots, values=values)
        tasks = [asyncio.create_task(actor._beat()), asyncio.create_task(actor._listen())]
        try:
            yield actor
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()
            await bus.close()

    async def take(self, *, seconds: float = 60.0) -> Assignment:
        """Wait for an assignment."""
        try:
            async with asyncio.timeout(seconds):
                return await self._orders.get()
        except TimeoutError:
            raise NotSurvivedError(f"{self.name} got no job within {seconds:.0f} s") from None

    def waiting(self) -> int:
        """Return how many assignments came that nobody took yet."""
        return self._orders.qsize()

    async def report(self, order: Assignment, report: Report) -> None:
        """Say how an attempt ended."""
        word = Result(
            builder=self.name, key=order.offer.key, fence=order.offer.fence, report=report
        )
        await self._say_for_sure(encode(word))
        self.running.pop((order.offer.key, order.offer.fence), None)

    async def fail(self, order: Assignment, outcome: Outcome, reason: str) -> None:
        """Say that an attempt failed."""
        await self.report(order, Report(outcome=outcome, reason=reason))

    async def give_back(self, order: Assignment) -> None:
        """Give a job back unfinished."""
        offer = order.offer
        word = Returned(builder=self.name, key=offer.key, fence=offer.fence, reason="it is a test")
        await self._say_for_sure(encode(word))
        self.running.pop((offer.key, offer.fence), None)

    async def _say_for_sure(self, content: bytes) -> None:
        """Say something that an honest builder says; a bus that is away for a moment is asked again."""
        for tries_left in reversed(range(_TRIES)):
            try:
                await self.say(content)
            except BusError:
                if not tries_left:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def say(self, content: bytes) -> None:
        """Say something, whatever it is. Raises BusError and ProtocolError where the farm will not hear it."""
        self._count += 1
        await self._bus.say(content, name=f"{self._session}.{self._count}")

    async def upload(
        self, order: Assignment, content: bytes, digest: str, **headers: str
    ) -> httpx.Response:
        """Upload bytes under a digest, with headers of one's own, and return the farm's answer."""
        fields = {
            "Authorization": f"Bearer {order.token}",
            "Content-Digest": _announced(digest),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.put(
                f"http://127.0.0.1:{self._farm.port}/api/blobs/{digest}",
                params={"key": order.offer.key, "fence": order.offer.fence},
                headers=fields,
                content=content,
            )

    @staticmethod
    def head_of_upload(order: Assignment, digest: str, size: int) -> bytes:
        """Return how an upload of so many bytes begins."""
        query = f"key={order.offer.key}&fence={order.offer.fence}"
        lines = (
            f"PUT /api/blobs/{digest}?{query} HTTP/1.1",
            "Host: farm",
            f"Authorization: Bearer {order.token}",
            f"Content-Digest: {_announced(digest)}",
            f"Content-Length: {size}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _beat(self) -> None:
        while True:
            if not self.silent:
                with contextlib.suppress(BusError, DeniedError):
                    await self._bus.announce(encode(self._presence()))
            await asyncio.sleep(LEASE / _BEATS)

    def _presence(self) -> Presence:
        running = tuple(Running(key=key, fence=fence) for key, fence in self.running)  # type: ignore[arg-type]
        free = max(0, self.free - len(running))
        return Presence(
            builder=self.name,
            session=self._session,
            facts=self._facts,
            health=Health(free_memory_bytes=8 << 30, free_disk_bytes=64 << 30),
            running=running,
            free=free,
            accepting=self.free > 0,
            why="" if self.free > 0 else "it is a test",
        )

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(BusError):
                async for delivery in self._bus.orders():
                    order = decode_order(delivery.content)
                    await delivery.done()
                    if isinstance(order, Assignment):
                        self.running[order.offer.key, order.offer.fence] = order
                        await self._orders.put(order)
                    elif isinstance(order, Stop | Settled):
                        self.running.pop((order.key, order.fence), None)
            await asyncio.sleep(0.5)


def wheel_of(order: Assignment, folder: Path, *, body: str = "") -> tuple[Artifact, bytes]:
    """Make a wheel of the job's release, other than its source would give where ``body`` says more."""
    release = order.offer.release
    path = write_wheel(
        SdistSpec(name=str(release.project), version=str(release.version), body=body), folder
    )
    content = path.read_bytes()
    artifact = Artifact(
        filename=path.name,
        digest=digest_of(content),
        size=len(content),
        release=release,
        tags=WheelName.parse(path.name).tags,
        origin=Origin.BUILT,
    )
    return artifact, content


def _announced(digest: str) -> str:
    encoded = base64.b64encode(bytes.fromhex(digest.partition(":")[2])).decode()
    return f"sha-256=:{encoded}:"


def digest_of(content: bytes) -> str:
    """Name bytes as blobs are named."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def in_quarantine(farm: FarmUnderTest, name: str, *, seconds: float = 30.0) -> None:
    """Wait until a builder is in quarantine."""

    async def look() -> bool:
        return bool((await farm.client.builders())[name]["mode"] == "quarantined")

    await until(look, f"{name} is in quarantine", seconds=seconds)
