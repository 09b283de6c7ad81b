"""The queue, requests and builders on pages."""

import pytest

from site_pages.screen import Screen
from site_pages.test_every_page import sign_in
from site_pages.things import HOSTILE, enrolled, failed
from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.model.builder import Mode
from wheelyard.model.request import RequestState

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


async def signed_in(screen: Screen, farm: Place, role: Role, address: str) -> None:
    """Sign somebody in by the form in the browser, and go on to an address."""
    credential, _ = await farm.mint.make(role, "ann")
    await screen.page.goto(f"/sign-in?next={address}")
    await screen.page.get_by_label("Token").fill(str(credential))
    await screen.page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await screen.page.wait_for_url(f"**{address}")


async def test_the_queue_says_why_each_job_waits(screen: Screen, farm: Place) -> None:
    await farm.submit()
    await screen.look("/queue", name="queue")
    assert await screen.page.get_by_text("no builder is enrolled").first.is_visible()


async def test_an_empty_farm_has_pages(screen: Screen) -> None:
    for address in ("/queue", "/builders", "/requests", "/jobs", "/sign-in"):
        await screen.page.goto(address)
        await screen.check_here()


async def test_a_build_is_asked_for_in_a_form(screen: Screen, farm: Place) -> None:
    await signed_in(screen, farm, Role.REQUESTER, "/requests/new")
    await screen.check_here()
    page = screen.page
    await page.get_by_label("Requirements").fill("flask 'sqlalchemy<2.1'")
    await page.get_by_label("Targets").fill("cp312-manylinux_2_28_x86_64")
    await page.get_by_label("Tell").fill("ann@example.org")
    await page.get_by_role("button", name="Ask for it").click()
    await page.wait_for_url("**/requests/r*")
    await screen.check_here()
    (request,) = await farm.ports.requests.find()
    assert request.owner == "ann"
    assert b"sqlalchemy<2.1" in request.text
    assert list(await farm.ports.requests.waiters(request.id)) == ["mailto:ann@example.org"]
    await page.get_by_role("button", name="Cancel").click()
    await page.locator("#standing .state.cancelled").wait_for()
    (request,) = await farm.ports.requests.find()
    assert request.state is RequestState.CANCELLED


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"targets": "cp312-manylinux_2_28_x86_64"}, "names no requirements"),
        ({"requirements": "six"}, "names no targets"),
        ({"requirements": "'six", "targets": "cp312"}, "cannot be read"),
        (
            {"requirements": "six", "targets": "cp312", "from_source": HOSTILE},
            "cannot be followed",
        ),
        (
            {"requirements": "six", "targets": "cp312", "priority": HOSTILE},
            "the priority is no number",
        ),
    ],
)
async def test_a_wrong_form_is_told_what_is_wrong(
    farm: Place, fields: dict[str, str], said: str
) -> None:
    word = await sign_in(farm, Role.REQUESTER)
    answer = await farm.client.post("/requests", data={"csrf": word, **fields}, headers=HTML)
    assert answer.status_code == 422
    assert said in answer.text
    assert HOSTILE not in answer.text
    assert not await farm.ports.requests.find()


async def test_lists_of_requests_are_filtered(screen: Screen, farm: Place) -> None:
    word = await sign_in(farm, Role.REQUESTER)
    for name in ("six", HOSTILE.replace("'", "")):
        fields = {"csrf": word, "requirements": f"'{name}'", "targets": "cp312-linux_x86_64"}
        await farm.client.post("/requests", data=fields)
    await screen.look("/requests?state=open", name="requests")
    twin = (await farm.client.get("/requests?owner=bob", headers=JSON)).json()
    assert twin["requests"] == []


async def test_builders_are_shown_with_what_they_made(screen: Screen, farm: Place) -> None:
    await enrolled(farm)
    await failed(farm)
    await screen.look("/builders", name="builders")
    await screen.look("/builders/arm-1", name="builder")
    assert await screen.page.get_by_role("link", name="six==1.17.0").is_visible()
    assert await screen.page.get_by_text("0 % of the 1 attempts").is_visible()


async def test_an_operator_pauses_and_resumes_a_builder(screen: Screen, farm: Place) -> None:
    await enrolled(farm)
    await signed_in(screen, farm, Role.OPERATOR, "/builders/arm-1")
    page = screen.page
    await page.get_by_label("Reason").fill("too warm")
    await page.get_by_role("button", name="Pause").click()
    await page.locator("#builder .state.paused").wait_for()
    builder = await farm.ports.builders.get("arm-1")
    assert builder is not None
    assert (builder.mode, builder.reason) == (Mode.PAUSED, "too warm")
    assert await page.get_by_role("button", name="Revoke").count() == 0
    await page.get_by_role("button", name="Resume").click()
    await page.locator("#builder .state.active, #builder .state.absent").wait_for()


async def test_only_administrators_revoke(farm: Place) -> None:
    await enrolled(farm)
    word = await sign_in(farm, Role.OPERATOR)
    answer = await farm.client.post("/builders/arm-1/revoke", data={"csrf": word}, headers=JSON)
    assert answer.status_code == 403


async def test_who_signs_in_comes_back_with_all_that_was_in_the_address(farm: Place) -> None:
    answer = await farm.client.get(
        "/requests/new?requirements=six&targets=cp312", headers={"Accept": "text/html"}
    )
    assert answer.status_code == 401
    assert "Authorization" not in answer.text.partition("Sign in, or")[0]
    assert "next=/requests/new%3Frequirements%3Dsix%26targets%3Dcp312" in answer.text
