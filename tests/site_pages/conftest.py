"""A public farm with something in it, and the system's own browser to look at it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from site_pages.screen import Screen
from web.place import Place, open_place

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None
)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Place]:
    """A public farm on SQLite, with its live streams running."""
    async with open_place(tmp_path, kind="sqlite", public=True) as opened:
        running = asyncio.ensure_future(opened.app.run())
        yield opened
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium: scripts/setup.py installs it")
        pytest.skip("there is no chromium here")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        await opened.close()


@pytest.fixture
async def screen(farm: Place, browser: Browser, tmp_path: Path) -> AsyncIterator[Screen]:
    """A window on the farm; what a page asks of other hosts, or says on its console, fails the test."""
    page: Page = await browser.new_page(base_url=str(farm.client.base_url))
    opened = Screen(page=page, shots=tmp_path)
    opened.watch()
    yield opened
    assert opened.complaints == []
    await page.close()


@pytest.fixture
async def memory_place(tmp_path: Path) -> AsyncIterator[Place]:
    """A private farm."""
    async with open_place(tmp_path, kind="memory") as opened:
        yield opened
