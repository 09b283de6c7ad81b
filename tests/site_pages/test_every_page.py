"""What holds for every page and form of the site, whatever it shows."""

import re

import httpx
import pytest

from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.web.cookies import COOKIE

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
HOSTILE = '<script>alert("x")</script>'


async def sign_in(place: Place, role: Role, subject: str = "ann") -> str:
    """Sign somebody in by the form; return the field that their forms carry."""
    credential, _ = await place.mint.make(role, subject)
    answer = await place.client.post("/sign-in", data={"token": str(credential), "next": "/me"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/me"
    page = await place.client.get("/me", headers=HTML)
    found = re.search(r'name="csrf" value="([0-9a-f]{40})"', page.text)
    assert found is not None
    return found[1]


async def test_a_page_is_html_or_json_as_it_is_wanted(farm: Place) -> None:
    page = await farm.client.get("/", headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    twin = await farm.client.get("/", headers=JSON)
    assert twin.json()["waiting"] == 0
    assert (await farm.client.get("/?format=json", headers=HTML)).json() == twin.json()
    assert (await farm.client.get("/", headers={"Accept": "image/png"})).status_code == 406
    assert "Accept" in page.headers["vary"]


async def test_a_page_runs_nothing_and_loads_nothing_from_elsewhere(farm: Place) -> None:
    page = await farm.client.get("/", headers=HTML)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    assert "<style" not in page.text
    assert not re.findall(r"<script(?![^>]* src=)", page.text)


async def test_files_are_named_by_their_bytes_and_kept_for_ever(farm: Place) -> None:
    page = await farm.client.get("/", headers=HTML)
    address = re.findall(r'href="(/static/[^"]+/site\.css)"', page.text)[0]
    file = await farm.client.get(address)
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["content-encoding"] == "gzip"
    changed = await farm.client.get(address.replace("/static/", "/static/0"))
    assert changed.status_code == 404


async def test_what_is_refused_is_a_page_for_people(farm: Place) -> None:
    answer = await farm.client.get(f"/jobs-of-nobody/{HOSTILE}", headers=HTML)
    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in answer.text
    assert "<script>" not in answer.text
    assert (await farm.client.get("/me", headers=HTML)).status_code == 401
    assert "error" in (await farm.client.get("/me", headers=JSON)).json()


async def test_markup_in_what_people_send_is_text(farm: Place) -> None:
    answer = await farm.client.get("/search", params={"q": HOSTILE}, headers=HTML)
    assert "&lt;script&gt;" in answer.text
    assert HOSTILE not in answer.text


async def test_signing_in_opens_a_session_that_ends(farm: Place) -> None:
    word = await sign_in(farm, Role.OPERATOR)
    cookie = next(one for one in farm.client.cookies.jar if one.name == COOKIE)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert (await farm.client.get("/me", headers=JSON)).json()["role"] == "operator"
    kept = dict(farm.client.cookies)
    assert (await farm.client.post("/sign-out", data={"csrf": word})).status_code == 303
    farm.client.cookies.clear()
    farm.client.cookies.update(kept)
    assert (await farm.client.get("/me", headers=JSON)).status_code == 401
    assert (await farm.client.get("/", headers=HTML)).status_code == 200


async def test_a_session_ends_by_itself(farm: Place) -> None:
    await sign_in(farm, Role.READER)
    farm.clock.advance(12 * 3600 + 1)
    assert (await farm.client.get("/me", headers=JSON)).status_code == 401


@pytest.mark.parametrize("word", ["", "0" * 40])
async def test_a_form_of_another_site_does_nothing(farm: Place, word: str) -> None:
    await sign_in(farm, Role.READER)
    answer = await farm.client.post("/sign-out", data={"csrf": word})
    assert answer.status_code == 403
    assert (await farm.client.get("/me", headers=JSON)).status_code == 200


async def test_another_site_signs_nobody_in(farm: Place) -> None:
    credential, _ = await farm.mint.make(Role.READER, "mallory")
    answer = await farm.client.post(
        "/sign-in", data={"token": str(credential)}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "target", ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "jobs"]
)
async def test_signing_in_leads_to_no_other_site(farm: Place, target: str) -> None:
    credential, _ = await farm.mint.make(Role.READER, "ann")
    answer = await farm.client.post("/sign-in", data={"token": str(credential), "next": target})
    assert answer.headers["location"] == "/"


async def test_tokens_of_machines_sign_nobody_in(farm: Place) -> None:
    credential, _ = await farm.mint.make(Role.BUILDER, "arm-1")
    answer = await farm.client.post("/sign-in", data={"token": str(credential)}, headers=JSON)
    assert answer.status_code == 403


async def test_a_cookie_counts_on_the_site_only(farm: Place) -> None:
    await sign_in(farm, Role.ADMINISTRATOR)
    answer = await farm.client.post("/api/tokens", json={"role": "reader", "subject": "mallory"})
    assert answer.status_code == 401


async def test_a_body_that_is_no_form_is_refused(farm: Place) -> None:
    for content, kind in ((b"{}", "application/json"), (b"a=%ff", None), (b"x" * 70_000, None)):
        answer = await farm.client.post(
            "/sign-in",
            content=content,
            headers={**JSON, "Content-Type": kind or "application/x-www-form-urlencoded"},
        )
        assert 400 <= answer.status_code < 500
        assert "error" in answer.json()


async def test_a_private_farm_shows_pages_to_its_people_only(memory_place: Place) -> None:
    assert (await memory_place.client.get("/", headers=HTML)).status_code == 401
    headers = await memory_place.bearer(Role.READER)
    answer: httpx.Response = await memory_place.client.get("/", headers={**HTML, **headers})
    assert answer.status_code == 200
