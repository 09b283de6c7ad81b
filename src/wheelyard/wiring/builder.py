"""Joins the parts of a builder that works for a farm elsewhere.

It is a process of its own, and runs where much of what a farm needs cannot be installed: nothing of a
database, a web server or a planner is imported from here.
"""

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import platformdirs

from wheelyard import __version__
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.builder.agent import Agent
from wheelyard.builder.facts import Abilities, facts_of, slots_for
from wheelyard.builder.health import Thresholds, Vitals
from wheelyard.builder.machine import Equipment, LocalMachine
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.builder.spool import Spool
from wheelyard.bus_ports import BuilderBus
from wheelyard.depot import identity as identities
from wheelyard.depot.blobs import HttpDepot, sweep
from wheelyard.depot.bus import HttpBuilderBus
from wheelyard.depot.http import Farm
from wheelyard.depot.identity import Identity
from wheelyard.depot.retry import until_there
from wheelyard.depot_ports import Depot
from wheelyard.errors import BusError, ConfigurationError, DeniedError
from wheelyard.executor.check_policy import CheckPolicy
from wheelyard.executor.environments import find_uv
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.settings import CompilerCache, ExecutorSettings, Sandbox
from wheelyard.executor.standard import standard_parts
from wheelyard.executor.toolchain import tool_versions
from wheelyard.model.builder import Facts
from wheelyard.model.counted import plural
from wheelyard.wiring.platforms import platforms_of, reaches_of, shown_of

if TYPE_CHECKING:
    from wheelyard.bus.nats_options import NatsOptions

_log = logging.getLogger(__name__)
_SHARE_OF_MEMORY = 0.9
_AGAIN_SECONDS = 5.0
_AGAIN_PRESENCES = 12
_LOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderSettings:
    """What a builder is told. ``join`` and ``code`` are needed the first time only.

    ``pythons`` are those that it builds for (``cp312``); none named: all that are here.
    ``network``: commands that ask for it are given it. ``platforms`` is the state folder with the platforms that it builds for
    without being one, ``state`` where None.
    """

    state: Path
    join: str = ""
    code: str = field(default="", repr=False)
    name: str = ""
    slots: int | None = None
    labels: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    once: bool = False
    sandbox: Sandbox = Sandbox.AUTO
    compiler_cache: CompilerCache = CompilerCache.NONE
    network: bool = False
    cache_bytes: int = 20 << 30
    thresholds: Thresholds = field(default_factory=Thresholds)
    platforms: Path | None = None


def builder_state_path(given: Path | None) -> Path:
    """Return the state folder that was named, or the user's own for a builder."""
    if given is not None:
        return given.expanduser().absolute()
    return Path(platformdirs.user_state_dir("wheelyard")) / "builder"


@asynccontextmanager
async def open_builder(settings: BuilderSettings) -> AsyncIterator[Agent]:
    """Join the farm, or come back to it, and open all that a builder works with. Run the agent inside.

    Raises ToolError where the machine lacks what every job takes.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(identities.alone(settings.state))
        # Before a code is spent: without it every job would come to nothing here.
        await asyncio.to_thread(find_uv)
        identity = await _identity(settings)
        session = secrets.token_hex(8)
        blobs = FolderBlobs(settings.state / "blobs", own=settings.state)
        await blobs.sweep_temporary()
        farm = Farm(identity.farm, token=identity.token)
        stack.push_async_callback(farm.close)
        incoming = settings.state / "incoming"
        await asyncio.to_thread(sweep, incoming)
        bus = await bus_of_farm(identity, session)
        stack.push_async_callback(bus.close)
        if isinstance(bus, Refusing):
            await stack.enter_async_context(
                until_shut_out(lambda: identities.look_again(identity), refused=bus.refused)
            )
        yield await agent_of(
            settings,
            Joined(
                identity=identity,
                session=session,
                bus=bus,
                depot=HttpDepot(farm, blobs=blobs, incoming=incoming),
                blobs=blobs,
            ),
            stack,
        )


@runtime_checkable
class Refusing(Protocol):
    """A bus that lets in only whom it knows, and tells when it did not."""

    @property
    def refused(self) -> asyncio.Event:
        """Set each time that it does not let this builder in again."""
        ...


@asynccontextmanager
async def until_shut_out(
    look: Callable[[], Awaitable[object]], *, refused: asyncio.Event, every: float = _LOOK_SECONDS
) -> AsyncIterator[None]:
    """End the block with DeniedError, in a group, once ``look`` says that this builder is shut out.

    A bus does not tell whom it shuts out for good: where it ``refused`` somebody, it is time to look.
    """

    async def watch() -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await refused.wait()
            refused.clear()
            with contextlib.suppress(BusError):
                await look()

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A farm that was joined."""

    identity: Identity
    session: str
    bus: BuilderBus
    depot: Depot
    blobs: FolderBlobs


async def agent_of(settings: BuilderSettings, joined: Joined, stack: AsyncExitStack) -> Agent:
    """Find out what this machine is, and return the agent that works on it for a farm."""
    state = settings.state
    machine = LocalMachine(state)
    equipment = await asyncio.to_thread(machine.equipment)
    slots = 1 if settings.once else slots_for(equipment, settings.slots)
    interpreters = await _interpreters(settings)
    reaching = settings.platforms or state
    executor = LocalExecutor(
        ExecutorSettings(
            state=state,
            sandbox=settings.sandbox,
            compiler_cache=settings.compiler_cache,
            parallel=max(1, equipment.cores // slots),
            network=settings.network,
            shown=await asyncio.to_thread(shown_of, reaching),
        ),
        blobs=joined.blobs,
        interpreters=interpreters,
        parts=standard_parts(CheckPolicy()),
        platforms=platforms_of(reaching),
    )
    stack.push_async_callback(executor.close)
    facts = await _facts(settings, equipment, slots, interpreters, executor)
    _say_joined(joined.identity, slots, interpreters)
    return Agent(
        AgentSettings(
            name=joined.identity.name,
            session=joined.session,
            facts=facts,
            presence_seconds=joined.identity.presence_seconds,
            # A farm with short leases wants to hear again soon of what it may have lost.
            again_seconds=_AGAIN_PRESENCES * joined.identity.presence_seconds,
            memory_bytes=int(equipment.memory_bytes * _SHARE_OF_MEMORY / slots),
            least_disk_bytes=settings.thresholds.free_disk_bytes,
            cache_bytes=settings.cache_bytes,
            once=settings.once,
        ),
        AgentPorts(
            bus=joined.bus,
            depot=joined.depot,
            blobs=joined.blobs,
            executor=executor,
            interpreters=interpreters,
            machine=machine,
            spool=Spool(state / "spool", name=joined.identity.name),
            vitals=Vitals(settings.thresholds),
        ),
    )


def _say_joined(identity: Identity, slots: int, interpreters: MachineInterpreters) -> None:
    _log.info(
        "joined %s as %s: %s for %s",
        identity.farm,
        identity.name,
        plural(slots, "slot"),
        ", ".join(map(str, interpreters.targets())) or "no Python",
    )


async def _interpreters(settings: BuilderSettings) -> MachineInterpreters:
    cache = settings.state / "cache" / "interpreters.json"
    return (await MachineInterpreters.find(cache=cache)).only(settings.pythons)


async def _facts(
    settings: BuilderSettings,
    equipment: Equipment,
    slots: int,
    interpreters: MachineInterpreters,
    executor: LocalExecutor,
) -> Facts:
    sandbox = await asyncio.to_thread(executor.capabilities)
    abilities = Abilities(
        targets=interpreters.targets(),
        tools=await tool_versions(),
        sandbox=tuple(sandbox["sandbox"].split(", ")),
        network=settings.network,
        reaches=await asyncio.to_thread(reaches_of, settings.platforms or settings.state),
    )
    return facts_of(equipment, abilities, version=__version__, slots=slots, labels=settings.labels)


async def _identity(settings: BuilderSettings) -> Identity:
    """Return who this builder is: as it is kept, or enrolled now."""
    known = await asyncio.to_thread(identities.load, settings.state)
    if known is not None and settings.join in {"", known.farm}:
        try:
            found = await until_there(lambda: identities.look_again(known))
        except DeniedError:
            if not settings.code:
                raise
            # It was revoked, and somebody gave it a new code.
        else:
            await asyncio.to_thread(identities.keep, found, settings.state)
            return found
    if not settings.join or not settings.code:
        raise ConfigurationError(
            f"this builder belongs to no farm yet ({str(settings.state)!r} knows none)"
            if known is None
            else f"this builder belongs to {known.farm!r}, not to {settings.join!r}",
            hint="Join one with --join URL --token CODE; who administers the farm makes codes.",
        )
    found = await identities.enrol(settings.join, settings.code, name=settings.name)
    await asyncio.to_thread(identities.keep, found, settings.state)
    return found


async def bus_of_farm(identity: Identity, session: str) -> BuilderBus:
    """Connect to the bus that the farm named; where it is away, when it is back. Raises DeniedError."""
    if identity.bus.kind == "http":
        return HttpBuilderBus(identity.farm, token=identity.token, session=session)
    # Another client, which only farms with NATS need.
    from wheelyard.bus.nats import NatsBuilderBus

    while True:
        try:
            return await NatsBuilderBus.open(_nats_options(identity), name=identity.name)
        except BusError as error:
            _log.warning("the farm's bus is away: %s", error.message)
            await asyncio.sleep(_AGAIN_SECONDS)
        # It may have moved, and a bus does not say whom it shuts out for good.
        with contextlib.suppress(BusError):
            identity = await identities.look_again(identity)


def _nats_options(identity: Identity) -> "NatsOptions":
    from wheelyard.bus.nats_options import NatsOptions

    address = identity.bus
    secure = bool(address.ca) or any(one.startswith("tls:") for one in address.servers)
    return NatsOptions(
        servers=address.servers,
        user=address.user,
        password=address.password,
        tls=ssl.create_default_context(cadata=address.ca or None) if secure else None,
    )
