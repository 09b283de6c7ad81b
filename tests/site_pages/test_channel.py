"""The conda channel on a page, and the way to it."""

from pathlib import Path

import pytest

from site_pages.screen import Screen
from web.place import Place
from wheelyard.testing.conda_packages import conda_package

pytestmark = pytest.mark.anyio
HOSTILE = '<script>alert("x")</script>'
JSON = {"Accept": "application/json"}


async def fill(farm: Place, folder: Path) -> None:
    assert farm.ports.packages is not None
    about = {"summary": HOSTILE, "license": "MIT"}
    paths = [
        conda_package(folder / "noarch", "liba", about=about),
        conda_package(folder / "noarch", "libb", "1!2.0"),
    ]
    await farm.ports.packages.take(paths, actor="ann")
    await farm.ports.packages.remove("noarch/libb-1!2.0-0.conda", HOSTILE, actor="ann")


async def test_what_is_in_the_channel_is_found_from_the_index(
    screen: Screen, farm: Place, tmp_path: Path
) -> None:
    await fill(farm, tmp_path)
    await screen.page.goto("/index")
    await screen.page.get_by_role("link", name="The conda channel").click()
    await screen.page.get_by_role("heading", name="Conda channel").wait_for()
    await screen.page.get_by_text(HOSTILE).first.wait_for()
    await screen.check_here()
    link = screen.page.get_by_role("link", name="noarch/liba-1.0-0.conda")
    assert await link.get_attribute("href") == "noarch/liba-1.0-0.conda"
    assert (await farm.client.get("/conda/noarch/liba-1.0-0.conda")).status_code == 200


async def test_the_twin_says_what_is_there_and_what_was_removed(
    farm: Place, tmp_path: Path
) -> None:
    empty = (await farm.client.get("/conda/", headers=JSON)).json()
    assert (empty["packages"], empty["removed"]) == ([], [])
    await fill(farm, tmp_path)
    said = (await farm.client.get("/conda/", headers=JSON)).json()
    assert said["address"] == f"{farm.client.base_url}/conda".replace("//conda", "/conda")
    assert [one["name"] for one in said["packages"]] == ["liba"]
    assert said["removed"] == [{"place": "noarch/libb-1!2.0-0.conda", "reason": HOSTILE}]
    none = (await farm.client.get("/conda/?name=z", headers=JSON)).json()
    assert (none["name"], none["packages"]) == ("z", [])
