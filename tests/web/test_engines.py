"""Which bus a farm runs on is one setting, and a builder that joins is let in there, too."""

import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from wheelyard.bus.nats import NatsBuilderBus
from wheelyard.bus.nats_options import NatsOptions
from wheelyard.errors import BusError, ConfigurationError
from wheelyard.farm_ports import Role
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.tokens import MemoryTokenStore
from wheelyard.web.minting import Mint
from wheelyard.wiring.engines import BusSettings, open_engine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize(
    "address",
    ["carrier-pigeon", "http://x", "nats://host", "nats://user@host", "nats-server://h:x"],
)
async def test_what_is_no_bus_is_refused(
    address: str, tmp_path: Path, stack: AsyncExitStack
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await open_engine(
            BusSettings(address=address), state=tmp_path, tokens=MemoryTokenStore(), stack=stack
        )
    assert caught.value.hint


async def test_a_bus_that_is_away_at_the_start_is_said(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    with pytest.raises(BusError) as caught:
        await open_engine(
            BusSettings(address="nats://coordinator:hunter2@127.0.0.1:9"),
            state=tmp_path,
            tokens=MemoryTokenStore(),
            stack=stack,
        )
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


async def test_builders_of_the_process_and_over_http_share_one_queue(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    engine = await open_engine(
        BusSettings(), state=tmp_path, tokens=MemoryTokenStore(), stack=stack
    )
    assert await engine.bus_of("arm-1") == {"kind": "http"}
    assert engine.end_of is not None
    await engine.bus.order("arm-1", b"one", name="1")
    assert (await anext(engine.end_of("arm-1").orders())).content == b"one"
    own = await engine.own_end("local-1")
    await engine.bus.order("local-1", b"two", name="1")
    assert (await anext(own.orders())).content == b"two"


@pytest.mark.skipif(shutil.which("nats-server") is None, reason="nats-server is not installed")
async def test_a_server_of_its_own_lets_in_who_has_a_token_and_nobody_else(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tokens = MemoryTokenStore()
    mint = Mint(tokens=tokens, clock=ManualClock())
    engine = await open_engine(
        BusSettings(address=f"nats-server://127.0.0.1:{port}"),
        state=tmp_path,
        tokens=tokens,
        stack=stack,
    )
    assert await engine.reachable()
    with pytest.raises(ConfigurationError):
        await engine.bus_of("arm-1")
    await mint.for_builder("arm-1")
    told = await engine.bus_of("arm-1")
    options = NatsOptions(
        servers=tuple(told["servers"]),
        user=str(told["user"]),
        password=str(told["password"]),
        answer_seconds=2.0,
    )
    builder = await NatsBuilderBus.open(options, name="arm-1")
    await engine.bus.order("arm-1", b"one", name="1")
    assert (await anext(builder.orders())).content == b"one"
    await builder.close()
    await tokens.revoke_of(Role.BUILDER, "arm-1")
    await engine.admit()
    with pytest.raises(BusError):
        await NatsBuilderBus.open(options, name="arm-1")
