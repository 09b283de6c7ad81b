"""An index server on a socket of this process."""

import asyncio
import errno
import gc
import logging
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from wheelyard.errors import ConfigurationError
from wheelyard.index.channel_state import RenderedChannel
from wheelyard.index.fallthrough import Fallthrough
from wheelyard.index.listing import IndexPorts
from wheelyard.index.patience import PatientProtocol
from wheelyard.index.quick import Quick, QuickProtocol
from wheelyard.index.server import IndexServer

_log = logging.getLogger(__name__)
_BACKLOG = 2048
_LAST_ANSWERS_SECONDS = 5


def allow_many_connections() -> None:
    """Let this process have as many open files as its user may: each open page is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_what_is_there() -> None:
    """Let garbage collection pass over all that a server holds once it has begun.

    Modules, routes and templates stay until it ends; to walk through them takes up to 0.1 s each
    time, in which no page is answered.
    """
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def running(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, quick: Quick | None = None
) -> AsyncIterator[str]:
    """Serve an application while the block runs; gives its address, without a slash at the end.

    What ``quick`` knows is answered without asking the application. Port 0 takes any free port. Raises ConfigurationError where the port cannot be had.
    """
    listener = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http=_protocol(quick),
            access_log=False,
            log_config=None,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
    )
    with listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield _address(host, listener)
        finally:
            server.should_exit = True
            await serving


async def serve(
    ports: IndexPorts,
    *,
    host: str,
    port: int,
    announce: Callable[[str], None],
    upstream: Fallthrough | None = None,
) -> None:
    """Serve the index until the process is told to stop; ``announce`` gets its address."""
    app = IndexServer(
        artifacts=ports.artifacts,
        blobs=ports.blobs,
        snapshots=ports.snapshots,
        upstream=upstream,
        channel=None if ports.channel is None else RenderedChannel(ports.channel),
    )
    stop = asyncio.Event()
    async with running(app, host=host, port=port, quick=app) as address:
        with _told_to_stop(stop):
            keep_what_is_there()
            _log.info("index.started", extra={"address": address})
            announce(address)
            await stop.wait()
    _log.info("index.stopped", extra={"address": address})


def _protocol(quick: Quick | None) -> type[asyncio.Protocol]:
    if quick is None:
        return PatientProtocol
    # uvicorn asks for a class, and calls it.
    return cast(type[asyncio.Protocol], partial(QuickProtocol, quick=quick))


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it: it may be one service of several."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    # A loop outside of the main thread cannot take signals; whoever started it stops it.
    with suppress(RuntimeError, NotImplementedError):
        for number in signals:
            loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        with suppress(RuntimeError, NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)


def _listen(host: str, port: int) -> socket.socket:
    with ExitStack() as undone:
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = undone.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(_BACKLOG)
        except (OSError, OverflowError) as error:
            raise _cannot_listen(host, port, error) from error
        listener.setblocking(False)
        undone.pop_all()
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> ConfigurationError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} on {host} is in use by another program",
            hint="Choose another one with --port; 0 takes any that is free.",
        )
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return ConfigurationError(
            f"Port {port} may not be opened by this user",
            hint="Choose one from 1024 on with --port.",
        )
    reason = getattr(error, "strerror", None) or error
    return ConfigurationError(
        f"The index cannot be served on {host!r}, port {port}: {reason}",
        hint="--host takes a name or an address of this machine, --port a number up to 65535.",
    )


def _address(host: str, listener: socket.socket) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{listener.getsockname()[1]}"
