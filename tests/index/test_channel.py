"""The conda channel over HTTP: what solvers read, for people, and nothing twice."""

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from index.channel import World, world
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.channel_ports import ChannelChanges
from wheelyard.index import channel_state
from wheelyard.index.channel_pages import subdir_pages
from wheelyard.index.channel_state import RenderedChannel
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.store.folder import StateFolder
from wheelyard.testing.artifacts import MemoryArtifactStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def served(one: World) -> AsyncIterator[httpx.AsyncClient]:
    app = IndexServer(
        artifacts=MemoryArtifactStore(),
        blobs=one.blobs,
        channel=RenderedChannel(one.channel, freshness=0),
    )
    async with (
        running(app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        yield client


async def read(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/conda/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_empty_channel_is_one_for_every_platform(tmp_path: Path) -> None:
    async with served(world(tmp_path)) as client:
        for subdir in ("noarch", "linux-64", "win-arm64"):
            said = await read(client, f"{subdir}/repodata.json")
            assert said["info"] == {"subdir": subdir}
            assert said["packages"] == said["packages.conda"] == {}
        assert (await read(client, "channeldata.json"))["subdirs"] == ["noarch"]
        assert (await client.get("/conda/linux-9000/repodata.json")).status_code == 404


async def test_a_package_is_in_its_subdir_in_the_part_of_its_format(tmp_path: Path) -> None:
    one = world(tmp_path)
    path = await one.add("liba", run_exports={"weak": ["liba >=1"]})
    await one.add("libb", suffix=".tar.bz2", index={"depends": ["liba"]})
    await one.add("libc", subdir="linux-64")
    async with served(one) as client:
        said = await read(client, "noarch/repodata.json")
        assert list(said["packages.conda"]) == ["liba-1.0-0.conda"]
        assert said["packages"]["libb-1.0-0.tar.bz2"]["depends"] == ["liba"]
        assert said["repodata_version"] == 1
        assert list((await read(client, "linux-64/repodata.json"))["packages.conda"]) == [
            "libc-1.0-0.conda"
        ]
        exports = await read(client, "noarch/run_exports.json")
        assert exports["info"] == {"subdir": "noarch", "version": 1}
        entry = exports["packages.conda"]["liba-1.0-0.conda"]
        assert entry == {"run_exports": {"weak": ["liba >=1"]}}
        file = await client.get("/conda/noarch/liba-1.0-0.conda")
        assert file.content == path.read_bytes()


async def test_what_is_compressed_is_the_same(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        for name in ("repodata.json", "current_repodata.json", "run_exports.json"):
            plain = await client.get(f"/conda/noarch/{name}")
            packed = await client.get(f"/conda/noarch/{name}.zst")
            assert packed.headers["content-type"] == "application/zstd"
            assert zstandard.ZstdDecompressor().decompress(packed.content) == plain.content


async def test_the_current_ones_are_the_newest_as_conda_orders_them(tmp_path: Path) -> None:
    one = world(tmp_path)
    for version, build in (("1.9", "0"), ("1.10", "0"), ("1.10.0", "1"), ("1.10rc1", "0")):
        await one.add("liba", version, build)
    await one.add("libb", "2!0.1")
    await one.add("libb", "1!9")
    async with served(one) as client:
        said = await read(client, "noarch/current_repodata.json")
        assert list(said["packages.conda"]) == [
            "liba-1.10-0.conda",
            "liba-1.10.0-1.conda",
            "libb-2!0.1-0.conda",
        ]
        about = (await read(client, "channeldata.json"))["packages"]
        assert (about["liba"]["version"], about["libb"]["version"]) == ("1.10.0", "2!0.1")
        assert (await client.get("/conda/noarch/libb-2!0.1-0.conda")).status_code == 200
        assert (await client.get("/conda/noarch/libb-2%210.1-0.conda")).status_code == 200


async def test_all_of_the_channel_is_said_by_name(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba", about={"summary": 'says "a"', "license": "MIT"})
    await one.add("liba", "2.0", subdir="linux-64", about={"summary": "newer"})
    async with served(one) as client:
        said = await read(client, "channeldata.json")
        assert said["channeldata_version"] == 1
        assert said["subdirs"] == ["linux-64", "noarch"]
        assert said["packages"]["liba"] == {
            "reference_package": "linux-64/liba-2.0-0.conda",
            "run_exports": {},
            "subdirs": ["linux-64", "noarch"],
            "summary": "newer",
            "version": "2.0",
        }


async def test_what_is_removed_is_seen_by_no_solver_and_stays_where_it_is(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")
    await one.add("liba", "2.0")
    async with served(one) as client:
        assert await one.door.remove("liba-2.0-0.conda", "it crashes", actor="ann")
        said = await read(client, "noarch/repodata.json")
        assert list(said["packages.conda"]) == ["liba-1.0-0.conda"]
        assert said["removed"] == ["liba-2.0-0.conda"]
        assert (await read(client, "channeldata.json"))["packages"]["liba"]["version"] == "1.0"
        assert list((await read(client, "noarch/run_exports.json"))["packages.conda"]) == [
            "liba-1.0-0.conda"
        ]
        assert (await client.get("/conda/noarch/liba-2.0-0.conda")).status_code == 200
        assert await one.door.remove("noarch/liba-2.0-0.conda", None, actor="ann")
        said = await read(client, "noarch/repodata.json")
        assert len(said["packages.conda"]) == 2
        assert said["removed"] == []


async def test_lost_bytes_are_not_offered(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        assert await read(client, "noarch/repodata.json")
        (package,) = await one.packages()
        await one.channel.withdraw(package.digest)
        assert (await read(client, "noarch/repodata.json"))["packages.conda"] == {}
        assert (await read(client, "channeldata.json"))["packages"] == {}
        assert (await client.get("/conda/noarch/liba-1.0-0.conda")).status_code == 404


async def test_a_page_that_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        for path in ("noarch/repodata.json", "noarch/repodata.json.zst", "noarch/liba-1.0-0.conda"):
            etag = (await client.get(f"/conda/{path}")).headers["etag"]
            known = {"If-None-Match": f'"other", W/{etag}'}
            again = await client.get(f"/conda/{path}", headers=known)
            assert (again.status_code, again.content) == (304, b"")
        etag = (await client.get("/conda/linux-64/repodata.json")).headers["etag"]
        await one.add("libb")
        known = {"If-None-Match": etag}
        other = await client.get("/conda/linux-64/repodata.json", headers=known)
        assert other.status_code == 304
        changed = await client.get("/conda/noarch/repodata.json", headers=known)
        assert changed.status_code == 200


@pytest.mark.parametrize("path", ["noarch/repodata.json", "noarch/liba-1.0-0.conda"])
async def test_a_part_is_sent_where_that_is_wanted(tmp_path: Path, path: str) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        whole = (await client.get(f"/conda/{path}")).content
        size = len(whole)
        for wanted, part in (
            ("bytes=0-9", whole[:10]),
            ("bytes=10-", whole[10:]),
            ("bytes=-7", whole[-7:]),
            (f"bytes=5-{size + 99}", whole[5:]),
        ):
            answer = await client.get(f"/conda/{path}", headers={"Range": wanted})
            assert (answer.status_code, answer.content) == (206, part)
        beyond = await client.get(f"/conda/{path}", headers={"Range": f"bytes={size}-"})
        assert beyond.status_code == 416
        changed = {"Range": "bytes=0-9", "If-Range": '"another"'}
        assert (await client.get(f"/conda/{path}", headers=changed)).status_code == 200


async def test_heads_are_as_the_answers_would_be(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        for path in ("", "noarch/repodata.json", "channeldata.json", "noarch/liba-1.0-0.conda"):
            got, head = await client.get(f"/conda/{path}"), await client.head(f"/conda/{path}")
            assert (head.status_code, head.content) == (200, b"")
            for name in ("content-length", "content-type", "etag"):
                assert head.headers.get(name) == got.headers.get(name)
        assert (await client.put("/conda/noarch/liba-1.0-0.conda")).status_code == 405


async def test_people_find_the_channel_and_what_is_in_it(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba", about={"summary": "<script>alert(1)</script>"})
    async with served(one) as client:
        assert 'href="conda/"' in (await client.get("/")).text
        page = await client.get("/conda/", headers={"Accept": "text/html"})
        assert (
            f"--channel {client.base_url}/conda PACKAGE".replace("//conda", "/conda") in page.text
        )
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        twin = await client.get("/conda/", headers={"Accept": "application/json"})
        assert twin.json() == (await client.get("/conda/?format=json")).json()
        assert twin.json()["packages"][0]["files"][0]["place"] == "noarch/liba-1.0-0.conda"
        assert (await client.get("/conda/?format=xml")).status_code == 406
        for place, target in (("/conda", "/conda/"), ("/conda/noarch/", "/conda/")):
            moved = await client.get(place)
            assert moved.next_request is not None
            assert moved.next_request.url.path == target


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fetc%2Fpasswd", "noarch/../../x", "noarch/nothing", "x"]
)
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    one = world(tmp_path)
    await one.add("liba")
    async with served(one) as client:
        answer = await client.get(f"/conda/{path}", headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert (
            "in this channel" in answer.json()["message"] or "address" in answer.json()["message"]
        )


async def test_only_what_changed_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world(tmp_path)
    await one.add("liba", subdir="linux-64")
    await one.add("libb")
    rendered = RenderedChannel(one.channel, freshness=0)
    await rendered.state()
    written: list[str] = []
    plain = subdir_pages

    def noted(subdir: str, packages: Any) -> dict[str, bytes]:
        written.append(subdir)
        return plain(subdir, packages)

    monkeypatch.setattr(channel_state, "subdir_pages", noted)
    first = await rendered.state()
    assert written == []
    await one.add("libc")
    second = await rendered.state()
    assert written == ["noarch"]
    assert second.pages["linux-64/repodata.json"] is first.pages["linux-64/repodata.json"]
    assert json.loads(second.pages["noarch/repodata.json"].content)["packages.conda"].keys() == {
        "libb-1.0-0.conda",
        "libc-1.0-0.conda",
    }


async def test_changes_one_by_one_lead_to_what_all_at_once_leads_to(tmp_path: Path) -> None:
    one = world(tmp_path)
    followed = RenderedChannel(one.channel, freshness=0)
    await followed.state()
    for version in ("1.0", "0.9", "1.1"):
        await one.add("liba", version)
        await followed.state()
    await one.add("libb", subdir="linux-64")
    await one.door.remove("liba-1.1-0.conda", "", actor="")
    await followed.state()
    (lost,) = [one for one in await one.packages() if one.name == "libb"]
    await one.channel.withdraw(lost.digest)
    at_once = await RenderedChannel(one.channel).state()
    state = await followed.state()
    assert {k: v.content for k, v in state.pages.items()} == {
        k: v.content for k, v in at_once.pages.items()
    }


async def test_a_snapshot_is_a_channel_of_its_own(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path / "state") as folder:
        one = world(tmp_path)
        await one.add("liba")
        (package,) = await one.packages()
        await folder.channel.enter([package])
        await folder.snapshots.create("stable")
        await folder.channel.remove("noarch", package.filename, "")
        app = IndexServer(
            artifacts=folder.artifacts,
            blobs=one.blobs,
            snapshots=folder.snapshots,
            channel=RenderedChannel(folder.channel),
        )
        async with (
            running(app) as address,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            now = (await client.get("/conda/noarch/repodata.json")).json()
            then = (await client.get("/snapshots/stable/conda/noarch/repodata.json")).json()
            file = await client.get("/snapshots/stable/conda/noarch/liba-1.0-0.conda")
        assert (now["packages.conda"], now["removed"]) == ({}, ["liba-1.0-0.conda"])
        assert list(then["packages.conda"]) == ["liba-1.0-0.conda"]
        assert file.status_code == 200


async def test_bytes_in_a_bucket_are_given_out_by_that(tmp_path: Path) -> None:
    one = world(tmp_path)
    await one.add("liba")

    class Bucket(FolderBlobs):
        def here(self, digest: str) -> Path | None:
            return None

        async def link(self, digest: str) -> str:
            return f"https://bucket.example/{digest}"

    (package,) = await one.packages()
    bucket = dataclasses.replace(one, blobs=Bucket(tmp_path / "blobs"))
    async with served(bucket) as client:
        answer = await client.get("/conda/noarch/liba-1.0-0.conda")
        assert answer.status_code == 302
        assert answer.headers["location"] == f"https://bucket.example/{package.digest}"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_channel_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    from wheelyard.errors import StoreError

    class Away:
        async def changes_since(self, since: int) -> ChannelChanges:
            raise StoreError("the database is away", hint="Wait.")

    app = IndexServer(
        artifacts=MemoryArtifactStore(),
        blobs=world(tmp_path).blobs,
        channel=RenderedChannel(Away()),
    )
    async with (
        running(app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        answer = await client.get("/conda/noarch/repodata.json")
    assert answer.status_code == 503
    assert "the database is away" in answer.text
