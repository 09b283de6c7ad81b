"""One connection to NATS that comes back by itself, for ever.

nats-py can reconnect, too, but it gives up for good on some errors that pass (a user that is admitted a
moment later), and it sends what it kept meanwhile. Here each connection lives once, and whoever reads
learns that it is over.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Self

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from wheelyard.bus.nats_options import NatsOptions
from wheelyard.errors import BusError

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_CLOSE_SECONDS = 1.0
_PING_SECONDS = 10
_UNANSWERED_PINGS = 2
"""A network that swallows everything is noticed within half a minute, by both."""


@contextlib.contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Be cancelled at the end of the block, if anybody wanted that meanwhile and was not heard.

    nats-py waits by ``asyncio.wait_for``, which before Python 3.12 swallows a cancellation that comes
    together with an answer or with the end of the connection.
    """
    task = asyncio.current_task()
    assert task is not None
    asked = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > asked:
            raise asyncio.CancelledError


class Connection:
    """A connection while it lasts; when it is over, ``lost`` is set and all ``endings`` are called."""

    def __init__(self, options: NatsOptions) -> None:
        self.client = Client()
        self.streams: JetStreamContext = self.client.jetstream(timeout=options.answer_seconds)
        """JetStream's interface."""
        self.lost = asyncio.Event()
        self.endings: set[Callable[[], None]] = set()
        self._options = options
        self._complaint: Exception | None = None

    async def open(self) -> None:
        """Connect. Raises what nats-py and sockets raise."""
        try:
            with heeding_cancellation():
                await self._connect()
        except nats.errors.NoServersError:
            # It tells the reason aside, of which this is what is left.
            raise self._complaint or nats.errors.NoServersError from None

    async def _connect(self) -> None:
        options = self._options
        async with asyncio.timeout(options.answer_seconds):
            await self.client.connect(
                list(options.servers),
                user=options.user or None,
                password=options.password or None,
                tls=options.tls,
                allow_reconnect=False,
                # Even so it would try for ever to connect at all.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=max(1, int(options.answer_seconds)),
                ping_interval=_PING_SECONDS,
                max_outstanding_pings=_UNANSWERED_PINGS,
                error_cb=self._complain,
                closed_cb=self._end,
            )

    @asynccontextmanager
    async def lasting(self) -> AsyncIterator[None]:
        """Give up what is done inside when the connection is lost: its answer never comes."""
        with heeding_cancellation():
            async with asyncio.timeout(None) as scope:
                with self._ending(scope):
                    if self.lost.is_set():
                        raise nats.errors.ConnectionClosedError
                    yield

    @contextlib.contextmanager
    def _ending(self, scope: asyncio.Timeout) -> Iterator[None]:
        """Let a scope be over when the connection is."""

        def end() -> None:
            scope.reschedule(asyncio.get_running_loop().time())

        self.endings.add(end)
        try:
            yield
        finally:
            self.endings.discard(end)

    async def close(self) -> None:
        """Hang up."""
        await self._end()
        # A socket on which TLS failed never says that it is closed (Python 3.11).
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.client.close()

    async def _end(self) -> None:
        self.lost.set()
        for ending in list(self.endings):
            ending()

    async def _complain(self, error: Exception) -> None:
        self._complaint = error
        _LOG.debug("the bus complained", extra={"action": "bus.complained", "error": str(error)})


class Link:
    """The way to the server. ``ready`` is run on each new connection before it is used.

    ``refused`` is set each time that the server does not let this user in again.
    """

    def __init__(
        self, options: NatsOptions, ready: Callable[[Connection], Awaitable[None]] | None
    ) -> None:
        self.options = options
        self.refused = asyncio.Event()
        self._ready = ready
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault: Exception | None = None
        self.closed = False

    @classmethod
    async def open(
        cls, options: NatsOptions, ready: Callable[[Connection], Awaitable[None]] | None = None
    ) -> Self:
        """Connect, and stay connected. Raises BusError where the first time fails."""
        link = cls(options, ready)
        try:
            link._take(await link._connect())
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise link._away("connecting failed", error) from error
        link._task = asyncio.create_task(link._keep())
        return link

    async def use(self) -> Connection:
        """Return the connection, waiting a while for one. Raises BusError."""
        if self._connection is not None and not (self.closed or self._connection.lost.is_set()):
            return self._connection
        try:
            async with asyncio.timeout(self.options.answer_seconds):
                return await self.wait()
        except TimeoutError:
            raise self._away("it is not connected", self._fault) from self._fault

    async def wait(self) -> Connection:
        """Return the connection, waiting for one as long as it takes. Raises BusError when closed."""
        while True:
            if self.closed:
                raise BusError("the bus is closed", hint="This process is ending.")
            if self._connection is not None and not self._connection.lost.is_set():
                return self._connection
            self._up.clear()
            await self._up.wait()

    @asynccontextmanager
    async def calling(self, doing: str) -> AsyncIterator[Connection]:
        """Use the connection for one call; what nats-py and sockets raise comes out as BusError."""
        connection = await self.use()
        try:
            async with connection.lasting():
                yield connection
        except (nats.errors.Error, OSError, TimeoutError) as error:
            fault = nats.errors.ConnectionClosedError() if connection.lost.is_set() else error
            raise self._away(f"{doing} failed", fault) from error

    async def close(self) -> None:
        """Hang up for good."""
        self.closed = True
        self._up.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await self._connection.close()

    def _take(self, connection: Connection) -> None:
        self._connection = connection
        self._up.set()

    async def _keep(self) -> None:
        """Connect again each time that the connection is lost."""
        while True:
            assert self._connection is not None
            await self._connection.lost.wait()
            pause = _FIRST_PAUSE
            while True:
                try:
                    self._take(await self._connect())
                    break
                except (nats.errors.Error, OSError, TimeoutError) as error:
                    self._fault = error
                    if _is_refusal(error):
                        self.refused.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> Connection:
        connection = Connection(self.options)
        try:
            await connection.open()
            if self._ready is not None:
                async with connection.lasting():
                    await self._ready(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _away(self, what: str, error: Exception | None) -> BusError:
        place = ", ".join(self.options.servers)
        reason = str(error) or type(error).__name__ if error is not None else "no connection"
        return BusError(f"the bus at {place}: {what}: {reason}", hint=_hint(error))


def _is_refusal(error: Exception | None) -> bool:
    # nats-py has a class for it, but not for each way in which a server says it.
    said = str(error).lower()
    return isinstance(error, nats.errors.AuthorizationError) or "authorization" in said


def _hint(error: Exception | None) -> str:
    if _is_refusal(error):
        return "Its user or password is wrong or was revoked; enrol this builder again."
    if isinstance(error, nats.js.errors.ServerError | nats.js.errors.ServiceUnavailableError):
        return "JetStream refused: look whether it is enabled and has room on its disk."
    return (
        "Look whether nats-server runs there and can be reached; what was not said is said again."
    )
