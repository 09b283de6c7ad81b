"""What goes with a result instead of by an upload."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.world import World, digest_of
from wheelyard import failpoints
from wheelyard.builder.enclosing import small_ones
from wheelyard.model.job import Outcome, outputs_of
from wheelyard.protocol.messages import LARGEST_BYTES, Upload
from wheelyard.testing.blobs import MemoryBlobs

pytestmark = pytest.mark.anyio


async def test_what_is_small_comes_with_the_result_and_is_not_uploaded(world: World) -> None:
    world.farm.enclosable = 32 << 10
    async with world.builder():
        await world.farm.assign(world.offer())
        word = await world.farm.word()

    assert word.report.outcome is Outcome.BUILT
    assert {digest_of(content) for content in word.enclosed} == set(outputs_of(word.report))
    assert world.depot.uploads == []


async def test_what_is_too_large_for_the_farm_is_uploaded_before(world: World) -> None:
    world.farm.enclosable = 1000
    async with world.builder():
        await world.farm.assign(world.offer("import random; print(random.randbytes(2000).hex())"))
        word = await world.farm.word()

    uploaded = {digest for digest, _ in world.depot.uploads}
    assert word.report.log_digest in uploaded
    assert uploaded | {digest_of(one) for one in word.enclosed} == set(outputs_of(word.report))
    assert 0 < sum(map(len, word.enclosed)) <= 1000


async def test_asked_to_upload_it_brings_all_and_says_the_result_again(world: World) -> None:
    world.farm.settles = False
    world.farm.enclosable = 32 << 10
    async with world.builder():
        await world.farm.assign(world.offer())
        first = await world.farm.word()
        assert first.enclosed

        await world.farm.order(Upload(key=first.key, fence=first.fence))

        again = await world.farm.word(2)
        assert again == replace(first, enclosed=())
        assert [digest for digest, _ in world.depot.uploads] == list(outputs_of(first.report))


async def test_a_report_that_leaves_no_room_has_its_files_uploaded(world: World) -> None:
    world.farm.enclosable = LARGEST_BYTES
    async with world.builder():
        await world.farm.assign(world.offer("import random; print(random.randbytes(900000).hex())"))
        word = await world.farm.word()

    assert word.enclosed == ()
    assert [digest for digest, _ in world.depot.uploads] == list(outputs_of(word.report))


async def test_what_is_gone_or_was_changed_is_left_to_its_upload(tmp_path: Path) -> None:
    blobs = MemoryBlobs(tmp_path)
    good, changed = await blobs.add_bytes(b"good"), await blobs.add_bytes(b"changed")
    gone = digest_of(b"gone")
    path = blobs.path(changed)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"damaged")

    assert small_ones(blobs, (changed, gone, good), most=100) == {good: b"good"}


async def test_a_bit_can_be_flipped_on_the_way(tmp_path: Path) -> None:
    blobs = MemoryBlobs(tmp_path)
    digest = await blobs.add_bytes(b"a")
    failpoints.arm("upload.body=flip*1")
    try:
        assert small_ones(blobs, (digest,), most=100) == {digest: b"`"}
        assert small_ones(blobs, (digest,), most=100) == {digest: b"a"}
    finally:
        failpoints.arm("")
