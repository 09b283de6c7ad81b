"""The index on pages: what was published, and where a file comes from."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from packaging.tags import Tag

from site_pages.screen import Screen
from site_pages.things import HOSTILE
from web.place import Place
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release
from wheelyard.protocol.attestation import SignedStatement, encode_provenance

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
NAME = "six-1.17.0-py2.py3-none-any.whl"
STATEMENT = b"""{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate":
{"buildDefinition": {"resolvedDependencies": [{"name": "source", "digest": {"sha256": "abc"}},
{"name": "<script>alert('x')</script>", "digest": {}}]},
"runDetails": {"builder": {"id": "urn:wheelyard:builder:arm-1"}, "metadata": {"startedOn": "2026-01-01T12:00:00Z"}}}}"""


async def publish(farm: Place, *, statement: bytes = STATEMENT) -> Artifact:
    signed = SignedStatement(statement=statement, signature=b"s" * 64)
    digest = await farm.ports.blobs.add_bytes(b"a wheel")
    provenance = await farm.ports.blobs.add_bytes(encode_provenance(signed))
    artifact = Artifact(
        filename=NAME,
        digest=digest,
        size=7,
        release=Release.of("six", "1.17.0"),
        tags=frozenset({Tag("py3", "none", "any")}),
        origin=Origin.BUILT,
        requires_dist=(HOSTILE,),
        build_key="k1" * 8,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return await farm.ports.artifacts.publish(replace(artifact, provenance_digest=provenance))


async def test_what_was_published_is_shown_with_where_it_comes_from(
    screen: Screen, farm: Place
) -> None:
    await publish(farm)
    await screen.look("/index", name="index")
    await screen.page.get_by_role("link", name=NAME).click()
    await screen.check_here()
    assert await screen.page.get_by_text("urn:wheelyard:builder:arm-1").first.is_visible()
    assert await screen.page.get_by_text("sha256:abc").first.is_visible()
    page = await farm.client.get(f"/index/six/{NAME}", headers=HTML)
    assert HOSTILE not in page.text


async def test_the_twin_says_the_same(farm: Place) -> None:
    artifact = await publish(farm)
    twin = (await farm.client.get(f"/index/six/{NAME}", headers=JSON)).json()
    assert twin["digest"] == artifact.digest
    assert twin["provenance"]["made_of"][0] == {"name": "source", "digest": "sha256:abc"}
    got = await farm.client.get(twin["address"])
    assert got.content == b"a wheel"


@pytest.mark.parametrize("statement", [b"[]", b'{"predicate": 7}', b"no json", b"{}"])
async def test_a_statement_that_cannot_be_read_harms_no_page(farm: Place, statement: bytes) -> None:
    await publish(farm, statement=statement)
    page = await farm.client.get(f"/index/six/{NAME}", headers=HTML)
    assert page.status_code == 200


async def test_what_is_not_there_is_said(farm: Place) -> None:
    for address in ("/index/six/nothing.whl", "/index/..%2f/x", "/index/nothing/x"):
        assert (await farm.client.get(address, headers=HTML)).status_code == 404
