"""Jobs on pages: what is shown of them, and what people do to them."""

import pytest

from site_pages.screen import Screen
from site_pages.test_every_page import sign_in
from site_pages.things import HOSTILE, fail, failed
from web.place import Place
from wheelyard.bus_ports import LogPiece
from wheelyard.farm_ports import Role
from wheelyard.jobs.job import State
from wheelyard.model.job import BuildKey

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
KEY = BuildKey("k1" * 8)


async def test_a_failed_job_says_what_is_wrong_first(screen: Screen, farm: Place) -> None:
    key = await failed(farm)
    await screen.look(f"/jobs/{key}", name="job-failed")
    page = screen.page
    assert await page.get_by_text("Python.h not found").first.is_visible()
    assert await page.get_by_text("fatal error: Python.h: No such file").is_visible()
    assert not await page.get_by_text("[wheelyard] unpack").is_visible()


async def test_lists_are_filtered_and_readable(screen: Screen, farm: Place) -> None:
    await failed(farm)
    await farm.submit("k2" * 8, release="attrs==25.1.0")
    await screen.look("/jobs?outcome=failed", name="jobs")
    assert await screen.page.get_by_role("link", name="six==1.17.0").count() == 1
    assert await screen.page.get_by_role("link", name="attrs==25.1.0").count() == 0


async def test_what_a_build_printed_is_text(farm: Place) -> None:
    key = await failed(farm)
    for address in (f"/jobs/{key}", f"/jobs/{key}/attempts/1", "/jobs", "/"):
        page = await farm.client.get(address, headers=HTML)
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "\x1b" not in page.text


async def test_the_twin_says_the_same(farm: Place) -> None:
    key = await failed(farm)
    twin = (await farm.client.get(f"/jobs/{key}", headers=JSON)).json()
    assert twin["state"] == "failed"
    assert twin["attempts"][0]["steps"][1]["name"] == "build"
    assert twin["log"]["sections"][-1]["failed"] is True
    assert twin["attempts"][0]["repeat"] == "pip wheel six==1.17.0"


async def test_a_long_log_opens_at_its_end(farm: Place) -> None:
    lease = await farm.leased()
    await fail(farm, lease, log=b"a line of a log that is long\n" * 200_000 + b"the end\n")
    twin = (await farm.client.get(f"/jobs/{KEY}", headers=JSON)).json()
    assert twin["log"]["left_out"] > 5_000_000
    assert twin["log"]["sections"][-1]["text"].endswith("the end")
    whole = await farm.client.get(f"/jobs/{KEY}/log?attempt=1")
    assert len(whole.content) == 29 * 200_000 + 8


async def test_a_long_log_is_unpacked_once_for_all_who_look_at_its_end(farm: Place) -> None:
    lease = await farm.leased()
    await fail(farm, lease, log=b"a line of a log that is long\n" * 20_000 + b"the end\n")
    first = (await farm.client.get(f"/jobs/{KEY}", headers=JSON)).json()["log"]
    attempt = (await farm.jobs.attempts())[-1]
    assert attempt.report is not None
    packed = farm.ports.blobs.path(attempt.report.log_digest)
    assert packed is not None
    packed.chmod(0o644)
    packed.write_bytes(b"")
    for address in (f"/jobs/{KEY}", f"/jobs/{KEY}/attempts/1"):
        assert (await farm.client.get(address, headers=JSON)).json()["log"] == first


async def test_an_operator_ends_a_job_in_the_browser(screen: Screen, farm: Place) -> None:
    await farm.submit()
    credential, _ = await farm.mint.make(Role.OPERATOR, "ann")
    page = screen.page
    await page.goto(f"/sign-in?next=/jobs/{KEY}")
    await page.get_by_label("Token").fill(str(credential))
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Cancel").click()
    await page.locator("#standing .state.cancelled").wait_for()
    job = await farm.jobs.job(KEY)
    assert job is not None
    assert job.state is State.CANCELLED


async def test_a_reader_changes_nothing(farm: Place) -> None:
    await farm.submit()
    word = await sign_in(farm, Role.READER)
    page = await farm.client.get(f"/jobs/{KEY}", headers=HTML)
    assert "Cancel" not in page.text
    answer = await farm.client.post(f"/jobs/{KEY}/cancel", data={"csrf": word}, headers=JSON)
    assert answer.status_code == 403


async def test_many_are_tried_again_after_a_look(farm: Place) -> None:
    key = await failed(farm)
    word = await sign_in(farm, Role.OPERATOR)
    preview = await farm.client.get("/jobs/retry?outcome=failed", headers=HTML)
    assert "1 job of this choice" in preview.text
    job = await farm.jobs.job(key)
    assert job is not None
    assert job.state is State.DONE
    await farm.client.post("/jobs/retry", data={"csrf": word, "outcome": "failed"})
    job = await farm.jobs.job(key)
    assert job is not None
    assert job.state is State.READY


async def test_a_running_log_is_followed(screen: Screen, farm: Place) -> None:
    lease = await farm.leased()
    end, attempt = farm.bus.builder("arm-1"), f"{lease.key}.{lease.fence}"
    await screen.page.goto(f"/jobs/{lease.key}")
    first = b"compiling one\n"
    await end.write_log(LogPiece(attempt=attempt, start=0, content=first))
    await screen.page.get_by_text("compiling one").wait_for()
    piece = LogPiece(attempt=attempt, start=len(first), content=b"compiling <b>two</b>\n")
    await end.write_log(piece)
    await screen.page.get_by_text("compiling <b>two</b>").wait_for()


@pytest.mark.parametrize("address", ["/jobs/nothing", "/jobs/k1k1k1/attempts/x", "/jobs/..%2f"])
async def test_what_is_not_there_is_said(farm: Place, address: str) -> None:
    answer = await farm.client.get(address, headers=HTML)
    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in answer.text
