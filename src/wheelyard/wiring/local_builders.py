"""Builders in the farm's own process: with a state folder, blobs and a place on the bus of their own."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.builder.agent import Agent
from wheelyard.bus_ports import BuilderBus
from wheelyard.depot.identity import Identity
from wheelyard.depot.shared import SharedDepot
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.farm_ports import BuilderStore, Role, TokenStore
from wheelyard.model.builder import Builder, Mode
from wheelyard.ports import Blobs
from wheelyard.web.minting import Mint
from wheelyard.wiring.builder import BuilderSettings, Joined, agent_of

_OWNER = "farm"


class LocalBuilders:
    """Makes and runs the builders of this process."""

    def __init__(  # noqa: PLR0913 - its ports
        self,
        *,
        state: Path,
        blobs: Blobs,
        builders: BuilderStore,
        tokens: TokenStore,
        mint: Mint,
        own_end: Callable[[str], Awaitable[BuilderBus]],
        sandbox: str,
        compiler_cache: str,
        slots: int | None,
        network: bool,
    ) -> None:
        self._state = state
        self._blobs = blobs
        self._builders = builders
        self._tokens = tokens
        self._mint = mint
        self._own_end = own_end
        self._sandbox = Sandbox(sandbox)
        self._compiler_cache = CompilerCache(compiler_cache)
        self._slots = slots
        self._network = network

    @asynccontextmanager
    async def running(self, count: int) -> AsyncIterator[Sequence[Agent]]:
        """Run some builders while the block runs; in the end what they run is given back."""
        async with AsyncExitStack() as stack:
            agents = [await self._open(number, stack) for number in range(1, count + 1)]
            tasks = [asyncio.create_task(agent.run()) for agent in agents]
            try:
                yield agents
            finally:
                for agent in agents:
                    agent.leave("the farm is ending")
                    agent.leave("the farm is ending")
                await _ended(tasks)

    async def _open(self, number: int, stack: AsyncExitStack) -> Agent:
        name = f"local-{number}"
        await self._enrol(name)
        state = self._state / "builders" / name
        await asyncio.to_thread(state.mkdir, mode=0o700, parents=True, exist_ok=True)
        # Wheels and sources are linked from the farm's blobs, not copied.
        blobs = FolderBlobs(state / "blobs", own=self._state)
        bus = await self._own_end(name)
        stack.push_async_callback(bus.close)
        settings = BuilderSettings(
            state=state,
            slots=self._slots,
            sandbox=self._sandbox,
            compiler_cache=self._compiler_cache,
            network=self._network,
            # What was added and unpacked for the farm is there for all of its own builders.
            platforms=self._state,
        )
        joined = Joined(
            identity=Identity(farm="this farm", name=name, token=""),
            session=secrets.token_hex(8),
            bus=bus,
            depot=SharedDepot(farm=self._blobs, local=blobs),
            blobs=blobs,
        )
        return await agent_of(settings, joined, stack)

    async def _enrol(self, name: str) -> None:
        """Make a builder known; one that people paused or revoked stays so."""
        known = await self._builders.get(name)
        if known is None:
            await self._builders.add(Builder(name=name, owner=_OWNER))
        elif known.mode is Mode.DRAINING:
            # It left when it was drained, and comes back with the farm.
            await self._builders.set_mode(name, Mode.ACTIVE)
        tokens = await self._tokens.all()
        if not any(one.role is Role.BUILDER and one.subject == name for one in tokens):
            await self._mint.for_builder(name)


async def _ended(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Wait until all have left; those that do not are ended."""
    _, late = await asyncio.wait(tasks, timeout=15) if tasks else (set(), set())
    for task in late:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
