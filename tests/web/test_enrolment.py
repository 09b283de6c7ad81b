"""A builder joins once with a code, and is what it was enrolled as."""

import pytest

from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.model.builder import Mode, Tier
from wheelyard.protocol.messages import VERSION

pytestmark = pytest.mark.anyio


def wanted(name: str = "arm-1", version: int = VERSION) -> dict[str, object]:
    return {"name": name, "version": version, "wheelyard": "0.1.0", "unknown": 1}


async def enrol(
    place: Place, headers: dict[str, str], body: dict[str, object]
) -> tuple[int, dict[str, object]]:
    answer = await place.client.post("/api/builders/enrol", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_a_builder_joins_with_a_code(place: Place) -> None:
    code = await place.bearer(Role.ENROLMENT, "bob", tier=Tier.STRANGER)
    status, said = await enrol(place, code, wanted())
    assert status == 201
    assert (said["name"], said["tier"], said["bus"]) == ("arm-1", "stranger", {"kind": "http"})
    builder = await place.ports.builders.get("arm-1")
    assert builder is not None
    assert (builder.owner, builder.tier) == ("bob", Tier.STRANGER)
    headers = {"Authorization": f"Bearer {said.pop('token')}"}
    again = await place.client.get("/api/builders/me", headers=headers)
    assert again.json() == said


async def test_a_code_counts_once(place: Place) -> None:
    code = await place.bearer(Role.ENROLMENT, "bob")
    assert (await enrol(place, code, wanted()))[0] == 201
    assert (await enrol(place, code, wanted("arm-2")))[0] == 401
    assert await place.ports.builders.get("arm-2") is None


async def test_the_name_of_a_living_builder_is_taken_and_the_code_stays_good(place: Place) -> None:
    await place.builder("arm-1")
    code = await place.bearer(Role.ENROLMENT, "bob")
    assert (await enrol(place, code, wanted("arm-1")))[0] == 409
    assert (await enrol(place, code, wanted("arm-2")))[0] == 201


async def test_the_name_of_a_revoked_builder_is_free(place: Place) -> None:
    await place.builder("arm-1")
    await place.ports.builders.set_mode("arm-1", Mode.REVOKED)
    code = await place.bearer(Role.ENROLMENT, "bob")
    assert (await enrol(place, code, wanted("arm-1")))[0] == 201


@pytest.mark.parametrize(
    "name", ["Arm", "-arm", "arm-", "a_b", "../x", "a" * 64, "me", "enrol", "a\x00b"]
)
async def test_what_cannot_be_a_name_is_refused(memory_place: Place, name: str) -> None:
    code = await memory_place.bearer(Role.ENROLMENT, "bob")
    assert (await enrol(memory_place, code, wanted(name)))[0] == 422
    assert (await enrol(memory_place, code, wanted()))[0] == 201


async def test_a_builder_without_a_name_gets_one(memory_place: Place) -> None:
    code = await memory_place.bearer(Role.ENROLMENT, "bob")
    status, said = await enrol(memory_place, code, wanted(""))
    assert status == 201
    assert str(said["name"]).startswith("builder-")


async def test_another_version_is_told_which_one_would_do(memory_place: Place) -> None:
    code = await memory_place.bearer(Role.ENROLMENT, "bob")
    status, said = await enrol(memory_place, code, wanted(version=VERSION + 1))
    assert status == 422
    assert str(VERSION) in str(said["error"])


async def test_a_builder_that_comes_back_in_another_version_is_told_which_one_would_do(
    memory_place: Place,
) -> None:
    headers = await memory_place.builder()
    for version, status in ((VERSION, 200), (VERSION + 1, 422)):
        path = f"/api/builders/me?version={version}"
        answer = await memory_place.client.get(path, headers=headers)
        assert answer.status_code == status
    assert f"version {VERSION + 1} of the protocol" in answer.json()["error"]


async def test_two_at_once_with_one_code_are_one_builder(place: Place) -> None:
    import asyncio

    code = await place.bearer(Role.ENROLMENT, "bob")
    answers = await asyncio.gather(*(enrol(place, code, wanted(f"arm-{n}")) for n in range(5)))
    assert sorted(status for status, _ in answers) == [201, 401, 401, 401, 401]
    living = [one for one in await place.ports.builders.all() if one.mode is not Mode.REVOKED]
    assert len(living) == 1


async def test_a_revoked_builder_is_told_so(place: Place) -> None:
    headers = await place.builder()
    boss = await place.bearer(Role.ADMINISTRATOR)
    assert (await place.client.get("/api/builders/me", headers=headers)).status_code == 200
    answer = await place.client.post("/api/builders/arm-1/revoke", headers=boss)
    assert answer.json()["mode"] == "revoked"
    assert (await place.client.get("/api/builders/me", headers=headers)).status_code == 401
