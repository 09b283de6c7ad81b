"""Root interpreters: one for each Python, from which those of its environments fork.

A root has loaded what nearly all back ends import from the standard library, and never a stranger's code.
A branch of it is shown its own environment and its own jobs, and is as far from the other branches as if
each had a sandbox of its own.
"""

import asyncio
import contextlib
import os
import secrets
import select
import signal

from wheelyard.executor import bubblewrap
from wheelyard.executor.channel import Channel
from wheelyard.executor.environments import Environment
from wheelyard.executor.hosts import SingleSandbox, WarmInterpreter

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


async def branch(root: WarmInterpreter, environment: Environment) -> WarmInterpreter | None:
    """Fork the warm interpreter of an environment from a root; None where that cannot be."""
    name = f"branch-{secrets.token_hex(4)}"
    jobs = root.jobs / name
    jobs.mkdir()
    channel, far = Channel.pair()
    with far:
        admitted = root.admit(_spec(environment, name), (far.fileno(),))
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
