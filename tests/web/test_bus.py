"""A builder without NATS hears and says the same over HTTP."""

import asyncio
import base64
from dataclasses import replace

import httpx
import pytest

from store.things import built, wheel
from web.place import Place, open_place, presence, returned
from wheelyard.model.job import BuildKey
from wheelyard.protocol.messages import LARGEST_BYTES, Result
from wheelyard.protocol.wire import encode

pytestmark = pytest.mark.anyio


async def orders(
    place: Place, headers: dict[str, str], *, wait: int = 0, session: str = "s1"
) -> list[tuple[str, int, bytes]]:
    answer = await place.client.get(
        "/api/bus/orders", params={"wait": wait, "session": session}, headers=headers
    )
    assert answer.status_code == 200
    return [
        (one["id"], one["tries"], base64.b64decode(one["content"]))
        for one in answer.json()["orders"]
    ]


async def say(place: Place, headers: dict[str, str], order: str, **body: str | float) -> int:
    answer = await place.client.post(f"/api/bus/orders/{order}", json=body, headers=headers)
    return answer.status_code


async def test_orders_come_oldest_first_and_only_to_their_builder(place: Place) -> None:
    mine, other = await place.builder("arm-1"), await place.builder("arm-2")
    for number in range(3):
        await place.bus.order("arm-1", b"%d" % number, name=str(number))
    assert [content for _, _, content in await orders(place, mine)] == [b"0", b"1", b"2"]
    assert await orders(place, other) == []


async def test_an_order_that_comes_ends_the_waiting(place: Place) -> None:
    headers = await place.builder()
    waiting = asyncio.create_task(orders(place, headers, wait=60))
    while not place.app._doors._doors:
        await asyncio.sleep(0)
    await place.bus.order("arm-1", b"go", name="1")
    async with asyncio.timeout(5):
        assert [content for _, _, content in await waiting] == [b"go"]


async def test_an_order_that_is_done_with_never_comes_again(place: Place) -> None:
    headers = await place.builder()
    await place.bus.order("arm-1", b"go", name="1")
    [(number, tries, _)] = await orders(place, headers)
    assert tries == 1
    assert await say(place, headers, number, state="working") == 204
    assert await say(place, headers, number, state="done") == 204
    assert await say(place, headers, number, state="done") == 404
    assert await orders(place, headers, session="s2") == []


async def test_another_session_hears_at_once_what_was_not_done_with(place: Place) -> None:
    headers = await place.builder()
    await place.bus.order("arm-1", b"go", name="1")
    assert len(await orders(place, headers)) == 1
    assert await orders(place, headers) == []
    [(number, tries, content)] = await orders(place, headers, session="s2")
    assert (tries, content) == (2, b"go")
    assert await say(place, headers, number, state="again", seconds=0) == 204
    assert len(await orders(place, headers, session="s2")) == 1


async def test_a_second_question_ends_the_first(place: Place) -> None:
    headers = await place.builder()
    first = asyncio.create_task(orders(place, headers, wait=60))
    while not place.app._doors._doors:
        await asyncio.sleep(0)
    second = asyncio.create_task(orders(place, headers, wait=60))
    async with asyncio.timeout(5):
        assert await first == []
        await place.bus.order("arm-1", b"go", name="1")
        assert len(await second) == 1


async def test_what_is_silent_too_long_is_given_out_again(memory_place: Place) -> None:
    place = memory_place
    place.bus._silence = 0.05
    headers = await place.builder()
    await place.bus.order("arm-1", b"go", name="1")
    assert len(await orders(place, headers)) == 1
    [(_, tries, _)] = await orders(place, headers, wait=5)
    assert tries == 2


async def test_a_server_that_ends_lets_those_who_wait_go(tmp_path: pytest.TempPathFactory) -> None:
    async with asyncio.timeout(4):
        async with open_place(tmp_path, kind="memory") as place:  # type: ignore[arg-type]
            headers = await place.builder()
            waiting = asyncio.create_task(orders(place, headers, wait=60))
            while not place.app._doors._doors:
                await asyncio.sleep(0)
            await place.app.end()
            assert await waiting == []


async def send(
    place: Place, headers: dict[str, str], where: str, content: bytes, **query: str | int
) -> httpx.Response:
    return await place.client.post(
        f"/api/bus/{where}", params=query, content=content, headers=headers
    )


async def test_a_word_reaches_the_coordinator_once(place: Place) -> None:
    headers = await place.builder()
    word = returned(BuildKey("k1"), 1)
    for _ in range(2):
        assert (await send(place, headers, "words", word, name="w1")).status_code == 204
    assert (await send(place, headers, "words", returned(BuildKey("k2"), 1), name="w2")).is_success
    words = place.bus.words()
    first, second = await anext(words), await anext(words)
    assert (first.content, first.sender) == (word, "arm-1")
    assert second.content != word


@pytest.mark.parametrize(
    ("where", "content", "status"),
    [
        ("words", returned(BuildKey("k1"), 1, builder="arm-2"), 422),
        ("words", presence(), 422),
        ("words", b"{}", 422),
        ("words", b"\xff" * 100, 422),
        ("words", b"[" * 100_000, 422),
        ("words", b"x" * (LARGEST_BYTES + 1), 413),
        ("presence", presence("arm-2"), 422),
        ("presence", returned(BuildKey("k1"), 1), 422),
        ("presence", b"x" * (LARGEST_BYTES + 1), 413),
    ],
)
async def test_what_is_not_the_builders_own_word_is_refused(
    memory_place: Place, where: str, content: bytes, status: int
) -> None:
    headers = await memory_place.builder()
    answer = await send(memory_place, headers, where, content, name="w1")
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize("content", [b"\x00\xff", presence("arm-2")])
async def test_who_says_what_cannot_be_read_or_speaks_for_another_one_is_flagged(
    memory_place: Place, content: bytes
) -> None:
    headers = await memory_place.builder()
    answer = await send(memory_place, headers, "words", content, name="w1")
    assert answer.is_client_error
    [line] = await memory_place.ports.events.read(subject="arm-1")
    assert line.action == "builder.flagged"


async def test_a_word_needs_a_name(memory_place: Place) -> None:
    headers = await memory_place.builder()
    word = returned(BuildKey("k1"), 1)
    assert (await send(memory_place, headers, "words", word)).status_code == 422


@pytest.mark.parametrize(
    "filename", ["../../index.html", "/etc/passwd.whl", "six-1.17.0-../x.whl", "x" * 250 + ".whl"]
)
async def test_a_wheel_with_a_hostile_name_flags_its_builder(
    memory_place: Place, filename: str
) -> None:
    headers = await memory_place.builder()
    report = built(replace(wheel(), filename=filename))
    word = encode(Result(builder="arm-1", key=BuildKey("k1"), fence=1, report=report))
    answer = await send(memory_place, headers, "words", word, name="w1")
    assert answer.status_code == 422
    [line] = await memory_place.ports.events.read(subject="arm-1")
    assert line.action == "builder.flagged"
    good = encode(Result(builder="arm-1", key=BuildKey("k1"), fence=1, report=built()))
    assert (await send(memory_place, headers, "words", good, name="w2")).status_code == 204


async def test_a_presence_is_announced(place: Place) -> None:
    headers = await place.builder()
    content = presence()
    assert (await send(place, headers, "presence", content)).status_code == 204
    announcement = await anext(place.bus.presences())
    assert (announcement.builder, announcement.content) == ("arm-1", content)


async def test_pieces_of_a_log_are_written_by_who_has_the_attempt(place: Place) -> None:
    mine, other = await place.builder("arm-1"), await place.builder("arm-2")
    lease = await place.leased()
    attempt = f"{lease.key}.{lease.fence}"
    for name, status in ((attempt, 403), ("nothing.1", 403), ("x", 403), (f"{lease.key}.9", 403)):
        assert (await send(place, other, "logs", b"x", attempt=name)).status_code == status
    assert (await send(place, mine, "logs", b"one ", attempt=attempt, start=0)).is_success
    assert (await send(place, mine, "logs", b"one two", attempt=attempt, start=0)).is_success
    assert (await send(place, mine, "logs", b"", attempt=attempt, start=7, end=1)).is_success
    pieces = [piece async for piece in place.bus.follow_log(attempt)]
    assert b"".join(piece.content for piece in pieces) == b"one two"
    assert (
        await send(place, mine, "logs", b"x" * (256 * 1024 + 1), attempt=attempt)
    ).status_code == 413


async def test_who_lost_a_job_still_tells_the_rest_of_its_own_log(place: Place) -> None:
    mine = await place.builder("arm-1")
    lease = await place.leased()
    await place.ports.queue.expire_of("arm-1")
    await place.lease("arm-2")
    attempt = f"{lease.key}.{lease.fence}"
    assert (await send(place, mine, "logs", b"late", attempt=attempt)).status_code == 204
    newer = f"{lease.key}.{lease.fence + 1}"
    assert (await send(place, mine, "logs", b"late", attempt=newer)).status_code == 403
