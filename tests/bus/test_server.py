"""What a private server promises, and what it lets nobody do."""

import asyncio
import json
import stat
import sys
from contextlib import suppress
from pathlib import Path

import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from bus.test_nats import connected, ignore
from bus.worlds import NatsWorld, coordinator, next_of, options, piece, soon, user
from wheelyard.bus.nats import NatsBuilderBus
from wheelyard.bus.server import PrivateServer
from wheelyard.bus.server_config import (
    BusUser,
    ServerPlace,
    builder_subjects,
    password_of,
    render,
)
from wheelyard.bus.subjects import LOGS, ORDERS, PRESENCE, WORDS
from wheelyard.errors import BusError, ConfigurationError

pytestmark = pytest.mark.anyio

STREAMS = (ORDERS, WORDS, LOGS, PRESENCE)
API = "$JS.API"


@pytest.fixture
async def farm(nats_world: NatsWorld) -> NatsWorld:
    """A farm in which another builder, arm-1, has something of everything."""
    builder = await nats_world.builder("arm-1")
    for name in ("arm-1", "arm-2"):
        await nats_world.bus.order(name, b"order", name="1")
    await builder.say(b"result", name="1")
    await builder.announce(b"here")
    await builder.write_log(piece(b"text", 0))
    return nats_world


@pytest.fixture
async def hostile(farm: NatsWorld) -> Client:
    """arm-2 with a client of its own making."""
    return await connected(options(farm.server, "arm-2"))


async def counts(farm: NatsWorld) -> dict[str, tuple[int, int]]:
    """How many messages and consumers each stream has."""
    raw = await connected(coordinator(farm.server))
    found = {}
    for name in STREAMS[:3]:
        state = (await raw.jetstream().stream_info(name)).state
        found[name] = (state.messages, state.consumer_count)
    await raw.close()
    return found


@pytest.mark.parametrize(
    "subject",
    [
        "wheelyard.word.arm-1",
        "wheelyard.log.arm-1.k1=2E1",
        "$KV.wheelyard_presence.arm-1",
        "wheelyard.order.arm-1",
        "wheelyard.order.arm-2",
        f"$JS.ACK.{ORDERS}.arm-1.1.1.1.1.0",
        f"{API}.CONSUMER.MSG.NEXT.{ORDERS}.arm-1",
        f"{API}.CONSUMER.MSG.NEXT.{WORDS}.coordinator",
        f"{API}.CONSUMER.CREATE.{ORDERS}.mine.wheelyard.order.arm-1",
        f"{API}.CONSUMER.DURABLE.CREATE.{LOGS}.mine",
        f"{API}.CONSUMER.DELETE.{ORDERS}.arm-1",
        f"{API}.STREAM.MSG.GET.{ORDERS}",
        f"{API}.DIRECT.GET.{PRESENCE}",
        *(f"{API}.STREAM.{verb}.{ORDERS}" for verb in ("DELETE", "PURGE", "INFO", "UPDATE")),
        f"{API}.STREAM.LIST",
        f"{API}.INFO",
    ],
)
async def test_a_builder_reaches_nothing_of_others(
    farm: NatsWorld, hostile: Client, subject: str
) -> None:
    before = await counts(farm)
    with suppress(nats.errors.NoRespondersError, nats.errors.TimeoutError):
        # JetStream's interface answers in each account: here that there is none, or that it makes no sense.
        answer = await hostile.request(subject, b'{"batch":1}', timeout=0.2)
        assert "error" in json.loads(answer.data)
    assert await counts(farm) == before
    await hostile.close()


@pytest.mark.parametrize(
    "reply",
    [
        *(f"{API}.STREAM.PURGE.{name}" for name in STREAMS),
        *(f"{API}.STREAM.DELETE.{name}" for name in STREAMS),
        *(f"{API}.STREAM.MSG.DELETE.{name}" for name in STREAMS),
        "wheelyard.word.arm-1",
        "wheelyard.log.arm-1.k1=2E1",
        "$KV.wheelyard_presence.arm-1",
        "wheelyard.order.arm-1",
    ],
)
async def test_an_answer_that_is_sent_elsewhere_does_nothing_there(
    farm: NatsWorld, hostile: Client, reply: str
) -> None:
    """In one account with the streams, the answer to a message empties a stream this way."""
    words = farm.bus.words()
    assert (await next_of(words)).content == b"result"
    await hostile.publish("wheelyard.word.arm-2", b"mine", reply=reply)
    for request in (b'{"no_wait":true}', b'{"batch":1}', b"nonsense"):
        await hostile.publish(f"{API}.CONSUMER.MSG.NEXT.{ORDERS}.arm-2", request, reply=reply)
    # What it says next is read after all that: in between nothing came.
    await hostile.jetstream().publish("wheelyard.word.arm-2", b"last")
    heard = [
        (delivery.sender, delivery.content) for delivery in [await next_of(words) for _ in "12"]
    ]
    assert heard == [("arm-2", b"mine"), ("arm-2", b"last")]
    found = await counts(farm)
    assert (found[ORDERS][0], found[LOGS][0]) == (2, 1)
    assert (await next_of(farm.bus.presences())).content == b"here"
    await hostile.close()


async def test_a_builder_overhears_nothing(farm: NatsWorld, hostile: Client) -> None:
    heard = await hostile.subscribe(">")
    await farm.bus.order("arm-1", b"secret", name="2")
    builder = await farm.builder("arm-1")
    await builder.say(b"secret", name="2")
    await builder.announce(b"secret")
    await builder.write_log(piece(b"secret", 4))
    # The server answers in order: what it had for us before came before this.
    await hostile.flush()
    assert heard.pending_msgs == 0
    await hostile.close()


async def test_a_builder_that_is_revoked_is_cut_off_and_the_others_are_not(farm: NatsWorld) -> None:
    raw, other = await closing(farm, "arm-2"), await closing(farm, "arm-1")
    shut_out = await farm.builder("arm-2")
    await farm.server.admit([user("arm-1")])
    async with asyncio.timeout(5):
        await shut_out.refused.wait()
    await soon(raw[1].wait())
    assert not other[0].is_closed
    with pytest.raises(BusError):
        await NatsBuilderBus.open(options(farm.server, "arm-2"), name="arm-2")
    await other[0].close()


async def test_a_builder_that_is_enrolled_gets_orders_at_once(farm: NatsWorld) -> None:
    orders = (await farm.builder("arm-1")).orders()
    held = await next_of(orders)
    await farm.server.admit([user("arm-1"), user("new.one")])
    enrolled = await farm.builder("new.one")
    waiting = asyncio.ensure_future(anext(enrolled.orders()))
    await farm.bus.order("new.one", b"welcome", name="1")
    assert (await soon(waiting)).content == b"welcome"
    await enrolled.say(b"thanks", name="1")
    await held.done()


async def test_a_builder_that_is_enrolled_again_comes_back_by_itself(farm: NatsWorld) -> None:
    builder = await farm.builder("arm-1")
    orders = builder.orders()
    await (await next_of(orders)).done()
    waiting = asyncio.ensure_future(anext(orders))
    await farm.server.admit([])
    await farm.server.admit([user("arm-1")])
    await farm.bus.order("arm-1", b"again", name="3")
    assert (await soon(waiting)).content == b"again"


async def test_the_configuration_is_for_nobody_else_to_read(farm: NatsWorld) -> None:
    path = farm.server.log.with_name("nats-server.conf")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert farm.server.password in path.read_text()


async def test_a_server_that_was_left_behind_is_ended(nats_server: str, tmp_path: Path) -> None:
    place = ServerPlace(folder=tmp_path, port=-1)
    left = await PrivateServer.start(place)
    async with await PrivateServer.start(place) as server:
        assert left.url != server.url
        await soon(left.stop())
        await (await connected(coordinator(server))).close()


async def test_another_program_that_has_the_number_is_left_alone(
    nats_server: str, tmp_path: Path
) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    (tmp_path / "nats-server.pid").write_text(f"{other.pid}")
    async with await PrivateServer.start(ServerPlace(folder=tmp_path, port=-1)):
        assert other.returncode is None
    await other.communicate(b"\n")
    assert other.returncode == 0


async def test_a_port_that_is_taken_is_said(farm: NatsWorld, tmp_path: Path) -> None:
    port = int(farm.server.url.rpartition(":")[2])
    with pytest.raises(BusError, match=r"did not start: .*address already in use"):
        await PrivateServer.start(ServerPlace(folder=tmp_path / "second", port=port))


async def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BusError, match="cannot be run"):
        await PrivateServer.start(
            ServerPlace(folder=tmp_path), executable=str(tmp_path / "nats-server")
        )


async def test_a_server_is_looked_for_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BusError, match="no nats-server on PATH") as refused:
        await PrivateServer.start(ServerPlace(folder=tmp_path))
    assert "Debian" in refused.value.hint


async def test_stopping_twice_is_the_same_as_once(nats_server: str, tmp_path: Path) -> None:
    server = await PrivateServer.start(ServerPlace(folder=tmp_path, port=-1))
    await server.stop()
    await server.stop()


@pytest.mark.parametrize("password", ["", 'x"}]', "a b", "é"])
def test_a_password_that_could_open_the_door_is_refused(tmp_path: Path, password: str) -> None:
    place = ServerPlace(folder=tmp_path)
    with pytest.raises(ConfigurationError, match="'arm-1'"):
        render(place, password="x1", builders=[BusUser(name="arm-1", password=password)])
    with pytest.raises(ConfigurationError, match="'coordinator'"):
        render(place, password=password, builders=[])


def test_a_name_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        render(ServerPlace(folder=tmp_path), password="x1", builders=[user("arm-1")] * 2)


def test_a_builder_named_as_the_coordinator_is_another_user(tmp_path: Path) -> None:
    named = BusUser(name="coordinator", password="y1")
    text = render(ServerPlace(folder=tmp_path), password="x1", builders=[named])
    users = [each["user"] for a in json.loads(text)["accounts"].values() for each in a["users"]]
    assert users == ["coordinator", "builder-coordinator"]


def test_a_password_is_made_from_the_digest_and_tells_nothing_of_it() -> None:
    assert password_of("sha256:aa") != password_of("sha256:ab")
    assert password_of("sha256:aa").isalnum()
    assert "aa" * 3 not in password_of("aa" * 32)


def test_the_page_for_operators_says_what_the_configuration_says() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "reference", "bus.md").read_text("utf-8")
    for name in STREAMS:
        assert f"`{name}`" in page
    for own in ("*", "NAME"):
        for subject in builder_subjects(own):
            assert f'"{subject}"' in page


async def closing(farm: NatsWorld, name: str) -> tuple[Client, asyncio.Event]:
    """A client of a builder's, and what is set when it was cut off."""
    client, closed = Client(), asyncio.Event()

    async def end() -> None:
        closed.set()

    chosen = options(farm.server, name)
    await client.connect(
        list(chosen.servers),
        user=chosen.user,
        password=chosen.password,
        allow_reconnect=False,
        closed_cb=end,
        error_cb=ignore,
    )
    return client, closed
