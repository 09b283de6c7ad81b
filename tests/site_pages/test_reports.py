"""Reports, compared requests, feeds, badges, and what the first page says is wrong."""

import asyncio
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from site_pages.filled import FAILED, HOSTILE, TARGETS, Filled, filled
from site_pages.screen import Screen
from site_pages.test_every_page import HTML, JSON
from site_pages.test_projects import get
from web.place import FACTS, Place, presence
from wheelyard.farm_ports import Role
from wheelyard.model.builder import Builder
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.request import RequestId

pytestmark = pytest.mark.anyio
ATOM = "{http://www.w3.org/2005/Atom}"


async def test_reports_are_readable_everywhere(screen: Screen, farm: Place) -> None:
    await filled(farm)
    await screen.look("/reports", name="reports")


async def test_what_reports_count(farm: Place) -> None:
    await filled(farm)
    said = await get(farm, "/reports")
    assert len(said["hours"]) == 48
    assert sum(one["built"] for one in said["hours"]) == 12
    assert sum(one["failed"] for one in said["hours"]) == 3
    outcomes = {one["outcome"]: one["attempts"] for one in said["outcomes"]}
    assert outcomes == {"built": 12, "failed": 2, "timed-out": 1}
    assert said["waiting"] == 1
    assert said["ages"][0] == {"age": "less than an hour", "jobs": 1}
    assert said["costs"][0]["project"] == "numpy"
    assert said["costs"][0]["cpu_hours"] == pytest.approx(11 * 40 / 3600, abs=0.001)
    assert [one["project"] for one in said["flaky"]] == ["six"]
    kinds = {one["kind"]: one["files"] for one in said["storage"]}
    assert kinds["built"] == 11
    assert kinds["logs"] == 15


async def compared(farm: Place) -> Filled:
    work = Filled(farm)
    await work.request("ra", "numpy and friends")
    await work.request("rb", f"the same {HOSTILE}")
    await work.build("numpy==1.9", request="ra")
    await work.end("numpy==1.10", FAILED, request="rb")
    await work.end("attrs==1.0", FAILED, request="ra")
    await work.build("attrs==1.1", request="rb")
    key = await work.build("six==1.0", request="ra")
    await farm.ports.queue.submit(*(await again(farm, key, "rb")))
    await work.build("only-a==1.0", request="ra")
    await work.end("only-b==1.0", FAILED, request="rb")
    return work


async def again(farm: Place, key: str, request: str) -> Any:
    queued = await farm.ports.queue.queued(BuildKey(key))
    assert queued is not None
    return queued.offer, replace(queued.terms, request=RequestId(request))


async def test_requests_are_compared_by_release_and_target(farm: Place) -> None:
    await compared(farm)
    said = await get(farm, "/requests/compare?a=ra&b=rb")
    groups = {one["name"]: [pair["project"] for pair in one["pairs"]] for one in said["groups"]}
    assert groups == {
        "newly broken": ["numpy"],
        "fixed": ["attrs"],
        "differs": [],
        "only in A": ["only-a"],
        "only in B": ["only-b"],
        "same": ["six"],
    }
    pair = said["groups"][0]["pairs"][0]
    assert (pair["a"]["version"], pair["a"]["state"]) == ("1.9", "built")
    assert (pair["b"]["version"], pair["b"]["state"]) == ("1.10", "failed")
    assert pair["target"] == str(TARGETS[0])
    assert (await get(farm, "/requests/compare"))["groups"] == []
    assert (
        await farm.client.get("/requests/compare?a=ra&b=nothing", headers=HTML)
    ).status_code == 404


async def test_compared_requests_are_readable_everywhere(screen: Screen, farm: Place) -> None:
    await compared(farm)
    await screen.page.goto("/requests/compare")
    await screen.page.get_by_label("A, the one before").select_option("ra")
    await screen.page.get_by_label("B, the one after").select_option("rb")
    await screen.page.get_by_role("button", name="Compare").click()
    await screen.page.get_by_text("Newly broken (1)").wait_for()
    await screen.look("/requests/compare?a=ra&b=rb", name="compare")


async def feed(farm: Place, name: str) -> Any:
    answer = await farm.client.get(f"/feeds/{name}.atom", headers={"Accept": "*/*"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - it is our own
    for wanted in ("id", "title", "updated"):
        assert root.find(f"{ATOM}{wanted}") is not None
    return root


async def test_feeds_tell_news(farm: Place) -> None:
    await filled(farm)
    failures = await feed(farm, "failures")
    titles = [one.findtext(f"{ATOM}title") for one in failures.iter(f"{ATOM}entry")]
    assert titles == [f"numpy 1.10 failed for {TARGETS[0]}"]
    entry = failures.find(f"{ATOM}entry")
    assert HOSTILE in (entry.findtext(f"{ATOM}summary") or "")
    link = entry.find(f"{ATOM}link").get("href")
    assert (await farm.client.get(link, headers=JSON)).status_code == 200
    assert len(list((await feed(farm, "published")).iter(f"{ATOM}entry"))) == 11
    project = await feed(farm, "projects/numpy")
    entries = list(project.iter(f"{ATOM}entry"))
    assert len(entries) == 12
    assert len({one.findtext(f"{ATOM}id") for one in entries}) == 12
    times = [one.findtext(f"{ATOM}updated") for one in entries]
    assert times == sorted(times, reverse=True)
    assert (await farm.client.get("/feeds/projects/nobody.atom", headers=JSON)).status_code == 404


async def test_a_feed_is_xml_whatever_a_log_says(farm: Place) -> None:
    work = Filled(farm)
    reason = "\x00\x1b[31m\ufffe]]>&\ud7ff\U0010ffff done"
    await work.end("six==1.0", Report(outcome=Outcome.FAILED, reason=reason))
    found = await feed(farm, "failures")
    assert "done" in (found.find(f"{ATOM}entry").findtext(f"{ATOM}summary") or "")


async def badge(farm: Place, name: str) -> tuple[int, str]:
    answer = await farm.client.get(f"/badges/{name}.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    root = ET.fromstring(answer.content)  # noqa: S314 - it is our own
    return answer.status_code, root.get("aria-label", "")


async def test_badges_say_how_a_project_stands(farm: Place) -> None:
    await filled(farm)
    assert await badge(farm, "numpy") == (200, "wheelyard: 5 of 6 targets built")
    assert await badge(farm, "Six") == (200, "wheelyard: 1.17 on 1 targets")
    assert await badge(farm, f"numpy/{TARGETS[0]}") == (200, "wheelyard: 1.10 failed")
    assert await badge(farm, f"numpy/{TARGETS[1]}") == (200, "wheelyard: 1.10 built")
    for unknown in ("nobody", "numpy/cp27-linux_x86_64", "%3Cscript%3E", "numpy/%3Csvg%3E"):
        assert await badge(farm, unknown) == (404, "wheelyard: unknown")


@pytest.mark.parametrize("address", ["/feeds/failures.atom", "/badges/six.svg", "/matrix"])
async def test_a_private_farm_shows_them_to_its_people_only(
    memory_place: Place, address: str
) -> None:
    await Filled(memory_place).submit("six==1.0")
    assert (await memory_place.client.get(address)).status_code == 401
    headers = await memory_place.bearer(Role.READER)
    assert (await memory_place.client.get(address, headers=headers)).status_code == 200


async def test_home_says_what_is_wrong(farm: Place) -> None:
    assert (await get(farm, "/"))["faults"] == [
        "There are no builders: a builder joins with 'wheelyard builder --join'."
    ]
    await farm.ports.builders.add(Builder(name="arm-1", facts=FACTS))
    said = await get(farm, "/")
    assert said["faults"] == ["No builder is here: 1 are known, and none was heard of lately."]
    await farm.bus.builder("arm-1").announce(presence())
    await until_present(farm)
    assert (await get(farm, "/"))["faults"] == []
    work = Filled(farm)
    await work.build("six==1.0")
    await work.submit("six==2.0")
    farm.clock.advance(3 * 86400)
    first, second = (await get(farm, "/"))["faults"]
    assert first.startswith(
        "Jobs wait (1), slots are free (2), and nothing was given out for 3 days"
    )
    assert second == "Nothing was published for 3 days, though there is work."


async def until_present(farm: Place) -> None:
    async with asyncio.timeout(20):
        while not farm.app.attendance.present():
            await asyncio.sleep(0.01)


async def test_home_is_light(screen: Screen, farm: Place) -> None:
    work = Filled(farm)
    for number in range(20):
        await work.end(f"project-{number}==1.0", FAILED, request="r2")
    for number in range(50):
        await work.submit(f"running-{number}==1.0")
    await farm.ports.queue.lease_next({"any": ()}, "arm-1", owners=["ann"], count=50, seconds=600)
    client = await screen.page.context.new_cdp_session(screen.page)
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda one: sizes.append(one["encodedDataLength"]))
    await client.send("Network.enable")
    await screen.page.goto("/", wait_until="load")
    assert len(sizes) >= 6
    assert sum(sizes) < 100_000, sizes


async def test_home_with_much_on_it_is_readable_everywhere(screen: Screen, farm: Place) -> None:
    await filled(farm)
    await screen.look("/", name="home-busy")
    assert await screen.page.locator("svg.stacked").is_visible()
