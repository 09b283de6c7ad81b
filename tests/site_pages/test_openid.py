"""Signing in with a real provider of OpenID Connect, a process of its own."""

import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from web.place import Place, open_place
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import Role
from wheelyard.web.identities import OpenIdSettings, parse_roles

pytestmark = pytest.mark.anyio
JSON = {"Accept": "application/json"}
ROLES = parse_roles("ops=operator, admins=administrator")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    claims = '{"sub": "ann", "email": "ann@example.org", "email_verified": true, "groups": ["ops"]}'
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--user-claims", claims],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"http://localhost:{port}"
    assert server.stderr is not None
    for line in server.stderr:
        if "running on" in line.lower():
            break
    yield address
    server.terminate()
    server.wait()
    server.stderr.close()


@pytest.fixture
async def place(tmp_path: Path, issuer: str) -> AsyncIterator[Place]:
    settings = OpenIdSettings(issuer=issuer, client_id="farm", client_secret="secret", roles=ROLES)
    async with open_place(tmp_path, kind="memory", public=True, identities=settings) as opened:
        # The provider is asked by the real time of day.
        opened.clock.advance((datetime.now(UTC) - opened.clock.now()).total_seconds())
        yield opened


async def consent(place: Place, *, start: str = "/sign-in/openid?next=/me") -> str:
    """Go to the provider and agree there; return the address that it sends people back to."""
    sent = await place.client.get(start)
    assert sent.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as browser:
        address = sent.headers["location"]
        assert parse_qs(urlsplit(address).query)["code_challenge_method"] == ["S256"]
        page = await browser.get(address)
        assert page.status_code == 200, page.text
        answer = await browser.post(address, data={"sub": "ann"})
    return str(answer.headers["location"])


async def test_who_the_provider_knows_is_signed_in_with_their_role(place: Place) -> None:
    back = await consent(place)
    answer = await place.client.get(back)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/me"
    me = (await place.client.get("/me", headers=JSON)).json()
    assert me == {"subject": "ann@example.org", "role": "operator"}
    assert (
        "Sign in as you do elsewhere"
        in (await place.client.get("/sign-in", headers={"Accept": "text/html"})).text
    )


async def test_an_answer_counts_in_the_browser_that_asked_only(place: Place) -> None:
    back = await consent(place)
    place.client.cookies.clear()
    assert (await place.client.get(back, headers=JSON)).status_code == 403


async def test_an_answer_to_another_question_is_refused(place: Place) -> None:
    back = await consent(place)
    parts = urlsplit(back)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    other = f"{parts.path}?{urlencode({**query, 'state': 'x'})}"
    assert (await place.client.get(other, headers=JSON)).status_code == 403


async def test_a_code_counts_once(place: Place) -> None:
    back = await consent(place)
    kept = dict(place.client.cookies)
    assert (await place.client.get(back)).status_code == 303
    place.client.cookies.clear()
    place.client.cookies.update(kept)
    assert (await place.client.get(back, headers=JSON)).status_code == 403


async def test_a_provider_that_is_away_is_told(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    settings = OpenIdSettings(issuer="http://localhost:9", client_id="farm")
    async with open_place(tmp_path / "other", kind="memory", identities=settings) as other:
        answer = await other.client.get("/sign-in/openid", headers=JSON)
        assert answer.status_code == 503
        assert "token" in answer.json()["hint"]


def test_roles_come_from_a_claim() -> None:
    settings = OpenIdSettings(issuer="https://id", client_id="farm", roles=ROLES)
    assert settings.role_of({"groups": ["ops", "admins"]}) is Role.ADMINISTRATOR
    assert settings.role_of({"groups": "ops"}) is Role.OPERATOR
    assert settings.role_of({"groups": 7}) is Role.READER
    assert replace(settings, default=None).role_of({}) is None


@pytest.mark.parametrize("text", ["ops", "ops=builder", "=reader", "ops=boss"])
def test_what_gives_nobody_a_role_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        parse_roles(text)


def test_a_file_says_who_people_are() -> None:
    said = {"issuer": "https://id.example.org", "client": "farm", "roles": "ops=operator"}
    settings = OpenIdSettings.of(said)
    assert settings.role_of({"groups": ["ops"]}) is Role.OPERATOR


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ({"isuer": "https://id"}, "issuer"),
        ({"issuer": 7}, "text"),
        ({"issuer": "http://id.example.org", "client": "farm"}, "https"),
        ({"issuer": "https://id.example.org"}, "client"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused(said: dict[str, object], hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenIdSettings.of(said)
    assert hint in caught.value.hint
