"""What the bus over NATS promises when servers and connections fail."""

import asyncio
import shutil
import ssl
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client

from bus.worlds import (
    NatsWorld,
    coordinator,
    finished,
    next_of,
    options,
    piece,
    soon,
    user,
    whole,
)
from wheelyard.bus.nats import NatsBuilderBus, NatsBus
from wheelyard.bus.nats_link import Connection
from wheelyard.bus.nats_options import NatsLimits, NatsOptions
from wheelyard.bus.server import PrivateServer
from wheelyard.bus.server_config import ServerPlace, ServerTls
from wheelyard.bus.subjects import WORDS, name_of, token
from wheelyard.errors import BusError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["arm-1", "a.b", "*", ">", "a b", "é\n", "=2E", "/../x", "A_b"])
def test_a_name_is_one_token_and_comes_back_as_it_was(name: str) -> None:
    assert not set(token(name)) & set(". *>/\\\n")
    assert name_of(token(name)) == name


async def test_nothing_is_lost_when_the_server_is_killed(nats_world: NatsWorld) -> None:
    bus, builder = nats_world.bus, await nats_world.builder()
    orders, words, presences = builder.orders(), bus.words(), bus.presences()
    for number in range(10):
        await bus.order("arm-1", b"order %d" % number, name=f"{number}")
        await builder.say(b"word %d" % number, name=f"{number}")
    held_order, held_word = await next_of(orders), await next_of(words)
    waiting = asyncio.ensure_future(anext(presences))

    await nats_world.server.kill()
    await nats_world.server.run()

    await held_order.done()
    await held_word.done()
    more_orders = [await finished(await next_of(orders)) for _ in range(9)]
    more_words = [await finished(await next_of(words)) for _ in range(9)]
    assert more_orders == [b"order %d" % number for number in range(1, 10)]
    assert more_words == [b"word %d" % number for number in range(1, 10)]
    await builder.announce(b"still here")
    assert (await soon(waiting)).content == b"still here"
    await bus.order("arm-1", b"after", name="after")
    await builder.say(b"after", name="after")
    assert await finished(await next_of(orders)) == b"after"
    assert await finished(await next_of(words)) == b"after"


async def test_what_was_said_before_a_restart_counts_once_after_it(nats_world: NatsWorld) -> None:
    builder, words = await nats_world.builder(), nats_world.bus.words()
    await builder.say(b"result", name="k1.1")
    await nats_world.server.kill()
    await nats_world.server.run()
    await builder.say(b"result", name="k1.1")
    await builder.say(b"other", name="k2.1")
    heard = [await finished(await next_of(words)) for _ in range(2)]
    assert heard == [b"result", b"other"]


async def test_a_log_has_no_gap_and_no_repeat_over_restarts(nats_world: NatsWorld) -> None:
    builder = await nats_world.builder()
    text = b"".join(b"%015d\n" % number for number in range(20_000))
    reading = asyncio.ensure_future(whole(nats_world.bus.follow_log("k1.1", start=5), 5))
    step = len(text) // 4
    for start in range(0, len(text), step):
        await builder.write_log(piece(text[start : start + step], start))
        await nats_world.server.kill()
        await nats_world.server.run()
    await builder.write_log(piece(b"", len(text), end=True))
    assert await soon(reading) == text[5:]


async def test_a_reader_goes_on_when_the_server_forgot_its_place(nats_world: NatsWorld) -> None:
    builder = await nats_world.builder()
    log = nats_world.bus.follow_log("k1.1")
    await builder.write_log(piece(b"one", 0))
    assert (await next_of(log)).content == b"one"
    raw = await connected(coordinator(nats_world.server))
    for consumer in await raw.jetstream().consumers_info("wheelyard-logs"):
        await raw.jetstream().delete_consumer("wheelyard-logs", consumer.name)
    await raw.close()
    await builder.write_log(piece(b"two", 3))
    assert (await next_of(log)).content == b"two"


async def test_a_server_that_lost_its_files_is_set_up_again(nats_world: NatsWorld) -> None:
    bus, builder = nats_world.bus, await nats_world.builder()
    orders = builder.orders()
    await bus.order("arm-1", b"before", name="1")
    await finished(await next_of(orders))
    await nats_world.server.kill()
    shutil.rmtree(nats_world.server.log.parent / "jetstream")
    await nats_world.server.run()
    await bus.order("arm-1", b"after", name="2")
    assert await finished(await next_of(orders)) == b"after"


async def test_a_server_that_is_away_is_said_with_its_address(nats_world: NatsWorld) -> None:
    server = nats_world.server
    builder = await NatsBuilderBus.open(options(server, "arm-1", answer_seconds=0.2), name="arm-1")
    bus = await NatsBus.open(coordinator(server, answer_seconds=0.2))
    await bus.order("arm-1", b"one", name="1")
    held = await next_of(builder.orders())
    await server.kill()
    for attempt in (
        bus.order("arm-1", b"two", name="2"),
        bus.forget("arm-1"),
        builder.say(b"", name="1"),
        builder.announce(b""),
        builder.write_log(piece(b"", 0)),
        held.working(),
        held.done(),
    ):
        with pytest.raises(BusError, match=server.url.removeprefix("nats://")) as refused:
            await soon(attempt)
        assert refused.value.hint
    await bus.close()
    await builder.close()
    await server.run()


async def test_a_server_that_is_not_there_at_the_start_is_said_at_once(tmp_path: Path) -> None:
    nowhere = NatsOptions(servers=("nats://127.0.0.1:9",), user="coordinator", password="x")
    with pytest.raises(BusError, match=r"127\.0\.0\.1:9: connecting failed: .*Errno 111"):
        await soon(NatsBus.open(nowhere))


async def test_a_password_that_is_wrong_is_said(nats_world: NatsWorld) -> None:
    wrong = NatsOptions(servers=(nats_world.server.url,), user="builder-arm-1", password="wrong")
    with pytest.raises(BusError) as refused:
        await NatsBuilderBus.open(wrong, name="arm-1")
    assert "wrong or was revoked" in refused.value.hint


async def test_a_server_without_jetstream_is_said(nats_server: str, tmp_path: Path) -> None:
    place = ServerPlace(folder=tmp_path, port=-1)
    async with await PrivateServer.start(place, builders=[user("arm-1")]) as server:
        with pytest.raises(BusError) as refused:
            await NatsBus.open(options(server, "arm-1"))
        assert "JetStream" in refused.value.hint


async def test_a_builder_that_floods_its_subject_harms_nobody_else(nats_world: NatsWorld) -> None:
    limits = NatsLimits(words=3)
    bus = await NatsBus.open(coordinator(nats_world.server), limits=limits)
    hostile, honest = await nats_world.builder("arm-1"), await nats_world.builder("arm-2")
    for number in range(3):
        await hostile.say(b"x", name=f"{number}")
    with pytest.raises(BusError, match="maximum messages per subject"):
        await hostile.say(b"x", name="3")
    await honest.say(b"result", name="1")
    await bus.close()


async def test_a_builder_cannot_use_up_the_names_of_another(nats_world: NatsWorld) -> None:
    hostile, honest = await nats_world.builder("arm-1"), await nats_world.builder("arm-2")
    await hostile.say(b"junk", name="k1.1")
    await honest.say(b"result", name="k1.1")
    words = nats_world.bus.words()
    assert [(await next_of(words)).content for _ in range(2)] == [b"junk", b"result"]


async def test_two_coordinators_share_what_is_said(nats_world: NatsWorld) -> None:
    builder, other = await nats_world.builder(), await nats_world.coordinator()
    for number in range(2):
        await builder.say(b"%d" % number, name=f"{number}")
    ours, theirs = nats_world.bus.words(), other.words()
    held = [await next_of(ours), await next_of(theirs)]
    assert {delivery.content for delivery in held} == {b"0", b"1"}
    assert [delivery.tries for delivery in held] == [1, 1]


async def test_limits_that_changed_are_taken_over(nats_world: NatsWorld) -> None:
    await (await NatsBus.open(coordinator(nats_world.server), limits=NatsLimits(words=7))).close()
    raw = await connected(coordinator(nats_world.server))
    info = await raw.jetstream().stream_info(WORDS)
    assert info.config.max_msgs_per_subject == 7
    await raw.close()


async def test_what_is_said_is_encrypted_where_the_server_has_a_certificate(
    nats_server: str, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on PATH")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", str(key), "-out", str(certificate)]
    command += ["-subj", "/CN=bus", "-days", "2"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    tls = ServerTls(certificate=certificate, key=key)
    place = ServerPlace(folder=tmp_path / "nats", port=-1, tls=tls)
    async with await PrivateServer.start(place) as server:
        assert server.url.startswith("tls://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        bus = await NatsBus.open(replace(coordinator(server), tls=trusting))
        await bus.order("arm-1", b"one", name="1")
        await bus.close()
        with pytest.raises(BusError, match="CERTIFICATE_VERIFY_FAILED"):
            await NatsBus.open(coordinator(server))


async def connected(options: NatsOptions) -> Client:
    """A client of no kind of ours."""
    client = Client()
    await client.connect(
        list(options.servers),
        user=options.user,
        password=options.password,
        allow_reconnect=False,
        error_cb=ignore,
    )
    return client


async def ignore(error: Exception) -> None:
    """Servers complain about what they refuse, and these tests look at what came of it."""


async def test_who_is_cancelled_while_the_client_waits_is_cancelled_though_it_hears_nothing() -> (
    None
):
    connection = Connection(NatsOptions(servers=("nats://127.0.0.1:9",)))
    waits = asyncio.Event()

    async def swallows() -> None:
        async with connection.lasting():
            waits.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return  # as asyncio.wait_for does where its answer came at the same moment

    task = asyncio.create_task(swallows())
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_around_what_swallows_it_is_a_deadline_still() -> None:
    connection = Connection(NatsOptions(servers=("nats://127.0.0.1:9",)))

    async def late() -> None:
        async with asyncio.timeout(0.01), connection.lasting():
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await late()


async def test_who_is_cancelled_as_the_answer_comes_ends_all_the_same() -> None:
    connection = Connection(NatsOptions(servers=("nats://127.0.0.1:9",)))
    answer = asyncio.get_running_loop().create_future()
    went_on = []

    async def ask() -> None:
        async with connection.lasting():
            # As nats-py waits for an answer.
            await asyncio.wait_for(answer, 60)
        went_on.append(True)

    asking = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    answer.set_result(None)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not went_on
