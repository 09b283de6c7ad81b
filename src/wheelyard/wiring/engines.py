"""The two engines of a farm's bus: in this process, or NATS JetStream."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wheelyard.bus.memory import MemoryBus
from wheelyard.bus.server_config import BusUser, ServerPlace, user_name
from wheelyard.bus.subjects import COORDINATOR
from wheelyard.bus_ports import BuilderBus, Bus
from wheelyard.errors import BusError, ConfigurationError
from wheelyard.farm_ports import TokenStore
from wheelyard.wiring.bus_guests import AccountsFile, BusGuests, users_of

_log = logging.getLogger(__name__)
IN_PROCESS = "in-process"
OWN_SERVER = "nats"
_PORT = 4222
_SCHEMES = ("nats://", "tls://")
_OWN_END_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """Which bus a farm has.

    ``told`` is the address that builders are told where it is another one than ours; ``accounts`` the file
    in which a server that others run is told who may connect.
    """

    address: str = IN_PROCESS
    told: str = ""
    accounts: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A bus with what belongs to it.

    ``end_of`` gives a builder's end over HTTP, None where builders reach the bus by themselves; ``own_end``
    is for builders of this process. ``admit`` lets the bus know which builders there are, and
    ``keep`` does so until it is cancelled, whoever changed them.
    """

    bus: Bus
    bus_of: Callable[[str], Awaitable[Mapping[str, str | Sequence[str]]]]
    end_of: Callable[[str], BuilderBus] | None
    own_end: Callable[[str], Awaitable[BuilderBus]]
    reachable: Callable[[], Awaitable[bool]]
    admit: Callable[[], Awaitable[None]]
    keep: Callable[[], Coroutine[None, None, None]]


async def open_engine(
    settings: BusSettings, *, state: Path, tokens: TokenStore, stack: AsyncExitStack
) -> Engine:
    """Open the bus that is asked for. Raises BusError and ConfigurationError."""
    _check_told(settings.told)
    if settings.address in {"", IN_PROCESS}:
        return _in_process(state, stack)
    if settings.address == OWN_SERVER or settings.address.startswith(f"{OWN_SERVER}-server://"):
        return await _own_server(settings, state, tokens, stack)
    if settings.address.startswith(_SCHEMES):
        return await _server(settings, tokens, stack)
    raise ConfigurationError(
        f"{settings.address!r} is no bus",
        hint="Write in-process, nats or nats-server://HOST (a server of the farm's own, for builders of this machine, or of "
        "others that reach it as HOST), or nats://USER:PASSWORD@HOST:4222.",
    )


def _check_told(address: str) -> None:
    parts = urlsplit(address)
    if address and (f"{parts.scheme}://" not in _SCHEMES or not parts.hostname or parts.password):
        raise ConfigurationError(
            "what builders are to be told is no address of a bus"
            if parts.password
            else f"{address!r} is no address of a bus",
            hint="Write nats://HOST:4222 or tls://HOST:4222; each builder has a password of its own.",
        )


def _in_process(state: Path, stack: AsyncExitStack) -> Engine:
    bus = MemoryBus(log_folder=state / "live-logs")
    stack.push_async_callback(bus.close)

    async def bus_of(_: str) -> Mapping[str, str | Sequence[str]]:
        return {"kind": "http"}

    async def own_end(name: str) -> BuilderBus:
        return bus.builder(name)

    return Engine(
        bus=bus,
        bus_of=bus_of,
        end_of=bus.builder,
        own_end=own_end,
        reachable=_always,
        admit=_nothing,
        keep=_forever,
    )


async def _own_server(
    settings: BusSettings, state: Path, tokens: TokenStore, stack: AsyncExitStack
) -> Engine:
    """Run a nats-server in the state folder; it lets in the builders that have a token."""
    from wheelyard.bus.server import PrivateServer

    folder = state / "nats"
    await asyncio.to_thread(folder.mkdir, mode=0o700, exist_ok=True)
    host, port = _host_and_port(settings.address)
    # Builders of other machines come from anywhere, each with an account of its own.
    place = ServerPlace(folder=folder, host="0.0.0.0" if host else "127.0.0.1", port=port)  # noqa: S104
    server = await PrivateServer.start(place, builders=await users_of(tokens))
    stack.push_async_callback(server.stop)
    guests = BusGuests(tokens=tokens, admit=server.admit)
    await guests.tell()
    own = _Server(
        url=f"nats://127.0.0.1:{port}",
        told=settings.told or f"nats://{host or '127.0.0.1'}:{port}",
        user=COORDINATOR,
        password=server.password,
    )
    return await _connected(own, guests, stack)


def _host_and_port(address: str) -> tuple[str, int]:
    """Return where builders of other machines find a server of the farm's own; no host: there are none."""
    parts = urlsplit(address)
    try:
        port = parts.port or _PORT
    except ValueError as error:
        raise ConfigurationError(
            f"{address!r} has no port that can be: {error}", hint="Write nats-server://HOST:4222."
        ) from error
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host), port


async def _server(settings: BusSettings, tokens: TokenStore, stack: AsyncExitStack) -> Engine:
    """Use a server that others run; who may connect there is written in its configuration."""
    parts = urlsplit(settings.address)
    if not parts.hostname or not parts.password:
        raise ConfigurationError(
            f"the address of the bus on {parts.hostname or 'no host'!r} has no user and password",
            hint="Write nats://USER:PASSWORD@HOST:4222.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    url = f"{parts.scheme}://{host}:{parts.port or _PORT}"
    user, password = unquote(parts.username or COORDINATOR), unquote(parts.password)
    server = _Server(url=url, told=settings.told or url, user=user, password=password)
    admit: Callable[[Sequence[BusUser]], Awaitable[None]] = _nobody
    if settings.accounts is not None:
        if user != COORDINATOR:
            raise ConfigurationError(
                f"the user on the bus is {user!r}, and its accounts are written for {COORDINATOR!r}",
                hint=f"Write nats://{COORDINATOR}:PASSWORD@HOST:4222, or leave --bus-accounts out.",
            )
        admit = AccountsFile(settings.accounts, password=password).write
    guests = BusGuests(tokens=tokens, admit=admit)
    # Before we connect: the server may know of nobody yet, not of us either.
    await guests.tell()
    return await _connected(server, guests, stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """Where a NATS server is, where builders are told that it is, and who the coordinator is there."""

    url: str
    told: str
    user: str
    password: str

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to check whom one talks to."""
        return ssl.create_default_context() if self.url.startswith("tls:") else None


async def _connected(server: _Server, guests: BusGuests, stack: AsyncExitStack) -> Engine:
    from wheelyard.bus.nats import NatsBuilderBus, NatsBus
    from wheelyard.bus.nats_options import NatsOptions

    servers = (server.url,)
    bus = await NatsBus.open(
        NatsOptions(servers=servers, user=server.user, password=server.password, tls=server.tls)
    )
    stack.push_async_callback(bus.close)

    async def bus_of(name: str) -> Mapping[str, str | Sequence[str]]:
        await guests.tell()
        return {
            "kind": "nats",
            "servers": (server.told,),
            "user": user_name(name),
            "password": await guests.password(name),
            "ca": "",
        }

    async def own_end(name: str) -> BuilderBus:
        await guests.tell()
        password = await guests.password(name)
        options = NatsOptions(
            servers=servers, user=user_name(name), password=password, tls=server.tls
        )
        return await _admitted(lambda: NatsBuilderBus.open(options, name=name))

    async def reachable() -> bool:
        try:
            # A name that no builder can have.
            await bus.forget(f"-{secrets.token_hex(4)}")
        except BusError:
            return False
        return True

    return Engine(
        bus=bus,
        bus_of=bus_of,
        end_of=None,
        own_end=own_end,
        reachable=reachable,
        admit=guests.tell,
        keep=guests.keep_telling,
    )


async def _admitted(connect: Callable[[], Awaitable[BuilderBus]]) -> BuilderBus:
    """Connect as a builder as soon as the server has been told of it. Raises BusError where that takes too long."""
    patience = asyncio.get_running_loop().time() + _OWN_END_SECONDS
    while True:
        try:
            return await connect()
        except BusError as error:
            if asyncio.get_running_loop().time() > patience:
                raise
            _log.warning("the bus does not let our own builder in yet: %s", error.message)
        await asyncio.sleep(1.0)


async def _always() -> bool:
    return True


async def _nobody(_: Sequence[BusUser]) -> None:
    return None


async def _nothing() -> None:
    return None


async def _forever() -> None:
    await asyncio.Event().wait()
