"""Builders that want to do harm."""

import asyncio
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from wheelyard.errors import BusError, DeniedError, ProtocolError
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Outcome, Report
from wheelyard.protocol.messages import Assignment, Result
from wheelyard.protocol.wire import encode
from wheelyard.selftest.actor import Actor, digest_of, wheel_of
from wheelyard.selftest.farm import BUILDERS, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.verdict import check, until

Trick = Callable[[Actor], Awaitable[None]]
_LONG = 300
_NAMES = (
    "../../index.html",
    "/etc/passwd",
    "fault_00-1.0-py3-none-any.whl\0",
    f"{'x' * _LONG}-1.0-py3-none-any.whl",
)
_OTHERS = (
    "fault_99-1.0-py3-none-any.whl",
    "{module}-9.0-py3-none-any.whl",
    "{module}-1.0-cp27-none-win32.whl",
)
_BOMB_BYTES, _LARGE_BYTES = 1 << 29, 3 << 30


async def hostile(farm: FarmUnderTest) -> None:
    """Row 21: whatever a builder names or sends, it is refused with a reason, and nobody else notices."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS)
    tricks: dict[str, list[Trick]] = {
        "namer": [partial(_named, farm, name) for name in _NAMES],
        "taker": [partial(_named, farm, name) for name in _OTHERS],
        "maker": [partial(_other_inside, farm), partial(_bomb, farm)],
        "speaker": [partial(_speaks, farm)],
    }
    async with AsyncExitStack() as stack:
        # All are there before the first job is, so that each gets some while honest ones build the rest.
        actors = [await stack.enter_async_context(Actor.joined(farm, name)) for name in tricks]
        request = await farm.submit()
        await asyncio.gather(*(_each(farm, actor, tricks[actor.name]) for actor in actors))
    await farm.done(request)
    for name in BUILDERS:
        check((await farm.client.builders())[name]["mode"] == "active", f"{name} was blamed")
    await hold(farm)


async def _each(farm: FarmUnderTest, actor: Actor, tricks: list[Trick]) -> None:
    """Let a builder try its tricks, and see that each is written down."""
    for trick in tricks:
        before = await _noted(farm, actor.name)
        await trick(actor)

        async def noted(before: int = before) -> bool:
            return await _noted(farm, actor.name) > before

        await until(noted, f"what {actor.name} tried is written down", seconds=30)
    actor.free = 0
    for order in list(actor.running.values()):
        await actor.give_back(order)


async def _noted(farm: FarmUnderTest, name: str) -> int:
    flagged = await farm.client.happened("builder.flagged", subject=name)
    refused = await farm.client.happened("result.refused", actor=name)
    return len(flagged) + len(refused)


async def _say(actor: Actor, order: Assignment, artifact: Artifact, *, name: str = "") -> None:
    """Say that a wheel was built; ``name`` replaces its file name after the message was made, which no honest one lets pass."""
    offer = order.offer
    report = Report(outcome=Outcome.BUILT, artifact=artifact)
    word = Result(builder=actor.name, key=offer.key, fence=offer.fence, report=report)
    content = encode(word)
    if name:
        written = msgspec.json.encode(name)[1:-1]
        content = content.replace(artifact.filename.encode(), written)
    try:
        await actor.say(content)
        actor.running.pop((offer.key, offer.fence), None)
    except (ProtocolError, DeniedError, BusError):
        # It was refused at the door; the job is still its own, and given back.
        await actor.give_back(order)


async def _named(farm: FarmUnderTest, name: str, actor: Actor) -> None:
    """Upload a wheel, and give it a name that no honest builder gives."""
    order = await actor.take()
    artifact, content = wheel_of(order, farm.folder / "evil")
    answer = await actor.upload(order, content, artifact.digest)
    check(answer.is_success, f"an honest upload was answered with {answer.status_code}")
    module = str(order.offer.release.project).replace("-", "_")
    await _say(actor, order, artifact, name=name.format(module=module))


async def _bomb(farm: FarmUnderTest, actor: Actor) -> None:
    """Upload a wheel that would be half a gigabyte when it is unpacked."""
    order = await actor.take()
    artifact, _ = wheel_of(order, farm.folder / "evil")
    path = farm.folder / "evil" / "bomb.whl"
    await asyncio.to_thread(_write_bomb, farm.folder / "evil" / artifact.filename, path)
    content = await asyncio.to_thread(path.read_bytes)
    digest = digest_of(content)
    answer = await actor.upload(order, content, digest)
    check(answer.is_success, f"an honest upload was answered with {answer.status_code}")
    await _say(actor, order, replace(artifact, digest=digest, size=len(content)))


def _write_bomb(source: Path, path: Path) -> None:
    with (
        zipfile.ZipFile(source) as before,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as after,
    ):
        with after.open("bomb.bin", "w", force_zip64=True) as entry:
            piece = bytes(16 << 20)
            for _ in range(_BOMB_BYTES // len(piece)):
                entry.write(piece)
        for one in before.infolist():
            after.writestr(one, before.read(one))


async def _other_inside(farm: FarmUnderTest, actor: Actor) -> None:
    """Upload a wheel that is another project's inside, under the name of the job's."""
    order = await actor.take()
    artifact, _ = wheel_of(order, farm.folder / "evil")
    source = farm.folder / "evil" / artifact.filename
    path = farm.folder / "evil" / "other.whl"
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(path, "w") as after:
        for one in before.infolist():
            content = before.read(one)
            if one.filename.endswith("METADATA"):
                content = content.replace(b"Name: ", b"Name: not-")
            after.writestr(one, content)
    content = path.read_bytes()
    answer = await actor.upload(order, content, digest_of(content))
    check(answer.is_success, f"an honest upload was answered with {answer.status_code}")
    await _say(actor, order, replace(artifact, digest=digest_of(content), size=len(content)))


async def _speaks(farm: FarmUnderTest, actor: Actor) -> None:
    """Say what cannot be read, what another builder should say, and more than anybody may."""
    order = await actor.take()
    offer = order.offer
    for content in (
        b"\x00\xff not a message",
        encode(
            Result(
                builder="one",
                key=offer.key,
                fence=offer.fence,
                report=Report(outcome=Outcome.FAILED, reason="spoken for"),
            )
        ),
    ):
        try:
            await actor.say(content)
        except (ProtocolError, DeniedError, BusError):
            continue
    if not farm.engine.bus_port:
        await _too_large(farm, actor)
    await actor.give_back(order)


async def _too_large(farm: FarmUnderTest, actor: Actor) -> None:
    """Announce a message of three gigabytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", farm.port)
    lines = (
        "POST /api/bus/words?name=large HTTP/1.1",
        "Host: farm",
        f"Authorization: Bearer {actor.token}",
        f"Content-Length: {_LARGE_BYTES}",
    )
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\nand so on").encode())
        await writer.drain()
        answer = await asyncio.wait_for(reader.readline(), 20)
    finally:
        writer.close()
    check(b" 413 " in answer, f"a message of three gigabytes was answered with {answer!r}")
