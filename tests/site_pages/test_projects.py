"""Projects and the matrix, in a browser and as JSON."""

from dataclasses import replace
from typing import Any

import pytest

from site_pages.filled import HOSTILE, TARGETS, Filled, filled
from site_pages.screen import Screen
from site_pages.test_every_page import HTML, JSON, sign_in
from store.things import built, wheel
from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.model.release import Release
from wheelyard.model.request import RequestId
from wheelyard.plan.events import UnitId

pytestmark = pytest.mark.anyio
FIRST = str(TARGETS[0])


async def get(place: Place, address: str) -> Any:
    answer = await place.client.get(address, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(place: Place, address: str) -> list[str]:
    return [row["project"] for row in (await get(place, address))["rows"]]


async def test_a_project_is_readable_everywhere(screen: Screen, farm: Place) -> None:
    await filled(farm)
    await screen.look("/projects/numpy", name="project")
    await screen.page.get_by_text("pip install --index-url").wait_for()
    cell = screen.page.get_by_role("link", name=f"1.10 for {FIRST}: failed, log")
    assert "Python.h not found" in (await cell.get_attribute("title") or "")
    await cell.click()
    await screen.page.wait_for_url("**/jobs/*#log")


async def test_lists_and_matrix_are_readable_everywhere(screen: Screen, farm: Place) -> None:
    await filled(farm)
    await screen.look("/projects", name="projects")
    await screen.look("/matrix", name="matrix")
    await screen.page.get_by_label("only regressions").check()
    await screen.page.get_by_role("button", name="Show").click()
    await screen.page.wait_for_url("**regressed=1")
    shown = screen.page.locator(".matrix tbody th")
    assert await shown.all_inner_texts() == ["numpy"]
    await screen.look("/search?q=s", name="search")


async def test_heads_of_the_matrix_stay_in_sight(screen: Screen, farm: Place) -> None:
    work = await filled(farm)
    for number in range(60):
        await work.submit(f"project-{number:02}==1.0")
    await screen.page.goto("/matrix?limit=100")
    box = screen.page.locator(".matrix")
    head = screen.page.locator(".matrix thead tr:nth-child(2) th").first
    before = await head.bounding_box()
    await box.evaluate("one => { one.scrollTop = 600; one.scrollLeft = 100 }")
    assert await head.is_visible()
    after = await head.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    assert await box.evaluate("one => one.scrollTop") > 300


async def test_the_page_of_a_project_changes_by_itself(screen: Screen, farm: Place) -> None:
    work = await filled(farm)
    await screen.page.goto("/projects/zope-interface")
    await screen.page.get_by_role("link", name=f"6.0 for {TARGETS[2]}: waiting, log").wait_for()
    await farm.ports.queue.lease_next({"any": ()}, "arm-1", owners=["ann"], count=1, seconds=60)
    await farm.ports.events.write("job.leased", "k", actor="arm-1")
    await screen.page.get_by_role("link", name=f"6.0 for {TARGETS[2]}: running, log").wait_for()
    assert work.place is farm


async def test_a_project_says_all_in_json(farm: Place) -> None:
    await filled(farm)
    said = await get(farm, "/projects/NumPy")
    assert said["project"] == "numpy"
    assert said["install"].endswith("/simple/ numpy")
    assert [row["version"] for row in said["releases"]] == ["1.10", "1.9"]
    targets = [one["target"] for one in said["targets"]]
    assert targets == [str(one) for one in TARGETS]
    assert [cell["state"] for cell in said["releases"][0]["cells"]] == ["failed"] + ["built"] * 5
    assert said["newest"][FIRST]["regressed"] is True
    assert said["newest"][FIRST]["built"] == "1.9"
    assert said["system_libraries"] == ["libffi8", "libssl3"]
    assert len(said["files"]) == 11
    file = said["files"][0]
    assert file["url"].startswith(f"/files/{file['digest'].removeprefix('sha256:')}/")
    assert [one["version"] for one in said["build_seconds"]] == ["1.9", "1.10"]
    assert [one["version"] for one in said["sizes"]] == ["1.9", "1.10"]
    assert said["dependants"] == []


async def test_what_waits_for_a_project_is_said(farm: Place) -> None:
    await filled(farm)
    story = farm.ports.stories.begin(RequestId("r7"))
    waiting = UnitId(Release.parse("scipy==1.12"), TARGETS[0])
    story.dependants = lambda project: [waiting] if project == "numpy" else []
    said = (await get(farm, "/projects/numpy"))["dependants"]
    assert said == [{"release": "scipy==1.12", "target": FIRST, "request": "r7"}]
    assert (await get(farm, "/projects/six"))["dependants"] == []
    story.end()
    assert (await get(farm, "/projects/numpy"))["dependants"] == []


async def test_a_file_of_another_target_covers(farm: Place) -> None:
    work = Filled(farm)
    key = await work.end("six==1.16", built(wheel("six==1.16", "six")), TARGETS[0])
    await work.publish(replace(wheel("six==1.16", "six"), build_key=key))
    await work.submit("six==1.17", TARGETS[1])
    said = await get(farm, "/projects/six")
    older = next(row for row in said["releases"] if row["version"] == "1.16")
    assert [cell["state"] for cell in older["cells"]] == ["built", "covered"]


async def test_the_matrix_is_chosen_and_paged(farm: Place) -> None:
    await filled(farm)
    assert await names(farm, "/matrix") == ["attrs", "numpy", "six", "zope-interface"]
    assert await names(farm, "/matrix?regressed=1") == ["numpy"]
    assert await names(farm, "/matrix?state=timed-out") == ["attrs"]
    assert await names(farm, f"/matrix?target={TARGETS[1]}") == ["attrs", "numpy"]
    assert await names(farm, "/matrix?name=Zope.Inter") == ["zope-interface"]
    page = await get(farm, "/matrix?limit=3")
    assert page["after"] == "?limit=3&after=six"
    assert page["first"] is None
    page = await get(farm, "/matrix?limit=3&after=six")
    assert [row["project"] for row in page["rows"]] == ["zope-interface"]
    assert page["first"] == "?limit=3"
    tallies = {one["target"]: one for one in page["tallies"]}
    assert (tallies[FIRST]["built"], tallies[FIRST]["failed"]) == (1, 1)
    assert tallies[str(TARGETS[1])]["states"] == {"built": 1, "timed-out": 1}


async def test_mine_is_what_i_asked_for(farm: Place) -> None:
    await filled(farm)
    assert (await farm.client.get("/matrix?mine=1", headers=JSON)).status_code == 401
    await sign_in(farm, Role.REQUESTER, "bob")
    assert await names(farm, "/matrix?mine=1") == ["six"]
    page = await farm.client.get("/matrix", headers=HTML)
    assert "only what I asked for" in page.text


async def test_the_list_of_projects_is_filtered_and_paged(farm: Place) -> None:
    await filled(farm)
    page = await get(farm, "/projects?name=N&limit=1")
    assert [one["project"] for one in page["projects"]] == ["numpy"]
    numpy = page["projects"][0]
    assert (numpy["version"], numpy["targets"], numpy["built"]) == ("1.10", 6, 5)
    assert (numpy["failed"], numpy["regressed"]) == (1, 1)
    assert page["after"] == "?name=n&limit=1&after=numpy"


@pytest.mark.parametrize("address", ["/projects/numpy", "/matrix", "/projects", "/", "/reports"])
async def test_markup_of_others_is_text(farm: Place, address: str) -> None:
    await filled(farm)
    page = await farm.client.get(address, headers=HTML)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img src=//evil" not in page.text
    if address == "/projects/numpy":
        assert "&lt;script&gt;alert" in page.text
        assert (await get(farm, address))["summary"] == HOSTILE
        assert "\x1b" not in page.text


@pytest.mark.parametrize(
    "address",
    [
        "/projects/..%2F..%2Fetc",
        "/projects/" + "x" * 5000,
        "/projects/%3Cscript%3E",
        "/projects/-",
        "/projects/no-such-project",
    ],
)
async def test_unknown_projects_are_told_cleanly(farm: Place, address: str) -> None:
    for headers in (HTML, JSON):
        answer = await farm.client.get(address, headers=headers)
        assert answer.status_code == 404
        assert headers is JSON or "<script>" not in answer.text
        assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("name=%00", 400),
        ("name=" + "x" * 3000, 422),
        ("state=%22%3E%3Cscript%3E", 200),
        ("target=';DROP TABLE cells;--", 200),
        ("limit=0", 200),
        ("limit=-1", 422),
        ("limit=99999999999999999999", 422),
        ("after=%F4%8F%BF%BF", 200),
        ("name=%25_%5C", 200),
    ],
)
async def test_queries_of_any_kind_are_answered_cleanly(
    farm: Place, query: str, status: int
) -> None:
    for page in ("/matrix", "/projects"):
        for headers in (HTML, JSON):
            answer = await farm.client.get(f"{page}?{query}", headers=headers)
            assert answer.status_code == status, (page, answer.text[-500:])
            assert headers is JSON or "<script>" not in answer.text


async def test_search_finds_and_ranks(farm: Place) -> None:
    await filled(farm)
    assert (await get(farm, "/search?q=S"))["projects"] == ["six", "attrs"]
