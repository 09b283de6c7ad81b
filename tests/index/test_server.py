"""The index over HTTP, asked over a real socket."""

import asyncio
import json
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from index.asking import HTML, JSON, ask
from index.shelf import MemoryArtifacts, RevisedArtifacts, Shelf
from wheelyard.errors import StoreError
from wheelyard.index.server import IndexServer
from wheelyard.index.verify import read_links
from wheelyard.model.artifact import Artifact
from wheelyard.model.release import ProjectName


def test_pages_come_in_the_form_that_was_asked_for(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for path in ("/simple/", "/simple/tiny/"):
            for accept, content_type in {
                "*/*": "text/html; charset=utf-8",
                JSON: JSON,
                HTML: HTML,
                "application/vnd.pypi.simple.latest+json": JSON,
                f"{JSON};q=0.1, {HTML}": HTML,
            }.items():
                for _ in range(2):  # rendered now, and at hand
                    answer = await asked.get(path, headers={"Accept": accept})
                    assert answer.status_code == 200
                    assert answer.headers["content-type"] == content_type
                    assert answer.headers["vary"] == "Accept"
                    assert answer.headers["x-content-type-options"] == "nosniff"

    ask(shelf, body, freshness=60)


def test_a_form_that_nobody_has_is_a_406_that_names_the_others(
    shelf: Shelf, tiny: Artifact
) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for _ in range(2):
            answer = await asked.get("/simple/tiny/", headers={"Accept": "application/xml"})
            assert answer.status_code == 406
            assert JSON in answer.text
        assert (await asked.get("/simple/?format=xml")).status_code == 406

    ask(shelf, body, freshness=60)


def test_the_form_can_be_named_in_the_address(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        answer = await asked.get("/simple/tiny/", params={"format": JSON}, headers={"Accept": HTML})
        assert answer.headers["content-type"] == JSON
        assert answer.json()["name"] == "tiny"

    ask(shelf, body)


def test_a_page_that_did_not_change_is_not_sent_again(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        first = await asked.get("/simple/tiny/", headers={"Accept": JSON})
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            for path in ("/simple/tiny/", "/simple/tiny/?x=y"):
                again = await asked.get(path, headers={"Accept": JSON, "If-None-Match": known})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == tag
        other = await asked.get("/simple/tiny/", headers={"Accept": HTML, "If-None-Match": tag})
        assert other.status_code == 200
        await shelf.publish("tiny", "1.1")
        changed = await asked.get("/simple/tiny/", headers={"Accept": JSON, "If-None-Match": tag})
        assert changed.status_code == 200
        assert len(changed.json()["files"]) == 2

    ask(shelf, body)


@pytest.mark.parametrize("kind", [MemoryArtifacts, RevisedArtifacts])
def test_what_is_published_is_visible_at_once(tmp_path: Path, kind: type[MemoryArtifacts]) -> None:
    shelf = Shelf(tmp_path, kind())

    async def body(asked: httpx.AsyncClient) -> None:
        assert (await asked.get("/simple/tiny/")).status_code == 404
        assert not read_links((await asked.get("/simple/")).content)
        await shelf.publish("tiny", "1.0")
        assert (await asked.get("/simple/tiny/")).status_code == 200
        assert [link.text for link in read_links((await asked.get("/simple/")).content)] == ["tiny"]

    ask(shelf, body)


def test_invalidate_makes_a_fresh_answer_new(shelf: Shelf, tiny: Artifact) -> None:
    async def run() -> None:
        app = IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs, freshness=3600)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as asked:
            before = await asked.get("/simple/tiny/")
            await shelf.publish("tiny", "1.1")
            assert (await asked.get("/simple/tiny/")).content == before.content
            app.invalidate()
            assert (await asked.get("/simple/tiny/")).content != before.content

    asyncio.run(run())


def test_reading_a_page_again_reads_nothing_from_the_store(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        await asked.get("/simple/tiny/")
        reads = shelf.artifacts.reads
        for _ in range(20):
            await asked.get("/simple/tiny/")
        assert shelf.artifacts.reads == reads
        await shelf.publish("other", "1.0")
        await asked.get("/simple/tiny/")
        await asked.get("/simple/tiny/")
        assert shelf.artifacts.reads == reads + 1

    ask(shelf, body)


def test_files_and_their_metadata_have_the_announced_bytes(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        page = await asked.get("/simple/tiny/", headers={"Accept": JSON})
        (file,) = page.json()["files"]
        address = page.url.join(file["url"])
        wheel = await asked.get(address)
        assert wheel.content == await shelf.blobs.read(tiny.digest)
        assert len(wheel.content) == file["size"]
        metadata = await asked.get(f"{address}.metadata")
        assert metadata.content == await shelf.blobs.read(tiny.metadata_digest)
        assert tiny.metadata_digest == f"sha256:{file['core-metadata']['sha256']}"
        for answer in (wheel, metadata):
            assert "immutable" in answer.headers["cache-control"]
            again = await asked.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    ask(shelf, body)


def test_a_part_of_a_file_can_be_asked_for(shelf: Shelf, tiny: Artifact) -> None:
    address = f"/files/{tiny.digest[7:]}/{tiny.filename}"

    async def body(asked: httpx.AsyncClient) -> None:
        whole = await shelf.blobs.read(tiny.digest)
        for wanted, part in {"0-9": whole[:10], "-20": whole[-20:], "5-": whole[5:]}.items():
            answer = await asked.get(address, headers={"Range": f"bytes={wanted}"})
            assert (answer.status_code, answer.content) == (206, part)
        beyond = await asked.get(address, headers={"Range": "bytes=999999-"})
        assert beyond.status_code == 416
        stale = await asked.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
        assert (stale.status_code, stale.content) == (200, whole)

    ask(shelf, body)


def test_head_answers_as_get_without_a_body(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for path in ("/", "/simple/", "/simple/tiny/", f"/files/{tiny.digest[7:]}/{tiny.filename}"):
            for _ in range(2):
                got, head = await asked.get(path), await asked.head(path)
                assert head.content == b""
                assert head.status_code == got.status_code == 200
                del got.headers["date"], head.headers["date"]
                assert head.headers == got.headers

    ask(shelf, body, freshness=60)


def test_the_front_page_says_how_to_install_and_what_there_is(shelf: Shelf) -> None:
    shelf.put("tiny", "1.9")
    shelf.put("tiny", "1.10")

    async def body(asked: httpx.AsyncClient) -> None:
        answer = await asked.get("/")
        assert f"--index-url {str(asked.base_url).rstrip('/')}/simple/ PROJECT" in answer.text
        assert '<a href="simple/tiny/">tiny</a></td><td>1.10</td><td>2</td>' in answer.text
        assert "script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    ask(shelf, body)


def test_a_store_that_cannot_be_read_is_a_503_with_its_hint(shelf: Shelf, tmp_path: Path) -> None:
    class Broken(MemoryArtifacts):
        async def of_project(self, project: ProjectName) -> list[Artifact]:
            raise StoreError("The database is locked", hint="Stop the other run.")

    async def body(asked: httpx.AsyncClient) -> None:
        answer = await asked.get("/simple/tiny/")
        assert answer.status_code == 503
        assert "The database is locked" in answer.text
        assert "Stop the other run." in answer.text

    ask(Shelf(tmp_path, Broken()), body)


def test_bytes_that_are_gone_are_a_503_and_the_rest_goes_on(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        await shelf.blobs.remove(tiny.digest)
        answer = await asked.get(f"/files/{tiny.digest[7:]}/{tiny.filename}")
        assert answer.status_code == 503
        assert (await asked.get("/simple/tiny/")).status_code == 200

    ask(shelf, body)


def test_many_readers_at_once_get_whole_pages(shelf: Shelf) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        async def publish() -> None:
            for number in range(20):
                await shelf.publish("tiny", f"1.{number}")

        async def read() -> None:
            for _ in range(10):
                answer = await asked.get("/simple/tiny/", headers={"Accept": JSON})
                if answer.status_code == 200:
                    page = json.loads(answer.content)
                    assert len(page["files"]) == len(page["versions"])

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(read())
            tasks.create_task(publish())
        last = await asked.get("/simple/tiny/", headers={"Accept": JSON})
        assert len(last.json()["files"]) == 20

    ask(shelf, body)


def test_answers_carry_a_date(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        answer = await asked.get("/simple/tiny/")
        assert parsedate_to_datetime(answer.headers["date"]).tzinfo is not None
        assert "server" not in answer.headers

    ask(shelf, body)
