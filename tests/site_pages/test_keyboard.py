"""The site by keyboard alone, and pages that are shown again under somebody's hands."""

import asyncio

import pytest
from playwright.async_api import Page

from site_pages.screen import Screen
from site_pages.test_people_and_machines import signed_in
from site_pages.things import enrolled
from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.model.builder import Mode

pytestmark = pytest.mark.anyio
_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one)
  const label = one.labels && one.labels[0] ? one.labels[0].innerText : ''
  return {
    id: one.id,
    name: (label || one.innerText || one.getAttribute('aria-label') || '').trim(),
    shown: one.matches(':focus-visible') && (
      (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== 'none'),
    inside: one.getBoundingClientRect().width > 0 && one.getBoundingClientRect().top >= 0,
  }
}"""


async def focused(page: Page) -> dict[str, object]:
    found: dict[str, object] = await page.evaluate(_FOCUS)
    return found


async def tab_to(page: Page, name: str, *, most: int = 40) -> None:
    """Press Tab until something of that name has the focus; each stop on the way must be seen."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        at = await focused(page)
        assert at["shown"], f"the focus is not seen on {at}"
        assert at["inside"], f"the focus is outside of the page on {at}"
        if at["name"] == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def test_the_first_stop_skips_to_the_content(screen: Screen, farm: Place) -> None:
    page = screen.page
    await page.goto("/jobs")
    await tab_to(page, "Skip to the content", most=1)
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_every_stop_of_a_page_is_seen_and_links_are_followed(
    screen: Screen, farm: Place
) -> None:
    await farm.submit()
    page = screen.page
    await page.goto("/")
    await tab_to(page, "Queue")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/queue")
    await tab_to(page, "six==1.17.0")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/jobs/*")


async def test_people_sign_in_without_a_mouse(screen: Screen, farm: Place) -> None:
    credential, _ = await farm.mint.make(Role.READER, "ann")
    page = screen.page
    await page.goto("/")
    await tab_to(page, "Sign in")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sign-in**")
    await tab_to(page, "Token")
    await page.keyboard.type(str(credential))
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="ann").wait_for()


async def test_what_somebody_types_stays_while_the_page_is_shown_again(
    screen: Screen, farm: Place
) -> None:
    await enrolled(farm)
    await signed_in(screen, farm, Role.OPERATOR, "/builders/arm-1")
    page = screen.page
    field = page.get_by_label("Reason")
    await field.focus()
    await page.keyboard.type("too wa")
    await farm.ports.builders.set_mode("arm-1", Mode.DRAINING, reason="by somebody else")
    async with asyncio.timeout(20):
        while not await page.locator("#builder .state.draining").count():
            await farm.ports.events.write("builder.drained", "arm-1")
            await page.wait_for_timeout(200)
    await page.keyboard.type("rm")
    assert await field.input_value() == "too warm"
    assert (await focused(page))["name"] == "Reason"


async def test_a_part_that_is_shown_again_takes_the_focus_from_nobody(
    screen: Screen, farm: Place
) -> None:
    await farm.submit()
    page = screen.page
    await page.goto("/queue")
    await tab_to(page, "six==1.17.0")
    await farm.submit("k2" * 8, release="idna==3.10")
    async with asyncio.timeout(20):
        while not await page.get_by_role("link", name="idna==3.10").count():
            await farm.ports.events.write("job.queued", "k2")
            await page.wait_for_timeout(200)
    assert (await focused(page))["name"] == "six==1.17.0"
