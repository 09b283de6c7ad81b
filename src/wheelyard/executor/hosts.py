"""What admits jobs: a warm interpreter that forks for them, or a sandbox that is made for one.

A job's folder is moved into its host's ``jobs`` folder, so that the host's processes, which have
a stranger's back end loaded, never see the folder of a job that did not ask for that back end.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from wheelyard.errors import SandboxError
from wheelyard.executor import bubblewrap, seccomp
from wheelyard.executor.bubblewrap import World
from wheelyard.executor.channel import Channel

_START_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The paths as a job sees them."""

    build: str
    environment: str
    environments: str
    contained: bool


class Host(Protocol):
    """Where a job can run."""

    jobs: Path
    jobs_seen: str

    def view(self, name: str) -> View:
        """Say what the job in the folder ``name`` sees."""
        ...

    def admit(self, spec: Mapping[str, object], descriptors: Sequence[int]) -> bool:
        """Begin a session; False where the host is dead."""
        ...

    async def destroy(self) -> None:
        """Kill it with everything that runs in it."""
        ...


class Process(Protocol):
    """The first process of a host."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        ...

    def kill(self) -> None:
        """Kill it with what runs in it, and wait for its end."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        ...


class Started:
    """A process that we started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill its group, and wait for its end."""
        _kill(self._process)

    def wait(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class WarmInterpreter:
    """An interpreter with a back end loaded, in a sandbox or, without one, as a plain process."""

    def __init__(self, process: Process, channel: Channel, jobs: Path, view: View) -> None:
        self.jobs = jobs
        self.jobs_seen = bubblewrap.JOBS if view.contained else str(jobs)
        self.able = False
        self.modules: tuple[str, ...] = ()
        self._loaded: set[str] | None = None
        self._process = process
        self._channel = channel
        self._view = view

    @property
    def alive(self) -> bool:
        """Whether it can admit jobs still."""
        return self._process.alive

    def view(self, name: str) -> View:
        """Say what the job in the folder ``name`` sees."""
        if self._view.contained:
            return self._view
        return View(
            build=str(self.jobs / name),
            environment=self._view.environment,
            environments=self._view.environments,
            contained=False,
        )

    def admit(self, spec: Mapping[str, object], descriptors: Sequence[int]) -> bool:
        """Begin a session; False where the interpreter is dead."""
        return self._channel.send(spec, descriptors)

    async def load(self, names: Sequence[str]) -> bool:
        """Have modules loaded that are not yet, and wait for it; False where that did not end well."""
        loaded = self._loaded or set()
        missing = [name for name in names if name not in loaded]
        if self._loaded is not None and not missing:
            return True
        self._channel.send({"preload": missing})
        try:
            answer = await asyncio.wait_for(self._channel.receive(), _START_SECONDS)
        except TimeoutError:
            return False
        if answer is None or not answer.get("ready"):
            return False
        self.able = bool(answer.get("able"))
        modules = answer.get("modules")
        self.modules = tuple(map(str, modules)) if isinstance(modules, list) else ()
        self._loaded = loaded | set(missing)
        return True

    async def destroy(self) -> None:
        """Kill it with everything that runs in it."""
        self._channel.hang_up()
        if not self._view.contained:
            # Without a namespace it is the interpreter itself that ends its descendants.
            await asyncio.to_thread(self._process.wait, 5)
        await asyncio.to_thread(self._process.kill)
        self._channel.close()


class SingleSandbox:
    """A sandbox for one job, for machines that allow no namespaces inside of it."""

    seen = View(
        build=bubblewrap.BUILD,
        environment=bubblewrap.ENVIRONMENT,
        environments=bubblewrap.ENVIRONMENTS,
        contained=True,
    )

    def __init__(self, command: "SingleCommand", jobs: Path, name: str) -> None:
        self.jobs = jobs
        self.jobs_seen = bubblewrap.JOBS
        self._command = command
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    def view(self, name: str) -> View:  # noqa: ARG002 - it is always its own job's
        """Say what the job sees."""
        return self.seen

    def admit(self, spec: Mapping[str, object], descriptors: Sequence[int]) -> bool:
        """Start the sandbox and begin its only session."""
        self._channel, far = Channel.pair()
        with far:
            self._process = self._command.start(self.jobs / self._name, far.fileno())
        return self._channel.send(spec, descriptors)

    async def destroy(self) -> None:
        """Kill it with everything that runs in it."""
        if self._process is not None:
            await asyncio.to_thread(_kill, self._process)
        if self._channel is not None:
            self._channel.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleCommand:
    """How to start a sandbox for one job."""

    world: World
    temporary_bytes: int
    environment: Mapping[str, str]

    def start(self, folder: Path, descriptor: int) -> subprocess.Popen[bytes]:
        """Start it for a job's folder."""
        world = replace(self.world, jobs=folder)
        rules = seccomp.program()
        reader, writer = os.pipe()
        os.write(writer, rules)
        os.close(writer)
        command = bubblewrap.single_command(world, reader if rules else None, self.temporary_bytes)
        command += [f"{bubblewrap.ENVIRONMENT}/bin/python", f"{bubblewrap.INSIDE}/start.py"]
        try:
            return start_process(
                [*command, str(descriptor), "once"], self.environment, (descriptor, reader)
            )
        finally:
            os.close(reader)


def start_process(
    command: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start a host's process. Raises SandboxError."""
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxError(
            f"{command[0]!r} cannot be started: {error}",
            hint="Is the program there and executable?",
        ) from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
