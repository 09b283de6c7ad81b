"""Names with anything in them, huge queries and bodies of lies: clean answers, and nothing is run."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from site_pages.test_every_page import sign_in
from store.servers import private_server
from web.place import Place, open_place
from wheelyard.farm_ports import Role
from wheelyard.store.private_server import PrivateServer
from wheelyard.web.endpoint import Endpoint

pytestmark = pytest.mark.anyio
MARKUP = "<script>alert(7)</script>"
TEXTS = {
    "NUL": "%00",
    "a slash": "..%2f..%2fetc%2fpasswd",
    "bytes that are no text": "%ff%fe",
    "half a letter": "%ed%a0%80",
    "an escape that is none": "%zz%",
    "right to left": quote("\u202egnp.exe\u2066\u200f"),
    "markup": quote(MARKUP, safe=""),
    "an attribute": quote("\" onload='alert(7)' x=\""),
    "a template": quote("{{7*191}}${7*191}", safe=""),
    "a statement": quote("' OR 1=1; DROP TABLE jobs;--", safe=""),
    "a pattern": "%25_%2a%5b",
    "lines": "a%0d%0aSet-Cookie:%20x=y",
    "10 kB": "x" * 10_000,
    "a huge number": "9" * 400,
}
# What an answer holds that took a text for more than a text.
RUN = (MARKUP, "onload='", "1337", "root:x:")
OF_DATABASES = {
    name: TEXTS[name]
    for name in ("NUL", "bytes that are no text", "half a letter", "a statement", "a huge number")
}


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    with private_server() as private:
        yield private


@pytest.fixture(params=["sqlite", "postgres"])
async def farm(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    database = ""
    if request.param == "postgres":
        private: PrivateServer = request.getfixturevalue("server")
        name = f"farm_{abs(hash(request.node.name))}"
        with psycopg.connect(private.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        database = private.url(name)
    async with open_place(tmp_path, kind="sqlite", public=True, database=database) as opened:
        yield opened


def addresses(table: tuple[Endpoint, ...], text: str) -> Iterator[str]:
    """Yield every page and stream of text that can be read, with a text in each place that takes one."""
    for one in table:
        if one.method != "GET" or "/bus/" in one.path:
            continue
        parts = re.findall(r"\{\w+\}", one.path)
        path = re.sub(r"\{\w+\}", lambda _: text, one.path)
        if parts:
            yield path
        plain = re.sub(r"\{\w+\}", "k1", one.path)
        for parameter in one.query:
            yield f"{plain}?{parameter.name}={text}"


async def asked(client: httpx.AsyncClient, address: str) -> httpx.Response:
    request = client.build_request("GET", "/", headers={"Accept": "text/html"})
    request.url = request.url.copy_with(raw_path=address.encode())
    async with client.stream("GET", request.url, headers=request.headers) as answer:
        if not answer.headers["content-type"].startswith("text/event-stream"):
            await answer.aread()
        return answer


async def test_no_text_in_an_address_upsets_a_page(
    farm: Place, request: pytest.FixtureRequest
) -> None:
    await sign_in(farm, Role.ADMINISTRATOR)
    await farm.leased()
    wrong = []
    texts = OF_DATABASES if "postgres" in request.node.name else TEXTS
    for text in texts.values():
        for address in addresses(tuple(farm.app.endpoints), text):
            answer = await asked(farm.client, address)
            if answer.status_code >= 500 or "x-request-id" not in answer.headers:
                wrong.append(f"{answer.status_code} {address[:120]}")
            elif not answer.is_stream_consumed:
                continue
            elif "set-cookie" in answer.headers or "Traceback" in answer.text:
                wrong.append(f"leaks: {address[:120]}")
            elif any(one in answer.text for one in RUN):
                wrong.append(f"runs: {address[:120]}")
    assert wrong == []


BODIES = {
    "a NUL": b'{"requirements": ["six\\u0000"], "targets": ["cp312-linux_x86_64"], "subject": "\\u0000"}',
    "depth": b"[" * 60_000,
    "half a letter": b'{"subject": "\\ud800"}',
    "no text": b"\xff\xfe\x00",
    "a huge number": b'{"seconds": 1e999, "priority": 9999999999999999999999}',
    "other kinds": b'{"requirements": 7, "targets": null, "subject": []}',
    "much": b'{"subject": "' + b"x" * 200_000 + b'"}',
}


async def test_bodies_of_lies_are_refused(farm: Place) -> None:
    headers = await farm.bearer(Role.ADMINISTRATOR)
    await farm.leased()
    wrong = []
    for one in farm.app.endpoints:
        if one.method != "POST" or one.page:
            continue
        path = re.sub(r"\{\w+\}", "k1" * 8, one.path)
        for name, body in BODIES.items():
            answer = await farm.client.post(
                path, content=body, headers={**headers, "Content-Type": "application/json"}
            )
            if answer.status_code >= 500:
                wrong.append(f"{answer.status_code} {path} with {name}: {answer.text[:200]}")
    assert wrong == []


async def test_forms_of_lies_are_refused(farm: Place) -> None:
    word = await sign_in(farm, Role.ADMINISTRATOR)
    texts = [quote(MARKUP), "%00", "x" * 60_000, quote("\u202e\u2066"), "9" * 400]
    wrong = []
    for one in farm.app.endpoints:
        if one.method != "POST" or not one.page or one.path == "/sign-out":
            continue
        path = re.sub(r"\{\w+\}", "k1" * 8, one.path)
        for text in texts:
            names = (
                "requirements",
                "targets",
                "by",
                "role",
                "subject",
                "days",
                "reason",
                "project",
            )
            fields = "&".join(f"{name}={text}" for name in names)
            answer = await farm.client.post(
                path,
                content=f"csrf={word}&{fields[:64_000]}",
                headers={
                    "Accept": "text/html",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
            )
            if answer.status_code >= 500 or MARKUP in answer.text:
                wrong.append(f"{answer.status_code} {path} with {text[:20]}")
    assert wrong == []


async def test_a_query_of_a_megabyte_is_refused_and_nobody_else_notices(farm: Place) -> None:
    address = farm.client.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET /search?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: farm\r\n\r\n")
    try:
        line = await reader.readline()
        assert line.split()[1:2] in ([b"400"], [b"414"], [b"431"]), line
    except ConnectionResetError:
        # It was hung up on before all of it was sent.
        pass
    finally:
        writer.close()
    assert (await farm.client.get("/")).status_code == 200
