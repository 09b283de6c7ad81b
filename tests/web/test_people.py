"""What people ask of the farm, and what they are shown."""

import asyncio
from typing import Any

import pytest

from web.place import NEEDS, Place, presence
from wheelyard.farm_ports import Role
from wheelyard.jobs.job import State
from wheelyard.model.builder import Mode
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.request import RequestId, RequestState

pytestmark = pytest.mark.anyio
KEY = BuildKey("k1" * 8)
WISH = {"kind": "wheels", "asked": {"requirements": ["six"]}, "notify": ["mailto:a@example.org"]}


async def get(place: Place, path: str, role: Role = Role.READER, **query: str | int) -> Any:
    answer = await place.client.get(path, params=query, headers=await place.bearer(role))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(
    place: Place, path: str, body: object = None, *, role: Role = Role.OPERATOR, who: str = "ann"
) -> tuple[int, Any]:
    headers = await place.bearer(role, who)
    answer = await place.client.post(path, json=body if body is not None else {}, headers=headers)
    return answer.status_code, answer.json()


async def test_the_same_request_is_joined(place: Place) -> None:
    status, first = await post(place, "/api/requests", WISH, role=Role.REQUESTER)
    assert (status, first["owner"], first["state"]) == (201, "ann", "open")
    wish = {**WISH, "notify": ["mailto:b@example.org"]}
    status, second = await post(place, "/api/requests", wish, role=Role.REQUESTER, who="bob")
    assert (status, second["id"]) == (200, first["id"])
    shown = await get(place, f"/api/requests/{first['id']}")
    assert (shown["waiters"], shown["asked"]) == (2, WISH["asked"])
    assert "example.org" not in str(shown)


async def test_requests_come_in_pages(place: Place) -> None:
    for number in range(5):
        wish = {"kind": "wheels", "asked": {"requirements": [f"p{number}"]}}
        await post(place, "/api/requests", wish, role=Role.REQUESTER)
        place.clock.advance(1)
    first = await get(place, "/api/requests", limit=2)
    second = await get(place, "/api/requests", limit=2, offset=first["next"])
    last = await get(place, "/api/requests", limit=2, offset=second["next"])
    ids = [one["id"] for page in (first, second, last) for one in page["requests"]]
    assert ids == ["r5", "r4", "r3", "r2", "r1"]
    assert last["next"] is None
    assert (await get(place, "/api/requests", state="done"))["requests"] == []
    assert (await get(place, "/api/requests", owner="bob"))["requests"] == []


async def test_a_request_is_ended_by_its_owner_or_an_operator(place: Place) -> None:
    _, request = await post(place, "/api/requests", WISH, role=Role.REQUESTER)
    path = f"/api/requests/{request['id']}/cancel"
    assert (await post(place, path, role=Role.REQUESTER, who="bob"))[0] == 403
    assert await post(place, path, role=Role.REQUESTER) == (200, {"changed": True})
    assert await post(place, path, who="bob") == (200, {"changed": False})
    kept = await place.ports.requests.get(RequestId(request["id"]))
    assert kept is not None
    assert kept.state is RequestState.CANCELLED


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "pancakes"},
        {"priority": 1000},
        {"priority": "high"},
        {"notify": ["x\n"]},
        {"notify": ["a"] * 21},
        {"unknown": 1},
    ],
)
async def test_a_request_that_cannot_be_followed_is_refused(
    memory_place: Place, change: dict[str, object]
) -> None:
    status, said = await post(memory_place, "/api/requests", {**WISH, **change})
    assert status == 422
    assert set(said) == {"error", "hint"}


async def test_a_requester_does_not_jump_the_queue(memory_place: Place) -> None:
    wish = {**WISH, "priority": 5}
    assert (await post(memory_place, "/api/requests", wish, role=Role.REQUESTER))[0] == 403
    assert (await post(memory_place, "/api/requests", wish))[0] == 201


async def test_what_is_no_json_or_too_large_is_refused(memory_place: Place) -> None:
    headers = await memory_place.bearer(Role.OPERATOR)
    for content, status in ((b"{", 400), (b"\xff", 400), (b" " * ((1 << 20) + 1), 413)):
        answer = await memory_place.client.post("/api/requests", content=content, headers=headers)
        assert answer.status_code == status


async def test_jobs_are_found_by_what_they_are(place: Place) -> None:
    await place.submit("a" * 16, release="six==1.17.0")
    await place.submit("b" * 16, release="attrs==25.1.0")
    found = await get(place, "/api/jobs", project="Six")
    assert [job["release"] for job in found["jobs"]] == ["six 1.17.0"] or len(found["jobs"]) == 1
    assert len((await get(place, "/api/jobs", state="ready"))["jobs"]) == 2
    assert (await get(place, "/api/jobs", state="held"))["jobs"] == []
    page = await get(place, "/api/jobs", limit=1)
    assert (len(page["jobs"]), page["next"]) == (1, 1)
    headers = await place.bearer(Role.READER)
    for query in ({"state": "x"}, {"target": "nonsense"}, {"limit": "x"}, {"offset": "99999"}):
        answer = await place.client.get("/api/jobs", params=query, headers=headers)
        assert answer.status_code == 422, query


async def test_a_job_says_why_it_waits(place: Place) -> None:
    await place.submit(KEY)
    detail = await get(place, f"/api/jobs/{KEY[:8]}")
    assert detail["why"] == "no builder is enrolled; it needs python=cp312"
    assert (detail["pool"], detail["owner"], detail["requests"]) == (str(NEEDS), "ann", ["r1"])
    await place.builder()
    assert (await get(place, f"/api/jobs/{KEY}"))["why"] == "is next"


async def test_the_queue_has_a_sentence_for_each_job(place: Place) -> None:
    await place.submit("a" * 10)
    await place.submit("b" * 12, release="attrs==25.1.0")
    [pool] = (await get(place, "/api/queue"))["pools"]
    assert (pool["waiting"], pool["running"], pool["owners"]) == (2, 0, ["ann"])
    assert [job["key"] for job in pool["jobs"]] == ["a" * 10, "b" * 12]
    assert all("needs python=cp312" in job["why"] for job in pool["jobs"])
    [pool] = (await get(place, "/api/queue", limit=1))["pools"]
    assert len(pool["jobs"]) == 1


async def test_a_job_that_is_cancelled_is_stopped_where_it_runs(place: Place) -> None:
    await place.builder()
    await place.leased(KEY)
    path = f"/api/jobs/{KEY}/cancel"
    assert await post(place, path, {"reason": "a mistake"}) == (200, {"changed": True})
    assert await post(place, path) == (200, {"changed": False})
    job = await place.jobs.job(KEY)
    assert job is not None
    assert job.state is State.CANCELLED
    order = await anext(place.bus.builder("arm-1").orders())
    assert b'"stop"' in order.content


async def test_a_job_is_held_and_tried_again(place: Place) -> None:
    await place.submit(KEY)
    assert await post(place, f"/api/jobs/{KEY}/hold", {"reason": "wait"}) == (
        200,
        {"changed": True},
    )
    held = await get(place, f"/api/jobs/{KEY}")
    assert (held["job"]["state"], held["job"]["reason"]) == ("held", "wait")
    assert await post(place, f"/api/jobs/{KEY}/retry") == (200, {"changed": True})
    assert (await get(place, f"/api/jobs/{KEY}"))["job"]["state"] == "ready"


async def test_many_jobs_are_tried_again_after_a_look(place: Place) -> None:
    lease = await place.leased(KEY)
    report = Report(outcome=Outcome.FAILED, reason="Python.h not found")
    await place.jobs.finish(lease.key, lease.fence, report)
    wanted = {"filter": {"reason": "python.h"}, "preview": True}
    _, found = await post(place, "/api/jobs/retry", wanted)
    assert [job["key"] for job in found["jobs"]] == [KEY]
    assert (await get(place, f"/api/jobs/{KEY}"))["job"]["state"] == "done"
    wanted["preview"] = False
    await post(place, "/api/jobs/retry", wanted)
    assert (await get(place, f"/api/jobs/{KEY}"))["job"]["state"] == "ready"
    assert (await post(place, "/api/jobs/retry", {"filter": {"color": "red"}}))[0] == 422


async def test_a_boosted_job_comes_first(place: Place) -> None:
    await place.submit("a" * 10)
    await place.submit("b" * 12, release="attrs==25.1.0")
    assert await post(place, f"/api/jobs/{'b' * 12}/boost", {"by": 1}) == (200, {"changed": True})
    [pool] = (await get(place, "/api/queue"))["pools"]
    assert [job["key"] for job in pool["jobs"]] == ["b" * 12, "a" * 10]


@pytest.mark.parametrize("name", ["nothing-here", "..%2Fx", "x" * 300])
async def test_what_is_not_there_is_said(memory_place: Place, name: str) -> None:
    headers = await memory_place.bearer(Role.ADMINISTRATOR)
    for kind in ("jobs", "requests", "builders"):
        answer = await memory_place.client.get(f"/api/{kind}/{name}", headers=headers)
        assert answer.status_code == 404
        assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize(
    ("verb", "mode"), [("pause", Mode.PAUSED), ("drain", Mode.DRAINING), ("resume", Mode.ACTIVE)]
)
async def test_people_decide_about_a_builder_and_twice_is_the_same(
    place: Place, verb: str, mode: Mode
) -> None:
    await place.builder()
    for _ in range(2):
        status, said = await post(place, f"/api/builders/arm-1/{verb}", {"reason": "disk"})
        assert (status, said["mode"]) == (200, mode.value)
    lines = await place.ports.events.read(subject="arm-1")
    assert len(lines) == (0 if mode is Mode.ACTIVE else 1)


async def test_a_builder_is_shown_with_what_it_announced(place: Place) -> None:
    headers = await place.builder()
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(place.app.run())
        answer = await place.client.post("/api/bus/presence", content=presence(), headers=headers)
        assert answer.status_code == 204
        while not place.app.attendance.present():
            await asyncio.sleep(0)
        [shown] = (await get(place, "/api/builders"))["builders"]
        listening.cancel()
    assert (shown["name"], shown["present"], shown["slots"]) == ("arm-1", True, 2)
    assert shown["facts"]["python"] == ["cp311", "cp312"]


async def test_a_token_is_shown_once(place: Place) -> None:
    wanted = {"role": "reader", "subject": "carl", "seconds": 60}
    status, made = await post(place, "/api/tokens", wanted, role=Role.ADMINISTRATOR)
    assert status == 201
    headers = {"Authorization": f"Bearer {made['token']}"}
    mine = (await place.client.get("/api/tokens/mine", headers=headers)).json()
    assert (mine["subject"], mine["id"]) == ("carl", made["id"])
    listed = await get(place, "/api/tokens", Role.ADMINISTRATOR)
    assert made["token"] not in str(listed)
    path = f"/api/tokens/{made['id']}/revoke"
    assert (await post(place, path, role=Role.ADMINISTRATOR))[0] == 200
    assert (await place.client.get("/api/tokens/mine", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "change",
    [{"role": "builder"}, {"role": "job"}, {"subject": ""}, {"subject": "a\nb"}, {"seconds": 0}],
)
async def test_some_tokens_cannot_be_made(memory_place: Place, change: dict[str, object]) -> None:
    wanted = {"role": "reader", "subject": "carl", **change}
    assert (await post(memory_place, "/api/tokens", wanted, role=Role.ADMINISTRATOR))[0] == 422


async def test_the_event_log_is_read_on(place: Place) -> None:
    await place.builder()
    await post(place, "/api/builders/arm-1/pause")
    first = await get(place, "/api/events")
    assert [line["action"] for line in first["events"]] == ["builder.mode"]
    await post(place, "/api/builders/arm-1/resume")
    more = await get(place, "/api/events", after=first["last"])
    assert [line["detail"]["mode"] for line in more["events"]] == ["active"]


async def test_numbers_are_there_for_prometheus(place: Place) -> None:
    await place.submit(KEY)
    answer = await place.client.get("/metrics", headers=await place.bearer(Role.READER))
    assert 'wheelyard_jobs{pool="python=cp312",state="waiting"} 1.0' in answer.text
    again = await place.client.get("/metrics", headers=await place.bearer(Role.READER))
    assert 'endpoint="GET /metrics",status="200"' in again.text


async def test_health_needs_no_token(place: Place) -> None:
    assert (await place.client.get("/healthz")).json() == {"status": "ok"}
