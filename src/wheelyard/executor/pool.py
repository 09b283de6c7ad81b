"""The warm interpreters of one executor: started when first wanted, kept while there is room.

One for each interpreter, environment and preloaded back end. What is in use is never put away; what was
not used for longest goes first. They fork from a root, one for each interpreter (see ``roots``).
"""

import asyncio
import contextlib
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard.errors import SandboxError
from wheelyard.executor import bubblewrap, roots
from wheelyard.executor.bubblewrap import World
from wheelyard.executor.bytecode import compile_loaded, own_copy
from wheelyard.executor.channel import Channel
from wheelyard.executor.environments import Environment, Environments
from wheelyard.executor.folders import RunFolder
from wheelyard.executor.hosts import (
    Host,
    SingleCommand,
    SingleSandbox,
    Started,
    View,
    WarmInterpreter,
    start_process,
)
from wheelyard.executor.isolation import Isolation
from wheelyard.executor.pythons import Python
from wheelyard.executor.roots import Root
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.executor.surroundings import base_environment

_PACKAGE = Path(__file__).with_name("inside")
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Kept:
    host: WarmInterpreter
    users: int = 0


class Pool:
    """Lends hosts to jobs."""

    def __init__(
        self,
        settings: ExecutorSettings,
        isolation: Isolation,
        run: RunFolder,
        environments: Environments,
    ) -> None:
        self._settings = settings
        self._isolation = isolation
        self._run = run
        self._environments = environments
        self._inside = own_copy(_PACKAGE, settings.state / "inside")
        self._accounts = bubblewrap.write_accounts(run.path / "accounts")
        self._kept: dict[_Key, _Kept] = {}
        self._roots: dict[str, Root] = {}
        # One for each key: a back end that hangs when it is loaded must not keep others waiting.
        self._starting: dict[_Key | str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._compiling: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def lend(
        self,
        python: Python,
        environment: Environment,
        preload: Sequence[str],
        name: str,
        *,
        network: bool = False,
    ) -> AsyncIterator[Host]:
        """Lend a host for the job folder ``name``; with the ``network`` it serves one. Raises SandboxError."""
        found = self._isolation.bubblewrap
        if found is not None and (network or not self._isolation.nested):
            single = self._single(found, python, environment, name, network=network)
            try:
                yield single
            finally:
                await single.destroy()
            return
        kept = await self._take(python, environment, preload)
        try:
            yield kept.host
        finally:
            kept.users -= 1
            await self._make_room()

    async def close(self) -> None:
        """Stop everything."""
        hosts = [kept.host for kept in self._kept.values()]
        hosts += [host for root in self._roots.values() for host in root.hosts()]
        self._kept.clear()
        self._roots.clear()
        await asyncio.gather(*(host.destroy() for host in hosts), *self._compiling)

    async def _take(
        self, python: Python, environment: Environment, preload: Sequence[str]
    ) -> _Kept:
        key = (python.identity, environment.key, preload[0] if preload else "")
        async with self._starting[key]:
            kept = self._kept.pop(key, None)
            # What one project's build loads late was no use to the others.
            if kept is not None and not (kept.host.alive and await kept.host.load(preload)):
                await kept.host.destroy()
                kept = None
            if kept is None:
                kept = _Kept(await self._start(python, environment, preload))
            self._compile(python, environment, kept.host)
            self._kept[key] = kept  # at the end: the most recently used
            kept.users += 1
            return kept

    async def _make_room(self) -> None:
        idle = [key for key, kept in self._kept.items() if not kept.users]
        too_many = len(self._kept) - max(0, self._settings.warm)
        doomed = [self._kept.pop(key) for key in idle[: max(0, too_many)]]
        for kept in doomed:
            await kept.host.destroy()

    async def _start(
        self, python: Python, environment: Environment, preload: Sequence[str]
    ) -> WarmInterpreter:
        host = await self._branch(python, environment) if preload else None
        if host is None:
            host = self._launch(python, environment)
        ready = False
        try:
            ready = await host.load(preload)
        finally:
            # A job that is cancelled while its interpreter starts leaves none behind.
            if not ready:
                await host.destroy()
        if ready:
            return host
        if not preload:
            raise SandboxError(
                f"A warm interpreter of {str(python.executable)!r} did not start",
                hint="Set the sandbox to 'off' to see whether it is the sandbox that keeps it from starting.",
            )
        # A back end that cannot be loaded here will say why in the job's own log.
        return await self._start(python, environment, ())

    async def _branch(self, python: Python, environment: Environment) -> WarmInterpreter | None:
        """Fork an interpreter from its Python's root; None where it has to start by itself."""
        if not self._isolation.nested or not roots.AVAILABLE:
            return None
        empty = await self._environments.ensure(python, ())
        async with self._starting[python.identity]:
            root = self._roots.get(python.identity)
            if root is not None and not root.alive:
                await asyncio.gather(*(host.destroy() for host in root.hosts()))
                root = None
            if root is None:
                root = self._roots[python.identity] = Root(self._launch(python, empty))
                await root.prepare(empty)
            return root.clean() if environment.key == empty.key else await root.branch(environment)

    def _launch(self, python: Python, environment: Environment) -> WarmInterpreter:
        folder = self._run.new("warm")
        jobs = folder / "jobs"
        jobs.mkdir()
        channel, far = Channel.pair()
        with far:
            found = self._isolation.bubblewrap
            if found is None:
                view, command = self._plain(folder, environment)
            else:
                view = SingleSandbox.seen
                command = bubblewrap.warm_command(self._world(found, python, environment, jobs))
                command += [f"{bubblewrap.ENVIRONMENT}/bin/python", f"{bubblewrap.INSIDE}/start.py"]
            variables = base_environment(view, self._settings, self._isolation)
            process = start_process(
                [*command, str(far.fileno()), "warm"], variables, (far.fileno(),)
            )
        return WarmInterpreter(Started(process), channel, jobs, view)

    def _plain(self, folder: Path, environment: Environment) -> tuple[View, list[str]]:
        """Without a sandbox a build could add files to its environment: it gets a copy."""
        copy = folder / "env"
        shutil.copytree(environment.path, copy, symlinks=True, copy_function=_link)
        view = View(
            build="",
            environment=str(copy),
            environments=str(self._environments.folder),
            contained=False,
        )
        return view, [str(copy / "bin" / "python"), str(self._inside / "start.py")]

    def _world(self, found: Path, python: Python, environment: Environment, jobs: Path) -> World:
        cache = self._isolation.compiler_cache
        return World(
            bubblewrap=found,
            inside=self._inside,
            accounts=self._accounts,
            environment=environment.path,
            environments=self._environments.folder,
            jobs=jobs,
            readable=(
                *python.prefixes,
                *self._settings.readable,
                *(() if cache is None else (cache.parent,)),
            ),
            shown=self._settings.shown,
        )

    def _single(
        self, found: Path, python: Python, environment: Environment, name: str, *, network: bool
    ) -> SingleSandbox:
        jobs = self._run.new("single")
        command = SingleCommand(
            world=replace(self._world(found, python, environment, jobs), network=network),
            temporary_bytes=self._settings.temporary_bytes,
            environment=base_environment(SingleSandbox.seen, self._settings, self._isolation),
        )
        return SingleSandbox(command, jobs, name)

    def _compile(self, python: Python, environment: Environment, host: WarmInterpreter) -> None:
        if self._isolation.bubblewrap is None or not host.modules:
            return
        loaded, host.modules = host.modules, ()
        work = asyncio.to_thread(self._compile_all, python, environment, loaded)
        task = asyncio.create_task(work)
        self._compiling.add(task)
        task.add_done_callback(self._compiling.discard)

    def _compile_all(self, python: Python, environment: Environment, loaded: Sequence[str]) -> None:
        compile_loaded(python, environment.path, bubblewrap.ENVIRONMENT, loaded)
        compile_loaded(python, self._inside, bubblewrap.INSIDE, loaded)


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target
