"""Root interpreters: one for each Python, from which those of its environments fork.

A root loads what nearly all back ends import from the standard library, and never a stranger's code.
A branch of it is shown its own environment and its own jobs, and is as far from the other branches as if
each had a sandbox of its own. The interpreter in which wheels are imported is its first branch, made when
it has loaded little: what is there already would hide that a wheel forgot to import it.
"""

import asyncio
import contextlib
import os
import secrets
import select
import signal
from collections.abc import Sequence

from wheelyard.executor import bubblewrap
from wheelyard.executor.channel import Channel
from wheelyard.executor.environments import Environment
from wheelyard.executor.hosts import SingleSandbox, WarmInterpreter
from wheelyard.executor.preload import FOR_BACK_ENDS, FOR_IMPORTS

_SECONDS = 60
# A process that is no child of ours can be killed and waited for since Linux 5.3.
AVAILABLE = hasattr(os, "pidfd_open")


class Grown:
    """A process that a root forked: the first of its namespace."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._descriptor >= 0 and not self._ended(0)

    def kill(self) -> None:
        """Kill it, and wait until its namespace is empty, which the kernel sees to."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        self.wait(_SECONDS)
        os.close(self._descriptor)
        self._descriptor = -1

    def wait(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        self._ended(seconds)

    def _ended(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


class Root:
    """A root and its first branch, as long as nobody took that."""

    def __init__(self, host: WarmInterpreter) -> None:
        self._host = host
        self._clean: WarmInterpreter | None = None

    @property
    def alive(self) -> bool:
        """Whether it can be branched."""
        return self._host.alive

    def hosts(self) -> Sequence[WarmInterpreter]:
        """Return what has to be destroyed in the end."""
        return [host for host in (self._clean, self._host) if host is not None]

    async def prepare(self, empty: Environment) -> None:
        """Load what all need; ``empty`` is the environment without packages."""
        await self._host.load(FOR_IMPORTS)
        self._clean = await self.branch(empty)
        await self._host.load(FOR_BACK_ENDS)

    def clean(self) -> WarmInterpreter | None:
        """Hand over the interpreter in which wheels are imported; None where it was handed over before."""
        clean, self._clean = self._clean, None
        return clean

    async def branch(self, environment: Environment) -> WarmInterpreter | None:
        """Fork the warm interpreter of an environment; None where that cannot be."""
        if not self._host.able:
            return None
        name = f"branch-{secrets.token_hex(4)}"
        jobs = self._host.jobs / name
        jobs.mkdir()
        channel, far = Channel.pair()
        with far:
            admitted = self._host.admit(_spec(environment, name), (far.fileno(),))
        grown = await _grown(channel) if admitted else None
        if grown is None:
            channel.close()
            return None
        return WarmInterpreter(grown, channel, jobs, SingleSandbox.seen)


async def _grown(channel: Channel) -> Grown | None:
    try:
        answer = await asyncio.wait_for(channel.receive(), _SECONDS)
        return Grown(channel.peer) if answer is not None and answer.get("here") else None
    except (TimeoutError, OSError):
        return None


def _spec(environment: Environment, name: str) -> dict[str, object]:
    return {
        "branch": True,
        "user": bubblewrap.USER,
        "environment": f"{bubblewrap.ENVIRONMENTS}/{environment.key}",
        "place": bubblewrap.ENVIRONMENT,
        "packages": f"{bubblewrap.ENVIRONMENT}/{environment.packages}",
        "folder": f"{bubblewrap.JOBS}/{name}",
        "jobs": bubblewrap.JOBS,
    }
