"""A farm under test: a coordinator and builders as processes of their own, on the loopback of this machine."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from wheelyard.bus.server_config import user_name
from wheelyard.errors import BusError, ProtocolError
from wheelyard.selftest import graph
from wheelyard.selftest.client import Client
from wheelyard.selftest.engines import Engine, free_port
from wheelyard.selftest.link import Link
from wheelyard.selftest.program import Program
from wheelyard.selftest.verdict import NotSurvivedError, check, until

LEASE = 5.0
BUILDERS = ("one", "two", "three")
_END_SECONDS = 300.0
_DISK = "64M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What all rows share: which Python wheels are for, and what is known of this machine's."""

    target: str
    interpreters: Path


@dataclass(slots=True, kw_only=True)
class Builder:
    """A builder's process, and the line by which it reaches the farm."""

    name: str
    program: Program
    state: Path
    link: Link
    code: str


class FarmUnderTest:
    """Runs a farm. Open it with ``async with FarmUnderTest.opened(…)``."""

    def __init__(self, *, folder: Path, engine: Engine, machine: Machine) -> None:
        self.folder = folder
        self.engine = engine
        self.machine = machine
        self.state = folder / "farm"
        self.index = folder / "sdists"
        self.port = free_port()
        self.coordinator = Program("coordinator", folder)
        self.builders: dict[str, Builder] = {}
        self.programs: list[Program] = [self.coordinator]
        self.stack = AsyncExitStack()
        self.front: Link | None = None
        self._token = ""
        self._bus_link: Link | None = None
        self._client: Client | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, *, folder: Path, engine: Engine, machine: Machine) -> AsyncIterator[Self]:
        """Make a farm that nothing of runs yet; in the end everything of it is ended."""
        farm = cls(folder=folder, engine=engine, machine=machine)
        await asyncio.to_thread(farm.index.mkdir, parents=True)
        async with farm.stack:
            if engine.bus_port:
                farm._bus_link = await farm.stack.enter_async_context(Link.opened(engine.bus_port))
            try:
                yield farm
            finally:
                await asyncio.shield(farm._end())

    async def _end(self) -> None:
        for program in self.programs:
            with contextlib.suppress(NotSurvivedError):
                await program.kill()
        if self._client is not None:
            await self._client.close()

    @property
    def client(self) -> Client:
        """Its administrator."""
        assert self._client is not None
        return self._client

    def upload(self, hooks: Mapping[int, str] | None = None) -> None:
        """Put the sixty packages onto the index."""
        graph.write(self.index, hooks)

    async def start(self, *words: str, failpoints: str = "") -> None:
        """Start the coordinator, or start it again."""
        await self.serve(self.coordinator, self.port, self.state, *words, failpoints=failpoints)
        if self._client is None:
            for line in self.coordinator.said.splitlines():
                if line.startswith("token "):
                    self._token = line.removeprefix("token ").strip()
            self.front = await self.stack.enter_async_context(Link.opened(self.port))
            self._client = Client(f"http://127.0.0.1:{self.front.port}", self._token)

    async def serve(
        self, program: Program, port: int, state: Path, *words: str, failpoints: str = ""
    ) -> None:
        """Start a coordinator, and wait until it answers."""
        if self.engine.bus_port and self._bus_link is None:
            raise NotSurvivedError("there is no line to the bus")
        told = self._bus_link.port if self._bus_link is not None else 0
        await program.start(
            *("serve", "--host=127.0.0.1", f"--port={port}", "--builders=0", "--state", state),
            *("--index", self.index, f"--lease={LEASE:g}", f"--min-free-disk={_DISK}"),
            *self.engine.words(told_port=told),
            *words,
            failpoints=failpoints,
        )
        await program.hear("Stop with Ctrl-C")

    def move(self, port: int) -> None:
        """Let everybody who asks the farm reach another coordinator from now on."""
        self.port = port
        for link in (self.front, *(builder.link for builder in self.builders.values())):
            if link is not None:
                link.target = port

    async def join(
        self, *names: str, slots: int = 2, failpoints: str = "", **more: str
    ) -> list[Builder]:
        """Let builders join, and wait until the farm knows that they are there."""
        joined = [await self._make_builder(name) for name in names]
        for builder in joined:
            await self.start_builder(builder, slots=slots, failpoints=failpoints, **more)
        await self.present(*names)
        return joined

    async def _make_builder(self, name: str) -> Builder:
        link = await self.stack.enter_async_context(Link.opened(self.port))
        state = self.folder / f"builder-{name}"
        (state / "cache").mkdir(parents=True)
        await asyncio.to_thread(
            shutil.copy, self.machine.interpreters, state / "cache" / "interpreters.json"
        )
        program = Program(f"builder-{name}", self.folder)
        self.programs.insert(0, program)
        code = await self.client.code()
        builder = Builder(name=name, program=program, state=state, link=link, code=code)
        self.builders[name] = builder
        return builder

    async def start_builder(
        self, builder: Builder, *, slots: int = 2, failpoints: str = "", **more: str
    ) -> None:
        """Start a builder, or start it again."""
        await builder.program.start(
            *("builder", "--join", f"http://127.0.0.1:{builder.link.port}"),
            *("--token", builder.code, "--name", builder.name, "--state", builder.state),
            *("--slots", str(slots), f"--min-free-disk={_DISK}", f"--min-free-memory={_DISK}"),
            failpoints=failpoints,
            **more,
        )

    async def present(self, *names: str, seconds: float = 180.0) -> None:
        """Wait until the farm hears of builders and gives them work."""

        async def there() -> bool:
            for name in names:
                builder = self.builders.get(name)
                if builder is not None and not builder.program.runs:
                    raise NotSurvivedError(f"{name} ended: {builder.program.says.strip()[-300:]}")
            known = await self.builders_now()
            return all(known.get(name, {}).get("present") for name in names)

        await until(there, f"{', '.join(names)} are there", seconds=seconds)

    async def builders_now(self) -> dict[str, dict[str, Any]]:
        """Return the builders as the farm sees them; none where it does not answer."""
        try:
            return await self.client.builders()
        except (BusError, ProtocolError):
            return {}

    async def submit(self, *projects: str, notify: Sequence[str] = (), **asked: Any) -> str:
        """Ask for all packages, or for some, from source; return the request."""
        wanted = {
            "requirements": list(projects or graph.names()),
            "targets": [self.machine.target],
            "from_source": "all",
        }
        return await self.client.submit(wanted | asked, notify=notify)

    async def cut(self, builder: Builder) -> None:
        """Cut a builder off from farm and bus."""
        await builder.link.cut()
        if self._bus_link is not None:
            await self._bus_link.cut(f'"{user_name(builder.name)}"'.encode())

    async def heal(self, builder: Builder, *, forgotten: bool = False) -> None:
        """Let it reach both again."""
        await builder.link.heal(forgotten=forgotten)
        if self._bus_link is not None:
            await self._bus_link.heal(forgotten=forgotten)

    async def write_events(self) -> None:
        """Leave the event log in the folder, for whoever looks for what went wrong."""
        with contextlib.suppress(BusError, ProtocolError):
            lines = [json.dumps(one) for one in await self.client.events()]
            path = self.folder / "events.jsonl"
            await asyncio.to_thread(path.write_text, "\n".join(lines), encoding="utf-8")

    async def ended(self, request: str, *, seconds: float = _END_SECONDS) -> dict[str, Any]:
        """Wait until a request has ended, and return it."""

        async def look() -> dict[str, Any]:
            try:
                found = await self.client.request(request)
            except BusError:
                return {}
            return found if found["state"] != "open" else {}

        return await until(look, f"request {request} has ended", seconds=seconds, every=0.3)

    async def done(self, request: str, *, seconds: float = _END_SECONDS) -> None:
        """Wait until all that was asked for is there."""
        found = await self.ended(request, seconds=seconds)
        check(found["state"] == "done", f"the request is {found['state']}: {found['reason']}")

    async def running(
        self, project: str, *, step: str = "build", seconds: float = 120.0
    ) -> Builder:
        """Wait until a package is at a step, and return who runs it."""

        async def look() -> Builder | None:
            job = await self.client.job(project)
            if not job or job["state"] != "leased":
                return None
            one = (await self.client.builders()).get(job["builder"], {"running": ()})
            here = (job["key"], job["fence"], step)
            if here in [(each["key"], each["fence"], each["step"]) for each in one["running"]]:
                return self.builders.get(job["builder"])
            return None

        found = await until(look, f"{project} is at step {step}", seconds=seconds)
        assert found is not None
        return found

    async def built(self, count: int, *, seconds: float = 180.0) -> None:
        """Wait until so many jobs are built."""

        async def look() -> bool:
            return len(await self.client.jobs(outcome="built")) >= count

        await until(look, f"{count} jobs are built", seconds=seconds)

    async def state_of(self, project: str, *states: str, seconds: float = 120.0) -> dict[str, Any]:
        """Wait until the job of a package is in one of some states, and return it."""

        async def look() -> dict[str, Any]:
            job = await self.client.job(project)
            return job if job and job["state"] in states else {}

        return await until(look, f"{project} is {' or '.join(states)}", seconds=seconds)
