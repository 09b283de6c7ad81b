"""The first page, in a browser."""

import pytest

from site_pages.screen import Screen
from web.place import Place

pytestmark = pytest.mark.anyio


async def test_home_is_readable_everywhere(screen: Screen, farm: Place) -> None:
    await farm.leased()
    await screen.look("/", name="home")
    assert await screen.page.get_by_role("link", name="six==1.17.0").is_visible()


async def test_home_shows_by_itself_what_begins_to_run(screen: Screen, farm: Place) -> None:
    await screen.page.goto("/")
    await screen.page.get_by_text("Nothing runs.").wait_for()
    await farm.leased()
    await farm.ports.events.write("job.leased", "k1" * 8, actor="arm-1")
    await screen.page.get_by_role("link", name="six==1.17.0").wait_for()


async def test_search_finds_as_one_types(screen: Screen, farm: Place) -> None:
    await screen.page.goto("/")
    await screen.page.keyboard.press("/")
    await screen.page.keyboard.type("si")
    await screen.page.locator("#found", has_text="No project is called so.").wait_for()
    await screen.page.keyboard.press("Enter")
    await screen.page.wait_for_url("**/search?q=si")


async def test_home_works_without_scripts(farm: Place) -> None:
    await farm.leased()
    answer = await farm.client.get("/", headers={"Accept": "text/html"})
    assert "six==1.17.0" in answer.text
