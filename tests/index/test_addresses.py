"""Addresses that an index redirects, or does not have."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from index.asking import JSON, ask, ask_raw
from index.shelf import Shelf
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.index.verify import read_links
from wheelyard.model.artifact import Artifact


def test_only_published_files_are_served(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        secret = await shelf.blobs.add_bytes(b"a log, a source, a key")
        for path in (
            f"/files/{secret[7:]}/{tiny.filename}",
            f"/files/{secret[7:]}/secret",
            f"/files/{tiny.digest[7:]}/other-1.0-py3-none-any.whl",
            f"/files/{tiny.metadata_digest[7:]}/{tiny.filename}",
        ):
            assert (await asked.get(path)).status_code == 404

    ask(shelf, body)


@pytest.mark.parametrize(
    ("asked_for", "target"),
    [
        ("/simple", "simple/"),
        ("/simple/tiny", "tiny/"),
        ("/simple/Tiny_Package", "tiny-package/"),
        ("/simple/Tiny.Package/", "../tiny-package/"),
        ("/simple/TINY/?format=x", "../tiny/?format=x"),
    ],
)
def test_other_spellings_are_redirected(shelf: Shelf, asked_for: str, target: str) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        answer = await asked.get(asked_for)
        assert (answer.status_code, answer.headers["location"]) == (301, target)

    ask(shelf, body)


def test_a_redirect_leads_to_the_page(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for path in ("/simple/TINY", "/simple/Tiny/", "/simple/tiny"):
            answer = await asked.get(path, follow_redirects=True)
            assert (answer.status_code, answer.url.path) == (200, "/simple/tiny/")

    ask(shelf, body)


def test_an_unknown_project_says_what_to_do(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for_people = await asked.get("/simple/tinny/", headers={"Accept": "text/html,*/*"})
        assert for_people.status_code == 404
        assert "wheelyard build tinny" in for_people.text
        assert "Did you mean &#x27;tiny&#x27;?" in for_people.text
        for_programs = await asked.get("/simple/tinny/", headers={"Accept": JSON})
        assert "wheelyard build tinny" in for_programs.json()["message"]

    ask(shelf, body)


HOSTILE_TARGETS = [
    b"/simple/../../etc/passwd",
    b"/simple/%2e%2e/%2e%2e/etc/passwd",
    b"/simple/..%2f..%2fetc%2fpasswd/",
    b"/simple/tiny%2F",
    b"/simple/tiny%2f/",
    b"/simple%2ftiny/",
    b"/simple/tiny%00/",
    b"/simple//",
    b"/simple/%FF%FE/",
    b"/simple/%3Cscript%3E/",
    b"/simple/" + b"a" * 10_000 + b"/",
    b"/simple/" + b"-" * 10_000 + b"a/",
    b"/files/",
    b"/files/../../etc/passwd",
    b"/files/..%2f..%2fetc/passwd",
    b"/files/" + b"0" * 64 + b"/..%2f..%2fetc%2fpasswd",
    b"/files/" + b"0" * 64 + b"/tiny%00-1.0.whl",
    b"/files/" + b"0" * 64 + b"/" + b"a" * 10_000,
    b"/nothing",
    b"/simple/tiny/index.html",
    b"/.wheelyard/lock",
]


def test_hostile_addresses_are_cleanly_not_found(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        await asked.get("/simple/tiny/")
        for target in HOSTILE_TARGETS:
            status, answer = await ask_raw(str(asked.base_url), target)
            assert status in {400, 404}, target[:100]
            assert b"<script>" not in answer
            assert b"Traceback" not in answer

    ask(shelf, body, freshness=60)


def test_writing_is_refused(shelf: Shelf, tiny: Artifact) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for path in ("/", "/simple/", "/simple/tiny/", f"/files/{tiny.digest[7:]}/{tiny.filename}"):
            answer = await asked.post(path)
            assert answer.status_code == 405
            assert "GET" in answer.headers["allow"]

    ask(shelf, body, freshness=60)


def test_a_hostile_host_is_not_repeated(shelf: Shelf) -> None:
    async def body(asked: httpx.AsyncClient) -> None:
        for host in ("<script>", "[", 'a"b', "x:y:z", ""):
            answer = await asked.get("/", headers={"Host": host})
            assert answer.status_code in {200, 400}
            assert not host or f"//{host}" not in answer.text

    ask(shelf, body)


def test_the_index_works_below_a_prefix(shelf: Shelf, tiny: Artifact) -> None:
    async def run() -> None:
        index = IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs)
        app = Starlette(routes=[Mount("/farm", app=index)])
        async with running(app) as address, httpx.AsyncClient(base_url=address) as asked:
            page = await asked.get("/farm/simple/TINY", follow_redirects=True)
            (link,) = read_links(page.content)
            assert (await asked.get(page.url.join(link.attributes["href"]))).status_code == 200
            assert f"{address}/farm/simple/" in (await asked.get("/farm/")).text

    asyncio.run(run())
