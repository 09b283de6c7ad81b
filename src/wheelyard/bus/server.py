"""A nats-server of the farm's own, as a child of this process.

Its folder holds the configuration that we write, its log, and JetStream's files. Where this process is
killed the server goes on, so that builders lose nothing; the next process ends it and starts its own.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from wheelyard.bus.server_config import BusUser, ServerPlace, render
from wheelyard.errors import BusError

_CONFIGURATION = "nats-server.conf"
_PID = "nats-server.pid"
_LOG = "nats-server.log"
_INSTALL = "Install it (Debian: nats-server), or name the address of one that runs elsewhere."
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_RELOAD_SECONDS = 10.0
_LOOK_SECONDS = 0.02
_TAKEN = "it was taken"


_Found = TypeVar("_Found")


def find_server() -> str:
    """Return nats-server's executable. Raises BusError."""
    found = shutil.which("nats-server")
    if found is None:
        raise BusError("there is no nats-server on PATH", hint=_INSTALL)
    return found


class PrivateServer:
    """A nats-server for one farm. Start it with ``await PrivateServer.start(…)`` and ``stop`` it.

    ``url`` is where it listens; ``password`` is that of the user ``coordinator``.
    """

    def __init__(self, place: ServerPlace, *, password: str, executable: str) -> None:
        self.password = password
        self._place = place
        self._executable = executable
        self._process: asyncio.subprocess.Process | None = None
        self._builders: tuple[BusUser, ...] = ()

    @classmethod
    async def start(
        cls,
        place: ServerPlace,
        *,
        builders: Sequence[BusUser] = (),
        password: str = "",
        executable: str = "",
    ) -> Self:
        """Start a server and wait until it listens. Raises BusError."""
        server = cls(
            place,
            password=password or secrets.token_hex(32),
            executable=executable or await asyncio.to_thread(find_server),
        )
        server._builders = tuple(builders)
        await server.run()
        return server

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "nats" if self._place.tls is None else "tls"
        return f"{scheme}://{self._place.host}:{self._place.port}"

    @property
    def log(self) -> Path:
        """Its log."""
        return self._place.folder / _LOG

    async def run(self) -> None:
        """Start it, or start it again at the same port after it ended. Raises BusError."""
        await asyncio.to_thread(self._prepare)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(self._executable, "--config", str(self._configuration)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                # An interrupt from the terminal is for us, and we still need the bus to end well.
                start_new_session=True,
            )
        except OSError as error:
            raise BusError(
                f"{self._executable!r} cannot be run: {error.strerror}", hint=_INSTALL
            ) from error
        try:
            port = await self._wait_for_port(self._process)
        except BaseException:
            await self.stop()
            raise
        self._place = replace(self._place, port=port)

    async def admit(self, builders: Sequence[BusUser]) -> None:
        """Let these builders connect and no others; one that is not among them is disconnected. Raises BusError."""
        self._builders = tuple(builders)
        await asyncio.to_thread(self._write_configuration)
        # The first time, nats-server 2.9 makes new accounts but not what they import.
        for _ in range(2):
            await self._reload()

    async def stop(self) -> None:
        """End it, and wait until it has ended. Twice is the same as once."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        self._process = None

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def _reload(self) -> None:
        before = await asyncio.to_thread(_size, self.log)
        self._signal(signal.SIGHUP)
        try:
            async with asyncio.timeout(_RELOAD_SECONDS):
                said = await _look_until(lambda: _reloaded(self.log, before))
        except TimeoutError:
            said = "it did not answer"
        if said != _TAKEN:
            raise BusError(
                f"nats-server did not take its new configuration: {said}",
                hint=f"Look into {str(self.log)!r}.",
            )

    @property
    def _configuration(self) -> Path:
        return self._place.folder / _CONFIGURATION

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _prepare(self) -> None:
        self._place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _end_left_behind(self._place.folder / _PID, self._configuration)
        for stale in self._place.folder.glob("*.ports"):
            stale.unlink(missing_ok=True)
        self._write_configuration()

    def _write_configuration(self) -> None:
        """Write it whole, and for no one else to read: it holds passwords."""
        text = render(self._place, password=self.password, builders=self._builders)
        temporary = self._configuration.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(self._configuration)

    async def _wait_for_port(self, process: asyncio.subprocess.Process) -> int:
        def listens_or_ended() -> int | None:
            if process.returncode is not None:
                return -1
            return _port_in(self._place.folder)

        try:
            async with asyncio.timeout(_START_SECONDS):
                port = await _look_until(listens_or_ended)
        except TimeoutError:
            port = -1
        if port == -1:
            raise BusError(
                f"nats-server did not start: {await asyncio.to_thread(_last_fault, self.log)}",
                hint=f"Look into {str(self.log)!r}; another program may have port {self._place.port}.",
            )
        return port


async def _look_until(look: Callable[[], _Found | None]) -> _Found:
    while True:
        found = await asyncio.to_thread(look)
        if found is not None:
            return found
        await asyncio.sleep(_LOOK_SECONDS)


def _port_in(folder: Path) -> int | None:
    """Return the port that a server wrote down when it began to listen."""
    for path in folder.glob("*.ports"):
        with contextlib.suppress(ValueError, LookupError, OSError):
            address: str = json.loads(path.read_bytes())["nats"][0]
            return urlsplit(address).port
    return None


def _reloaded(log: Path, before: int) -> str | None:
    """Return ``_TAKEN`` or a complaint where the log has said since then how reloading went."""
    with log.open("rb") as file:
        # A server that turned its log over in between began a new one.
        file.seek(before if _size(log) >= before else 0)
        said = file.read().decode("utf-8", "replace")
    if "Failed to reload" in said:
        return said.partition("Failed to reload")[2].partition(": ")[2].partition("\n")[0]
    return _TAKEN if "Reloaded server configuration" in said else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _last_fault(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").splitlines()[-200:]
    except FileNotFoundError:
        return "it said nothing"
    faults = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
    return (faults or lines or ["it said nothing"])[-1].strip()


def _end_left_behind(pid_file: Path, configuration: Path) -> None:
    """End a server that runs with this configuration: its parent was killed."""
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        pid = int(pid_file.read_text("ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(configuration) not in words:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(_LOOK_SECONDS)
        os.kill(pid, signal.SIGKILL)
