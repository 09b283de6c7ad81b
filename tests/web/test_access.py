"""Nobody does what their role does not allow, and nobody without a token does anything."""

import asyncio
import re
from dataclasses import replace
from itertools import pairwise

import httpx
import pytest

from store.things import digest_of as digest_of_text
from web.place import Place
from wheelyard.errors import StoreError
from wheelyard.farm_ports import Role, Token
from wheelyard.model.builder import Builder
from wheelyard.protocol.tokens import Credential
from wheelyard.testing.builders import MemoryBuilderStore
from wheelyard.testing.tokens import MemoryTokenStore
from wheelyard.web.access import ANYBODY, at_least
from wheelyard.web.app import WebApp
from wheelyard.web.endpoint import Endpoint
from wheelyard.web.ports import Times

pytestmark = pytest.mark.anyio
OPEN = {
    "GET /healthz",
    "GET /api/openapi.json",
    "GET /static/{mark}/{name}",
    "GET /sign-in",
    "POST /sign-in",
    # What opens it is its signature.
    "POST /api/hooks/github",
    # As open as the index beside it.
    "GET /conda",
    "GET /conda/channeldata.json",
    "GET /conda/{subdir}/{filename}",
}
JSON = {"Accept": "application/json"}
PEOPLE = (Role.READER, Role.REQUESTER, Role.OPERATOR, Role.ADMINISTRATOR)


def address(endpoint: Endpoint) -> str:
    filled = endpoint.path.replace("{digest}", digest_of_text("x"))
    return re.sub(r"\{\w+\}", "nothing", filled)


async def test_what_is_open_to_anybody_is_known(memory_place: Place) -> None:
    found = {one.name for one in memory_place.app.endpoints if one.allowed is ANYBODY}
    assert found == OPEN


async def test_no_route_answers_without_a_token(memory_place: Place) -> None:
    for endpoint in memory_place.app.endpoints:
        if endpoint.name in OPEN:
            continue
        answer = await memory_place.client.request(endpoint.method, address(endpoint), headers=JSON)
        assert answer.status_code == 401, endpoint.name
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_only_what_names_it(memory_place: Place, role: Role) -> None:
    headers = await memory_place.bearer(role)
    for endpoint in memory_place.app.endpoints:
        if endpoint.allowed is ANYBODY or role in endpoint.allowed:
            continue
        answer = await memory_place.client.request(
            endpoint.method, address(endpoint), headers=headers
        )
        assert answer.status_code == 403, (endpoint.name, role)


async def test_every_role_of_people_includes_those_before_it() -> None:
    for lesser, greater in pairwise(PEOPLE):
        assert at_least(greater) < at_least(lesser)
    assert not at_least(Role.READER) & {Role.BUILDER, Role.JOB, Role.ENROLMENT}


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5", "Bearer wy_1_2", "wy"])
async def test_what_is_no_token_is_refused(memory_place: Place, header: str) -> None:
    answer = await memory_place.client.get("/api/jobs", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_token_counts_with_its_own_secret_only(place: Place) -> None:
    credential, _ = await place.mint.make(Role.READER, "ann")
    other = Credential(id=credential.id, secret=Credential.fresh().secret)
    for text, status in ((credential, 200), (other, 401), (Credential.fresh(), 401)):
        answer = await place.client.get("/api/jobs", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == status


async def test_a_revoked_or_old_token_counts_no_more(place: Place) -> None:
    credential, token = await place.mint.make(Role.READER, "ann", seconds=60)
    headers = {"Authorization": f"Bearer {credential}"}
    assert (await place.client.get("/api/jobs", headers=headers)).status_code == 200
    place.clock.advance(61)
    assert (await place.client.get("/api/jobs", headers=headers)).status_code == 401
    lasting, token = await place.mint.make(Role.READER, "ann")
    await place.ports.tokens.revoke(token.id)
    headers = {"Authorization": f"Bearer {lasting}"}
    assert (await place.client.get("/api/jobs", headers=headers)).status_code == 401


async def test_only_digests_of_secrets_are_kept(place: Place) -> None:
    credential, token = await place.mint.make(Role.READER, "ann")
    kept = await place.ports.tokens.get(token.id)
    assert kept is not None
    assert credential.secret not in repr(kept)
    assert credential.secret not in repr(credential)


async def test_an_unknown_address_is_json_too(memory_place: Place) -> None:
    answer = await memory_place.client.get("/api/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "hint"}
    answer = await memory_place.client.delete("/api/jobs")
    assert answer.status_code == 405
    assert set(answer.json()) == {"error", "hint"}


async def test_a_request_id_is_given_back(memory_place: Place) -> None:
    answer = await memory_place.client.get("/healthz", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    answer = await memory_place.client.get("/healthz", headers={"X-Request-ID": "no good"})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_the_index_needs_no_token(memory_place: Place) -> None:
    assert (await memory_place.client.get("/simple/")).status_code == 200


class SlowBuilders(MemoryBuilderStore):
    """A database that is away: it is waited for."""

    async def get(self, name: str) -> Builder | None:
        await asyncio.Event().wait()
        return await super().get(name)


async def test_who_watches_over_the_farm_is_answered_also_while_the_database_is_away(
    memory_place: Place,
) -> None:
    ports = replace(memory_place.ports, builders=SlowBuilders(), times=Times(health=0.02))
    transport = httpx.ASGITransport(app=WebApp(ports))
    async with (
        asyncio.timeout(5),
        httpx.AsyncClient(transport=transport, base_url="http://farm") as client,
    ):
        for _ in range(3):
            answer = await client.get("/healthz")
            assert (answer.status_code, answer.json()) == (503, {"status": "database"})


class LostTokens(MemoryTokenStore):
    """A database that is away."""

    async def get(self, token: str) -> Token | None:
        raise StoreError(f"postgresql://me@10.0.0.1 has no {token}", hint="Start it.")


async def test_who_has_no_token_hears_nothing_of_where_the_database_is(memory_place: Place) -> None:
    transport = httpx.ASGITransport(app=WebApp(replace(memory_place.ports, tokens=LostTokens())))
    headers = await memory_place.bearer(Role.READER)
    async with httpx.AsyncClient(transport=transport, base_url="http://farm") as client:
        answer = await client.get("/api/jobs", headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"] == "the farm's database or bus does not answer"
    assert "10.0.0.1" not in answer.text
