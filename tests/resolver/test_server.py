"""The candidate server between its views and the outside."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from resolver.asking import query
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.candidate_server import CandidateServer, Mount
from wheelyard.upstream.candidates import Selections
from wheelyard.upstream.view import CandidateView


def serve(
    upstream: MemoryUpstream, use: Callable[[Mount, httpx.AsyncClient], Awaitable[None]]
) -> None:
    async def go() -> None:
        server = CandidateServer()
        view = CandidateView(upstream=upstream, query=query("a"), extra={}, selections=Selections())
        async with httpx.AsyncClient(trust_env=False) as client:
            async with server.mount(view) as mount:
                await use(mount, client)
            gone = await client.get(f"{mount.url}a/")
            assert gone.status_code == httpx.codes.NOT_FOUND
        await server.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", httpx.URL(mount.url).port)

    asyncio.run(go())


def test_a_view_shows_one_wheel_a_release_and_is_gone_after_its_query(
    upstream: MemoryUpstream,
) -> None:
    upstream.add(
        "a==1", "b; sys_platform == 'win32'", "c>1; python_version > '3'", wheels=("py3-none-any",)
    )

    async def use(mount: Mount, client: httpx.AsyncClient) -> None:
        page = (await client.get(f"{mount.url}a/")).json()
        assert [file["filename"] for file in page["files"]] == ["a-1-py2.py3-none-any.whl"]
        url = f"{mount.url}a/{page['files'][0]['url']}.metadata"
        assert "Requires-Dist: c>1\n" in (await client.get(url)).text
        assert "win32" not in (await client.get(url)).text

    serve(upstream, use)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "b/",
        "a/a-2-py2.py3-none-any.whl.metadata",
        "a/index.html",
        "a/%00",
        "a/../../etc/passwd",
        "%ff/",
    ],
)
def test_what_is_not_in_the_view_is_not_found(upstream: MemoryUpstream, path: str) -> None:
    upstream.add("a==1")

    async def use(mount: Mount, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{mount.url}{path}")
        assert response.status_code == httpx.codes.NOT_FOUND

    serve(upstream, use)


def test_nothing_but_reading_is_allowed(upstream: MemoryUpstream) -> None:
    async def use(mount: Mount, client: httpx.AsyncClient) -> None:
        response = await client.request("DELETE", f"{mount.url}a/")
        assert response.status_code == httpx.codes.METHOD_NOT_ALLOWED

    serve(upstream, use)


def test_other_users_of_the_machine_cannot_guess_a_view(upstream: MemoryUpstream) -> None:
    upstream.add("a==1")

    async def use(mount: Mount, client: httpx.AsyncClient) -> None:
        response = await client.get(str(httpx.URL(mount.url).copy_with(path="/guess/a/")))
        assert response.status_code == httpx.codes.NOT_FOUND

    serve(upstream, use)
    assert not upstream.asked


def test_a_server_that_was_never_used_closes() -> None:
    asyncio.run(CandidateServer().close())
