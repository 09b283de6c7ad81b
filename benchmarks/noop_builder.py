"""``python -m benchmarks.noop_builder``: real builders of a farm whose executor does nothing.

Everything else is what ``wheelyard builder`` is made of: enrolment, the agent, the bus, the spool, uploads.
The executor leaves an archive of one small file, as a command that runs ``true`` and is told to keep that file would.
Several agents may share the process, each with a connection of its own.
"""

import argparse
import asyncio
import io
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.builder.agent import Agent
from wheelyard.builder.health import Thresholds, Vitals
from wheelyard.builder.machine import LocalMachine
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.builder.spool import Spool
from wheelyard.bus.nats import NatsBuilderBus
from wheelyard.bus.nats_options import NatsOptions
from wheelyard.depot import identity as identities
from wheelyard.depot.blobs import HttpDepot
from wheelyard.depot.http import Farm
from wheelyard.executor.interpreters import MachineInterpreters, native_platform
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.builder import Facts, FactValue
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.ports import Progress
from wheelyard.targets.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the process is told on its standard input."""

    farm: str
    codes: dict[str, str]
    state: Path
    slots: int
    seconds: float = 0.0
    payload: int = 0


class DoesNothing:
    """Notes when each job was started, waits for ``seconds``, and leaves an archive with ``payload`` more bytes."""

    def __init__(self, orders: Orders, blobs: FolderBlobs, starts: io.TextIOBase) -> None:
        self._orders = orders
        self._blobs = blobs
        self._starts = starts

    def capabilities(self) -> dict[str, str]:
        return {"sandbox": "none"}

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:  # noqa: ARG002
        self._starts.write(f"{offer.key} {offer.fence} {time.time()}\n")
        self._starts.flush()
        await asyncio.sleep(self._orders.seconds)
        content = _archive(offer, self._orders.payload)
        artifact = Artifact(
            filename="" if offer.command is None else offer.command.filename,
            digest=await self._blobs.add_bytes(content),
            size=len(content),
            release=offer.release,
            tags=frozenset(),
            origin=Origin.COMMAND,
            build_key=offer.key,
            target=offer.target,
            source_digest=offer.source.digest,
            created=datetime.now(UTC),
        )
        return Report(outcome=Outcome.BUILT, artifact=artifact, wall_seconds=self._orders.seconds)

    async def close(self) -> None:
        pass


def _archive(offer: Offer, payload: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("result")
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, offer.key.encode() + bytes(payload))
    return stream.getvalue()


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    asyncio.run(_run(msgspec.json.decode(sys.stdin.buffer.read(), type=Orders, dec_hook=_path)))


def _path(kind: type, text: str) -> Path:
    assert kind is Path
    return Path(text)


async def _run(orders: Orders) -> None:
    orders.state.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        starts = stack.enter_context((orders.state / "starts").open("a", encoding="utf-8"))
        interpreters = await MachineInterpreters.find(cache=orders.state / "interpreters.json")
        agents = [await _agent(orders, name, interpreters, starts, stack) for name in orders.codes]

        def leave() -> None:
            for agent in agents:
                agent.leave()

        loop.add_signal_handler(signal.SIGTERM, leave)
        print("there", flush=True)
        async with asyncio.TaskGroup() as group:
            for agent in agents:
                group.create_task(agent.run())


async def _agent(
    orders: Orders,
    name: str,
    interpreters: MachineInterpreters,
    starts: io.TextIOBase,
    stack: AsyncExitStack,
) -> Agent:
    identity = await identities.enrol(orders.farm, orders.codes[name], name=name)
    state = orders.state / name
    state.mkdir()
    blobs = FolderBlobs(state / "blobs", own=state)
    farm = Farm(identity.farm, token=identity.token)
    stack.push_async_callback(farm.close)
    address = identity.bus
    options = NatsOptions(servers=address.servers, user=address.user, password=address.password)
    bus = await NatsBuilderBus.open(options, name=name)
    stack.push_async_callback(bus.close)
    arch = Platform.parse(native_platform()).arch
    facts: dict[str, FactValue] = {"arch": arch, "os": "linux", "sandbox": ("none",)}
    return Agent(
        AgentSettings(
            name=name,
            facts=Facts(version="0", slots=orders.slots, values=tuple(facts.items())),
            presence_seconds=identity.presence_seconds,
        ),
        AgentPorts(
            bus=bus,
            depot=HttpDepot(farm, blobs=blobs, incoming=state / "incoming"),
            blobs=blobs,
            executor=DoesNothing(orders, blobs, starts),
            interpreters=interpreters,
            machine=LocalMachine(state),
            spool=Spool(state / "spool", name=name),
            vitals=Vitals(Thresholds(free_disk_bytes=1 << 20, free_memory_bytes=1 << 20)),
        ),
    )


if __name__ == "__main__":
    main()
