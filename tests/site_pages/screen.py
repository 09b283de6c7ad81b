"""What tests do in a browser: look at a page in every way that people look at it."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import ConsoleMessage, Page, Request

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
_AXE = Path(AXE_FILE_PATH).read_text("utf-8")


@dataclass(kw_only=True)
class Screen:
    """A window. ``complaints`` is what must not be: errors on the console, requests to other hosts."""

    page: Page
    shots: Path
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Listen to what the page says and asks for."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._request)

    async def look(self, address: str, *, name: str = "") -> None:
        """Open a page, and hold it to what every page promises, on a phone and on a desk, dark and light."""
        for size, width in (("desktop", DESKTOP), ("phone", PHONE)):
            await self.page.set_viewport_size(width)  # type: ignore[arg-type]
            scheme = "dark" if size == "phone" else "light"
            await self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await self.page.goto(address)
            await self.check_here()
            await self._keep(f"{name or re.sub(r'[^a-z0-9]+', '-', address).strip('-')}-{size}.png")

    async def check_here(self) -> None:
        """Hold the page that is open to what every page promises."""
        found = await self._axe()
        assert found == [], found
        too_wide = await self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
        )
        assert not too_wide, "the page scrolls sideways"
        assert await self.page.locator("h1").count() == 1

    async def _axe(self) -> list[str]:
        # Not by a script element, which the site's content security policy refuses, as it should.
        await self.page.evaluate(_AXE)
        answer: dict[str, Any] = await self.page.evaluate("axe.run()")
        return [
            f"{one['id']}: {one['help']}: {node['html'][:160]}"
            for one in answer["violations"]
            for node in one["nodes"]
        ]

    async def _keep(self, name: str) -> None:
        kept = Path(os.environ.get("WHEELYARD_SCREENSHOTS", self.shots))
        kept.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=kept / name, full_page=True)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(
            one in message.text for one in self.forgiven
        ):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in {"127.0.0.1", None}:
            self.complaints.append(f"asked {host}: {request.url}")
