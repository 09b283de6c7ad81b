"""A farm over real connections: joining it, its blobs, its bus."""

import asyncio
import os
import stat
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builder.http_farm import BUILDER, CODE, HttpFarm
from builder.world import digest_of
from executor.yard import FolderBlobs as FarmBlobs
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.bus.memory import MemoryBus
from wheelyard.bus_ports import LogPiece
from wheelyard.depot import identity
from wheelyard.depot.blobs import HttpDepot
from wheelyard.depot.bus import HttpBuilderBus
from wheelyard.depot.http import Farm
from wheelyard.depot_ports import Ticket
from wheelyard.errors import (
    BusError,
    ConfigurationError,
    DeniedError,
    DigestMismatchError,
    ProtocolError,
    StoreError,
)
from wheelyard.model.job import BuildKey

pytestmark = pytest.mark.anyio
TICKET = Ticket(key=BuildKey("k" * 64), fence=3, token="job-token")
SOME = os.urandom(700_000)


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[HttpFarm]:
    bus = MemoryBus()
    found = HttpFarm(bus=bus, blobs=FarmBlobs(tmp_path / "farm"), scratch=tmp_path)
    found.jobs["job-token"] = (TICKET.key, "3")
    async with found.serving():
        yield found
    await bus.close()


@pytest.fixture
async def depot(farm: HttpFarm, tmp_path: Path) -> AsyncIterator[HttpDepot]:
    connection = Farm(farm.url, token=BUILDER)
    blobs = FolderBlobs(tmp_path / "local", own=tmp_path)
    yield HttpDepot(connection, blobs=blobs, incoming=tmp_path / "incoming-parts")
    await connection.close()


async def test_a_builder_joins_once_and_its_identity_is_its_owners_only(
    farm: HttpFarm, tmp_path: Path
) -> None:
    joined = await identity.enrol(farm.url, CODE, name="arm-1")
    identity.keep(joined, tmp_path / "state")

    assert identity.load(tmp_path / "state") == joined
    path = tmp_path / "state" / identity.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await identity.look_again(joined) == joined
    assert BUILDER not in repr(joined)
    with pytest.raises(DeniedError, match="was used"):
        await identity.enrol(farm.url, CODE, name="arm-2")


async def test_a_builder_that_comes_back_to_a_farm_of_another_version_is_told_so(
    farm: HttpFarm,
) -> None:
    joined = await identity.enrol(farm.url, CODE, name="arm-1")
    farm.speaks += 1
    with pytest.raises(ConfigurationError, match=f"speaks version {farm.speaks}"):
        await identity.look_again(joined)


async def test_a_name_that_is_taken_leaves_the_code_good(farm: HttpFarm) -> None:
    with pytest.raises(ConfigurationError, match="taken"):
        await identity.enrol(farm.url, CODE, name="taken")
    assert farm.codes == {CODE}


@pytest.mark.parametrize("url", ["arm-1:8000", "ftp://farm", "https://", "http://[::1"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Farm(url)


async def test_a_farm_that_is_not_there_is_away() -> None:
    farm = Farm("http://127.0.0.1:9")
    with pytest.raises(BusError, match="cannot be reached"):
        await farm.ask("GET", "/api/builders/me")
    await farm.close()


async def test_two_builders_cannot_work_in_one_state_folder(tmp_path: Path) -> None:
    with (
        identity.alone(tmp_path),
        pytest.raises(StoreError, match="another builder"),
        identity.alone(tmp_path),
    ):
        pass


async def test_a_download_that_was_cut_goes_on_where_it_stopped(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path
) -> None:
    digest = farm.blobs.keep(SOME)
    farm.cuts = 1
    await depot.fetch(digest)
    assert farm.ranges == [f"bytes={len(SOME) // 2}-"]
    assert FolderBlobs(tmp_path / "local").path(digest) is not None
    assert list((tmp_path / "incoming-parts").iterdir()) == []


async def test_what_a_killed_process_left_of_a_download_is_used(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path
) -> None:
    digest = farm.blobs.keep(SOME)
    part = tmp_path / "incoming-parts" / f"{digest[7:]}.part"
    part.parent.mkdir()
    part.write_bytes(SOME[:1000])
    await depot.fetch(digest)
    assert farm.ranges == ["bytes=1000-"]


async def test_a_download_of_other_bytes_is_refused_at_the_third_time(
    farm: HttpFarm, depot: HttpDepot
) -> None:
    digest = digest_of(b"these bytes")
    (farm.blobs._folder / digest[7:]).write_bytes(b"other bytes")
    with pytest.raises(DigestMismatchError):
        await depot.fetch(digest)
    assert farm.seen.count(("GET", f"/api/blobs/{digest}")) == 3


async def test_what_the_farm_does_not_have_is_said(depot: HttpDepot) -> None:
    with pytest.raises(StoreError, match="no such blob"):
        await depot.fetch(digest_of(b"nothing"))


async def test_an_upload_goes_through_a_farm_that_is_busy(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(SOME)
    farm.refuses = 2
    await depot.upload(digest_of(SOME), tmp_path / "a", TICKET)
    assert await farm.blobs.read(digest_of(SOME)) == SOME
    await depot.upload(digest_of(SOME), tmp_path / "a", TICKET)
    assert len(farm.stored) == 1


@pytest.mark.parametrize("flips", [1, 2, 3])
async def test_an_upload_with_a_flipped_bit_is_sent_again_but_not_a_fourth_time(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path, flips: int
) -> None:
    (tmp_path / "a").write_bytes(SOME)
    farm.flips = flips
    if flips == 3:
        with pytest.raises(DigestMismatchError, match="refused 3 times"):
            await depot.upload(digest_of(SOME), tmp_path / "a", TICKET)
        assert farm.blobs.path(digest_of(SOME)) is None
    else:
        await depot.upload(digest_of(SOME), tmp_path / "a", TICKET)
    assert sum(method == "PUT" for method, _ in farm.seen) == min(3, flips + 1)


async def test_an_upload_under_a_superseded_fence_is_denied(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(SOME)
    farm.jobs.clear()
    with pytest.raises(DeniedError, match="superseded"):
        await depot.upload(digest_of(SOME), tmp_path / "a", TICKET)


async def test_large_files_pass_in_little_memory(
    farm: HttpFarm, depot: HttpDepot, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    piece = os.urandom(1 << 20)
    with large.open("wb") as file:
        for _ in range(32):
            file.write(piece)
    digest = digest_of(large.read_bytes())

    tracemalloc.start()
    await depot.upload(digest, large, TICKET)
    await depot.fetch(digest)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Both ends of the connection are in this process.
    assert most < 10 << 20


async def test_orders_words_presence_and_logs_pass(farm: HttpFarm) -> None:
    bus = HttpBuilderBus(farm.url, token=BUILDER, session="s1")
    await farm.bus.order("arm-1", b"do this", name="1")
    orders = bus.orders()
    delivery = await anext(orders)
    assert delivery.content == b"do this"
    await delivery.working()
    await delivery.again(seconds=0)
    delivery = await anext(orders)
    await delivery.done()
    await delivery.done()

    await bus.announce(b"I am here")
    announced = await anext(farm.bus.presences())
    assert (announced.builder, announced.content) == ("arm-1", b"I am here")
    await bus.write_log(LogPiece(attempt="k.1", start=0, content=b"hello"))
    await bus.write_log(LogPiece(attempt="k.1", start=5, content=b"", end=True))
    assert [p.content async for p in farm.bus.follow_log("k.1")] == [b"hello", b""]
    await bus.close()


async def test_orders_are_waited_for_while_the_farm_is_away(farm: HttpFarm) -> None:
    bus = HttpBuilderBus(farm.url, token=BUILDER, session="s1", wait_seconds=1)
    farm.refuses = 1
    first = asyncio.ensure_future(anext(bus.orders()))
    await farm.bus.order("arm-1", b"do this", name="1")
    assert (await first).content == b"do this"
    await bus.close()


async def test_a_revoked_builder_hears_so_everywhere(farm: HttpFarm) -> None:
    farm.revoked = True
    bus = HttpBuilderBus(farm.url, token=BUILDER, session="s1")
    with pytest.raises(DeniedError):
        await anext(bus.orders())
    with pytest.raises(DeniedError):
        await bus.announce(b"I am here")
    with pytest.raises(DeniedError):
        await bus.say(b"a word", name="1")
    await bus.close()


async def test_a_server_that_is_no_farm_is_told_from_one(farm: HttpFarm) -> None:
    bus = HttpBuilderBus(f"{farm.url}/elsewhere", token=BUILDER, session="s1")
    with pytest.raises(ProtocolError, match="404"):
        await bus.say(b"a word", name="1")
    await bus.close()


async def test_who_asks_without_a_token_hears_how_to_give_one(farm: HttpFarm) -> None:
    farm.revoked = True
    asked = Farm(farm.url)
    with pytest.raises(DeniedError) as refused:
        await asked.ask("GET", f"/api/blobs/sha256:{0:064}")
    assert "--token" in refused.value.hint
    await asked.close()
