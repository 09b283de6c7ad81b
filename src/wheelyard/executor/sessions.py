"""One job's session in a host: its calls, what they print, and its end.

However a session ends, its whole process tree is gone when ``end`` returns: the first process of the
job's namespace dies with the channel, and if it does not, its host is destroyed.
"""

import asyncio
import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from wheelyard.errors import SandboxError
from wheelyard.executor import bubblewrap, seccomp
from wheelyard.executor.channel import Channel
from wheelyard.executor.hosts import Host, View
from wheelyard.executor.joblog import JobLog
from wheelyard.model.job import Limits

_CHUNK = 256 * 1024
_END_SECONDS = 10
_DRAIN_SECONDS = 2
_NAMESPACED_NPROC = (5, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call ended. ``returned`` and ``failed`` are the hook's own words."""

    returned: Any = None
    failed: str = ""
    message: str = ""
    signal: int = 0
    code: int = 0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def ok(self) -> bool:
        """Whether the call did what it should."""
        return not (self.failed or self.signal or self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session may use. ``binds`` are (path in the host, path in the job)."""

    limits: Limits
    temporary_bytes: int
    binds: tuple[tuple[str, str], ...] = field(default=())


class SessionLostError(Exception):
    """The session ended under a call, and nobody knows why."""


class Session:
    """Use as an asynchronous context; ``pid`` is the process that everything descends from."""

    def __init__(self, host: Host, name: str, terms: Terms, log: JobLog) -> None:
        self.pid = 0
        self.cpu_seconds = 0.0
        self.view: View = host.view(name)
        self.overflow = asyncio.Event()
        self._host = host
        self._name = name
        self._terms = terms
        self._log = log
        self._channel: Channel | None = None
        self._output = -1
        self._drained = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin. Raises SandboxError where the host refuses."""
        self._channel, far = Channel.pair()
        self._output, log_end = os.pipe()
        os.set_blocking(self._output, False)
        try:
            admitted = self._host.admit(self._spec(), (far.fileno(), log_end))
        finally:
            far.close()
            os.close(log_end)
        asyncio.get_running_loop().add_reader(self._output, self._pump)
        try:
            await self._be_admitted(admitted)
            self.pid = self._channel.peer
            self._channel.send({"go": True})
        except BaseException:
            await self.end()
            raise
        return self

    async def _be_admitted(self, admitted: bool) -> None:
        if not admitted or await self._expect() is None:
            raise SandboxError(
                "The sandbox of a job did not start",
                hint="Its interpreter may have been killed; try again.",
            )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and kill what is left."""
        await self.end()

    async def call(self, request: Mapping[str, object]) -> Answer:
        """Make a call and wait for its end. Raises SessionLostError and SandboxError."""
        self._open_channel().send(request)
        message = await self._expect()
        if message is None:
            raise SessionLostError
        if "refused" in message:
            raise SandboxError(
                f"The sandbox of a job cannot be made: {message['refused']}",
                hint="Set the sandbox to 'off' if this machine allows no namespaces.",
            )
        return _answer(message)

    def kill(self) -> None:
        """Let the whole tree die; returns at once."""
        if self._channel is not None:
            self._channel.hang_up()

    async def end(self) -> None:
        """Kill what still runs and wait until it is gone."""
        if self._channel is None:
            return
        channel, self._channel = self._channel, None
        channel.hang_up()
        try:
            async with asyncio.timeout(_END_SECONDS):
                while (message := await channel.receive()) is not None:
                    if message.get("ended"):
                        self.cpu_seconds = _seconds(message.get("cpu"))
                        break
                else:
                    await self._host.destroy()
        except TimeoutError:
            await self._host.destroy()
        finally:
            channel.close()
            await self._finish_output()

    async def _expect(self) -> dict[str, Any] | None:
        message = await self._open_channel().receive()
        if message is not None and message.get("ended") and "refused" not in message:
            return None
        return message

    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise SessionLostError
        return self._channel

    async def _finish_output(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._drained.wait()
        except TimeoutError:
            asyncio.get_running_loop().remove_reader(self._output)
        finally:
            os.close(self._output)

    def _pump(self) -> None:
        try:
            chunk = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._output)
            self._drained.set()
            return
        self._log.write(chunk)
        if self._log.full and not self.overflow.is_set():
            self.overflow.set()
            self.kill()

    def _spec(self) -> dict[str, object]:
        return {
            "contained": self.view.contained,
            "folder": f"{self._host.jobs_seen}/{self._name}",
            "build": self.view.build,
            "jobs": self._host.jobs_seen,
            "user": bubblewrap.USER,
            "temporary_bytes": self._terms.temporary_bytes,
            "binds": [list(bind) for bind in self._terms.binds],
            "rlimits": self._resource_limits(),
            "seccomp": base64.b64encode(seccomp.program()).decode() if self.view.contained else "",
        }

    def _resource_limits(self) -> dict[str, int]:
        limits = self._terms.limits
        chosen = {
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": limits.disk_bytes,
            # Not the address space: Go, Rust and sanitizers reserve far more than they use.
            "RLIMIT_DATA": limits.memory_bytes,
        }
        release = os.uname().release.split(".")
        if self.view.contained and tuple(map(int, release[:2])) >= _NAMESPACED_NPROC:
            # Before, the kernel counted all processes of the user, not those of the namespace.
            chosen["RLIMIT_NPROC"] = limits.processes
        return chosen


def _answer(message: dict[str, Any]) -> Answer:
    """Read what the sandbox says, believing nothing about its shape."""
    spoken = message.get("answer")
    words: dict[str, Any] = spoken if isinstance(spoken, dict) else {}
    return Answer(
        returned=words.get("returned"),
        failed=str(words.get("failed", "")),
        message=str(words.get("message", "")),
        signal=int(_seconds(message.get("signal"))),
        code=int(_seconds(message.get("code"))),
        cpu_seconds=_seconds(message.get("cpu")),
        peak_bytes=int(_seconds(message.get("peak"))),
    )


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
