"""The index on pages: what was published, and where a file comes from."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from packaging.tags import Tag

from site_pages.screen import Screen
from site_pages.test_every_page import sign_in
from site_pages.test_people_and_machines import signed_in
from site_pages.things import HOSTILE
from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release
from wheelyard.protocol.attestation import SignedStatement, encode_provenance

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
INDEX = {"Accept": "application/vnd.pypi.simple.v1+json"}
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


async def test_an_operator_yanks_a_file_and_takes_it_back(screen: Screen, farm: Place) -> None:
    await publish(farm)
    await signed_in(screen, farm, Role.OPERATOR, f"/index/six/{NAME}")
    await screen.page.get_by_label("Reason").fill(HOSTILE)
    await screen.page.get_by_role("button", name="Yank", exact=True).click()
    await screen.page.get_by_text("Yanked:").wait_for()
    assert HOSTILE in str((await farm.client.get("/simple/six/", headers=INDEX)).json())
    await screen.check_here()
    await screen.page.get_by_role("button", name="Take the yank back").click()
    await screen.page.get_by_role("button", name="Yank", exact=True).wait_for()
    (file,) = (await farm.client.get("/simple/six/", headers=INDEX)).json()["files"]
    assert not file.get("yanked")


async def test_an_operator_names_snapshots_and_forgets_them(screen: Screen, farm: Place) -> None:
    await publish(farm)
    await signed_in(screen, farm, Role.OPERATOR, "/index")
    for name, source in (("testing", ""), ("stable", "testing")):
        await screen.page.get_by_label("Name", exact=True).fill(name)
        await screen.page.get_by_label("stands for").fill(source)
        await screen.page.get_by_role("button", name="Set", exact=True).click()
        await screen.page.get_by_role("rowheader", name=name).wait_for()
    await screen.check_here()
    await screen.page.get_by_role("button", name="Forget testing").click()
    await screen.page.get_by_role("button", name="Forget testing").wait_for(state="detached")
    named = (await farm.client.get("/index", headers=JSON)).json()["snapshots"]
    assert [one["name"] for one in named] == ["stable"]


@pytest.mark.parametrize(
    ("address", "fields", "status"),
    [
        ("/index/six/nothing.whl/yank", {}, 404),
        (f"/index/six/{NAME}/yank", {"reason": "x" * 501}, 422),
        ("/projects/six/status", {"status": "loved"}, 422),
        ("/projects/nothing/status", {"status": "archived"}, 404),
        ("/index/snapshots", {"name": "../x"}, 422),
        ("/index/snapshots/nothing/remove", {}, 404),
        ("/index/snapshots/nothing/rollback", {}, 409),
    ],
)
async def test_what_cannot_be_decided_is_said(
    farm: Place, address: str, fields: dict[str, str], status: int
) -> None:
    await publish(farm)
    csrf = await sign_in(farm, Role.OPERATOR)
    answer = await farm.client.post(address, data={"csrf": csrf, **fields})
    assert answer.status_code == status, answer.text
