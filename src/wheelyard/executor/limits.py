"""Limits of a running job: time, silence, log, memory, disk, processes.

The kernel keeps those that it can (control groups, resource limits); the rest is looked at now and then,
seldom at first, so that a build of milliseconds pays nothing.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from wheelyard.executor.cgroups import Group, Groups, Usage
from wheelyard.executor.folders import disk_usage
from wheelyard.executor.joblog import JobLog
from wheelyard.executor.outcomes import MORE_LOG, Stopped, out_of_disk, out_of_memory, written_size
from wheelyard.executor.processes import Tree, tree_at_a_glance, tree_of
from wheelyard.executor.sessions import Session, SessionLostError
from wheelyard.model.job import Limits, Outcome

T = TypeVar("T")
_LOOK_SECONDS = 0.25
_DISK_SHARE = 20
_FEWER_PROCESSES = (
    "Let its build tool start less at once: MAX_JOBS, CMAKE_BUILD_PARALLEL_LEVEL or MAKEFLAGS under "
    "'environment' in a recipe."
)


class Watch:
    """Watches one attempt from its start; ``peak_bytes`` is the most memory that was seen."""

    def __init__(self, limits: Limits, log: JobLog, groups: Groups) -> None:
        self.peak_bytes = 0
        self._limits = limits
        self._log = log
        self._groups = groups
        self._group: Group | None = None
        self._deadline = time.monotonic() + limits.wall_seconds
        self._next_disk = 0.0
        self._joined = 0

    async def over(self, call: Awaitable[T], session: Session, folder: Path) -> T:
        """Await a call, and kill its session when a limit is passed. Raises Stopped."""
        task = asyncio.ensure_future(call)
        self._log.last_output = time.monotonic()
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=self._patience())
                if done:
                    return task.result()
                await self._look(session, folder)
        except SessionLostError:
            raise self._why_lost(session) from None
        finally:
            if not task.done():
                task.cancel()
                session.kill()
                await asyncio.wait({task})

    def _patience(self) -> float:
        now = time.monotonic()
        silent = self._log.last_output + self._limits.silence_seconds
        return max(0.01, min(_LOOK_SECONDS, self._deadline - now, silent - now))

    async def _look(self, session: Session, folder: Path) -> None:
        limits, now = self._limits, time.monotonic()
        if session.overflow.is_set():
            raise self._overflow()
        if now >= self._deadline:
            raise Stopped(
                Outcome.TIMED_OUT,
                f"took longer than {limits.wall_seconds:g} s",
                hint="Its log shows where it stood; --wall-limit gives it longer.",
            )
        if now >= self._log.last_output + limits.silence_seconds:
            raise Stopped(
                Outcome.TIMED_OUT,
                f"printed nothing for {limits.silence_seconds:g} s",
                hint="It hangs, or it works silently: --silence-limit gives it longer.",
            )
        await asyncio.to_thread(self._join_group, session.pid)
        self._judge(await asyncio.to_thread(tree_at_a_glance, session.pid))
        if now >= self._next_disk:
            await self._look_at_disk(folder)

    def _join_group(self, root: int) -> None:
        """Put the tree into a group at the first look: joining costs the kernel 10 ms a process."""
        if self._group is None:
            self._group = self._groups.new()
            self._group.limit(
                memory_bytes=self._limits.memory_bytes, processes=self._limits.processes
            )
        if self._joined == root:
            return
        seen: set[int] = set()
        # A process that was forked while we looked shows up the next time.
        while new := set(tree_of(root).pids) - seen:
            for pid in new:
                self._group.add(pid)
            seen |= new
        self._joined = root

    def usage(self) -> Usage:
        """Say what the kernel counted, where it was asked to."""
        used = Usage() if self._group is None else self._group.usage()
        return replace(used, peak_bytes=max(used.peak_bytes, self.peak_bytes))

    def close(self) -> None:
        """Remove the groups, which are empty by now."""
        if self._group is not None:
            self._group.close()

    def _judge(self, tree: Tree) -> None:
        self.peak_bytes = max(self.peak_bytes, tree.resident_bytes)
        if len(tree.pids) > self._limits.processes:
            raise Stopped(
                Outcome.RESOURCES,
                f"started more than its limit of {self._limits.processes} processes",
                hint=_FEWER_PROCESSES,
                limited=True,
            )
        if tree.resident_bytes > self._limits.memory_bytes:
            raise out_of_memory(self._limits)

    async def _look_at_disk(self, folder: Path) -> None:
        began = time.monotonic()
        used = await asyncio.to_thread(disk_usage, folder, self._limits.disk_bytes + 1)
        if used > self._limits.disk_bytes:
            raise out_of_disk(self._limits)
        # A walk over many files must not become the job's main work.
        took = time.monotonic() - began
        self._next_disk = time.monotonic() + max(0.5, _DISK_SHARE * took)

    def _why_lost(self, session: Session) -> Stopped:
        if session.overflow.is_set():
            return self._overflow()
        if self.usage().killed:
            return out_of_memory(self._limits, "killed")
        return Stopped(Outcome.INFRASTRUCTURE, "the sandbox of the job died")

    def _overflow(self) -> Stopped:
        return Stopped(
            Outcome.OVER_LIMIT,
            f"printed more than its limit of {written_size(self._limits.log_bytes)}",
            hint=MORE_LOG,
        )
