"""The two engines of a farm's bus: in this process, or NATS JetStream."""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wheelyard.bus.memory import MemoryBus
from wheelyard.bus.server_config import BusUser, ServerPlace, password_of, user_name
from wheelyard.bus.subjects import COORDINATOR
from wheelyard.bus_ports import BuilderBus, Bus
from wheelyard.errors import BusError, ConfigurationError
from wheelyard.farm_ports import Role, TokenStore

IN_PROCESS = "in-process"
OWN_SERVER = "nats"
_PORT = 4222
_SCHEMES = ("nats://", "tls://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A bus with what belongs to it.

    ``end_of`` gives a builder's end over HTTP, None where builders reach the bus by themselves; ``own_end``
    is for builders of this process. ``admit`` lets the bus know which builders there are.
    """

    bus: Bus
    bus_of: Callable[[str], Awaitable[Mapping[str, str | Sequence[str]]]]
    end_of: Callable[[str], BuilderBus] | None
    own_end: Callable[[str], Awaitable[BuilderBus]]
    reachable: Callable[[], Awaitable[bool]]
    admit: Callable[[], Awaitable[None]]


async def open_engine(
    address: str, *, state: Path, tokens: TokenStore, stack: AsyncExitStack
) -> Engine:
    """Open the bus that an address names. Raises BusError and ConfigurationError."""
    if address in {"", IN_PROCESS}:
        return _in_process(state, stack)
    if address == OWN_SERVER or address.startswith(f"{OWN_SERVER}-server://"):
        return await _own_server(address, state, tokens, stack)
    if address.startswith(_SCHEMES):
        return await _server(address, tokens, stack)
    raise ConfigurationError(
        f"{address!r} is no bus",
        hint="Write in-process, nats or nats-server://HOST (a server of the farm's own, for builders of this machine, or of "
        "others that reach it as HOST), or nats://USER:PASSWORD@HOST:4222.",
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
    )


async def _own_server(
    address: str, state: Path, tokens: TokenStore, stack: AsyncExitStack
) -> Engine:
    """Run a nats-server in the state folder; it lets in the builders that have a token."""
    from wheelyard.bus.server import PrivateServer

    folder = state / "nats"
    await asyncio.to_thread(folder.mkdir, mode=0o700, exist_ok=True)
    host, port = _host_and_port(address)
    # Builders of other machines come from anywhere, each with an account of its own.
    place = ServerPlace(folder=folder, host="0.0.0.0" if host else "127.0.0.1", port=port)  # noqa: S104
    server = await PrivateServer.start(place, builders=await _users(tokens))
    stack.push_async_callback(server.stop)

    async def admit() -> None:
        await server.admit(await _users(tokens))

    own = _Server(
        url=f"nats://127.0.0.1:{port}",
        told=f"nats://{host or '127.0.0.1'}:{port}",
        user=COORDINATOR,
        password=server.password,
    )
    return await _connected(own, tokens, stack, admit)


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


async def _server(address: str, tokens: TokenStore, stack: AsyncExitStack) -> Engine:
    """Use a server that others run; who may connect there is written in its configuration."""
    parts = urlsplit(address)
    if not parts.hostname or not parts.password:
        raise ConfigurationError(
            f"the address of the bus on {parts.hostname or 'no host'!r} has no user and password",
            hint="Write nats://USER:PASSWORD@HOST:4222.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    url = f"{parts.scheme}://{host}:{parts.port or _PORT}"
    user, password = unquote(parts.username or COORDINATOR), unquote(parts.password)
    server = _Server(url=url, told=url, user=user, password=password)
    return await _connected(server, tokens, stack, _nothing)


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


async def _connected(
    server: _Server,
    tokens: TokenStore,
    stack: AsyncExitStack,
    admit: Callable[[], Awaitable[None]],
) -> Engine:
    from wheelyard.bus.nats import NatsBuilderBus, NatsBus
    from wheelyard.bus.nats_options import NatsOptions

    servers = (server.url,)
    bus = await NatsBus.open(
        NatsOptions(servers=servers, user=server.user, password=server.password, tls=server.tls)
    )
    stack.push_async_callback(bus.close)

    async def bus_of(name: str) -> Mapping[str, str | Sequence[str]]:
        await admit()
        password = await _password(tokens, name)
        return {
            "kind": "nats",
            "servers": (server.told,),
            "user": user_name(name),
            "password": password,
            "ca": "",
        }

    async def own_end(name: str) -> BuilderBus:
        await admit()
        password = await _password(tokens, name)
        options = NatsOptions(
            servers=servers, user=user_name(name), password=password, tls=server.tls
        )
        return await NatsBuilderBus.open(options, name=name)

    async def reachable() -> bool:
        try:
            # A name that no builder can have.
            await bus.forget(f"-{secrets.token_hex(4)}")
        except BusError:
            return False
        return True

    return Engine(
        bus=bus, bus_of=bus_of, end_of=None, own_end=own_end, reachable=reachable, admit=admit
    )


async def _users(tokens: TokenStore) -> Sequence[BusUser]:
    """Return the builders that may connect: each with the newest token that it has."""
    newest: dict[str, BusUser] = {}
    for token in await tokens.all():
        if token.role is Role.BUILDER and not token.revoked and token.subject not in newest:
            password = password_of(token.secret_digest)
            newest[token.subject] = BusUser(name=token.subject, password=password)
    return tuple(newest.values())


async def _password(tokens: TokenStore, name: str) -> str:
    users = {user.name: user.password for user in await _users(tokens)}
    if name not in users:
        raise ConfigurationError(f"builder {name!r} has no token", hint="Enrol it anew.")
    return users[name]


async def _always() -> bool:
    return True


async def _nothing() -> None:
    return None
