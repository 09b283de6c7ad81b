"""Results that come often, differ, or come damaged; blobs that go."""

import asyncio

from wheelyard.model.job import Outcome, Report
from wheelyard.protocol.messages import Assignment
from wheelyard.selftest import graph
from wheelyard.selftest.actor import Actor, in_quarantine, wheel_of
from wheelyard.selftest.farm import BUILDERS, LEASE, FarmUnderTest
from wheelyard.selftest.invariants import hold
from wheelyard.selftest.program import Program
from wheelyard.selftest.verdict import check, until
from wheelyard.selftest.webhook import Waiter

_UNPROCESSABLE = 422


async def five_times(farm: FarmUnderTest) -> None:
    """Row 11: a result that is said five times at once is one transition, one event, one notification."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS, failpoints="delivery.say=repeat:5")
    async with Waiter.listening() as waiter:
        request = await farm.submit(notify=[waiter.address])
        await farm.done(request)

        async def told() -> bool:
            return waiter.told > 0

        await until(told, "who waited is told", seconds=20)
        # Another message would have come by the time at which messages are looked for again.
        await asyncio.sleep(6)
        check(waiter.told == 1, f"who waited was told {waiter.told} times")
    ended = await farm.client.happened("job.ended")
    check(len(ended) == graph.COUNT, f"{len(ended)} results are written down of {graph.COUNT}")
    await hold(farm)


async def different_bytes(farm: FarmUnderTest) -> None:
    """Row 12: of two attempts with different bytes the first accepted counts; the other is evidence."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS)
    async with Actor.joined(farm, "late") as late:
        request = await farm.submit()
        order = await late.take()
        late.free = 0
        late.silent = True
        project = str(order.offer.release.project)
        await farm.state_of(project, "done", seconds=LEASE + 60)
        late.silent = False
        artifact, content = wheel_of(order, farm.folder / "late", body="OTHER = True\n")
        answer = await late.upload(order, content, artifact.digest)
        check(not answer.is_success, "its upload was taken though its lease was lost")
        await late.report(order, Report(outcome=Outcome.BUILT, artifact=artifact))

        async def differed() -> bool:
            return bool(await farm.client.happened("artifact.differed", subject=order.offer.key))

        await until(differed, "the other bytes are noted as evidence", seconds=20)
        await farm.done(request)
        check((await farm.client.job(project))["artifact"] != artifact.digest, "it was published")
        await hold(farm)


async def damaged_uploads(farm: FarmUnderTest) -> None:
    """Row 13: what is not as announced is never visible; the third time its builder is in quarantine."""
    farm.upload()
    await farm.start()
    # Two tries of its first upload are damaged on their way, the third one is not.
    await farm.join("one", failpoints="upload.body=flip*2")
    await farm.join("two", "three")
    async with Actor.joined(farm, "damaged") as actor:
        request = await farm.submit()
        order = await actor.take()
        actor.free = 0
        artifact, content = wheel_of(order, farm.folder / "damaged", body="DAMAGED = True\n")
        flipped = bytes([content[0] ^ 1]) + content[1:]
        for what, sent, headers in (
            ("one bit flipped", flipped, {}),
            ("nothing in it", b"", {}),
            ("another digest announced", content, {"Content_Digest": "sha-256=:AAAA:"}),
        ):
            answer = await actor.upload(order, sent, artifact.digest, **headers)
            check(
                answer.status_code == _UNPROCESSABLE,
                f"an upload with {what} was answered with {answer.status_code}",
            )
            await _invisible(farm, artifact.digest)
        await in_quarantine(farm, actor.name)
        check(await farm.client.happened("builder.alarm", subject=actor.name), "nobody was told")
        await _cut_short(farm, actor, order, artifact.digest, len(content))
        await _invisible(farm, artifact.digest)
        await actor.give_back(order)
        await farm.done(request)
        await hold(farm)
    for name in BUILDERS:
        mode = (await farm.client.builders())[name]["mode"]
        check(mode == "active", f"{name}, which sent its bytes again, is {mode}")


async def _cut_short(
    farm: FarmUnderTest, actor: Actor, order: Assignment, digest: str, size: int
) -> None:
    """Announce more bytes than come."""
    _, writer = await asyncio.open_connection("127.0.0.1", farm.port)
    writer.write(actor.head_of_upload(order, digest, size) + b"only this")
    await writer.drain()
    writer.close()


async def _invisible(farm: FarmUnderTest, digest: str) -> None:
    path = farm.state / "blobs" / "sha256" / digest[7:9] / digest[9:]
    check(not path.exists(), "bytes that were refused are visible")


async def blob_deleted(farm: FarmUnderTest) -> None:
    """Row 14: a blob that was deleted is found missing, its file leaves the index, and it is built again."""
    farm.upload()
    await farm.start()
    await farm.join(*BUILDERS)
    await farm.done(await farm.submit())
    victim = await farm.client.job(graph.name_of(graph.LEAVES[0]))
    digest = str(victim["artifact"])
    (farm.state / "blobs" / "sha256" / digest[7:9] / digest[9:]).unlink()
    checker = Program("check", farm.folder)
    database = [f"--database={farm.engine.database}"] if farm.engine.database else []
    await checker.start("state", "check", "--state", farm.state, *database)
    await checker.ended(seconds=180)
    check("1 job open again" in checker.says, f"the check said: {checker.says[-300:]}")
    await until(
        lambda: farm.client.happened("job.leased", subject=victim["key"], attempt=2),
        "the job is given out again",
        seconds=30,
    )
    await farm.state_of(graph.name_of(graph.LEAVES[0]), "done", seconds=60)
    await hold(farm)
