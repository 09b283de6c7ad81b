"""Pictures of the site for docs/images: a real farm builds a few tiny packages, and a browser looks at it.

Add a page to ``PAGES`` and run ``make screenshots``.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import FAIL, Extension, SdistSpec, write_sdist

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WHEELYARD = Path(sys.executable).parent / "wheelyard"
MOST_BYTES = 1_500_000
COLOURS = 64
PATIENCE = 120.0
SLOW = "import threading; print('compiling a large bed', flush=True); threading.Event().wait(600)"

# Name of the picture, and the page; {failed} and {running} are keys of jobs, {request} that of a request.
PAGES = (
    ("home", "/"),
    ("projects", "/projects"),
    ("project", "/projects/rose"),
    ("matrix", "/matrix"),
    ("jobs", "/jobs"),
    ("job", "/jobs/{failed}"),
    ("queue", "/queue"),
    ("request", "/requests/{request}"),
    ("new-request", "/requests/new"),
    ("builders", "/builders"),
    ("builder", "/builders/shed"),
    ("reports", "/reports"),
    ("sign-in", "/sign-in"),
)
Scheme = Literal["light", "dark"]
DESKTOP, PHONE = (1200, 800), (390, 844)
SHOTS: tuple[tuple[str, tuple[int, int], Scheme], ...] = (
    ("desktop", DESKTOP, "light"),
    ("phone", PHONE, "dark"),
)
HOME_TOO: tuple[tuple[str, tuple[int, int], Scheme], ...] = (
    ("desktop-dark", DESKTOP, "dark"),
    ("phone-light", PHONE, "light"),
)
GARDEN = (
    SdistSpec(name="seed", version="2.1"),
    SdistSpec(name="soil", version="1.4", extension=Extension.OWN_ABI),
    SdistSpec(name="rose", version="1.0", requires=("seed",)),
    SdistSpec(name="rose", version="1.1", requires=("seed", "soil")),
    SdistSpec(name="tulip", version="0.9", requires=("soil",)),
    SdistSpec(name="thistle", version="3.0", during_build=FAIL, requires=("soil",)),
    SdistSpec(name="oak", version="100.0", during_build=SLOW),
    SdistSpec(name="elm", version="70.0", during_build=SLOW),
    SdistSpec(name="pine", version="60.0", during_build=SLOW),
    SdistSpec(name="moss", version="0.2", requires=("lichen",), build_requires=("lichen",)),
    SdistSpec(name="lichen", version="0.3", during_build=SLOW),
    SdistSpec(name="fern", version="5.2", during_build=SLOW),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """A farm that runs."""

    address: str
    token: str
    folder: Path
    client: httpx.Client

    def ask(self, *words: str) -> "subprocess.Popen[bytes]":
        """Ask for a build."""
        command: list[str | Path] = [
            WHEELYARD,
            "build",
            "--farm",
            self.address,
            "--token",
            self.token,
            *words,
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def jobs(self, state: str) -> Sequence[Any]:
        return list(self.client.get("/api/jobs", params={"state": state}).json()["jobs"])

    def job(self, project: str) -> dict[str, Any]:
        found = self.client.get("/api/jobs", params={"project": project}).json()["jobs"]
        return dict(found[0]) if found else {}


@contextmanager
def process(*words: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a command of wheelyard's beside the block."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / "log").open("a") as log:
        begun = subprocess.Popen(
            [WHEELYARD, *words], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    try:
        yield begun
    finally:
        # What it builds has no end of its own: it is not asked to finish that first.
        begun.kill()
        begun.wait(timeout=60)


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            sys.exit(f"screenshots: it takes too long until {what}")
        time.sleep(0.3)


@contextmanager
def farm(folder: Path) -> Iterator[Farm]:
    """Run a farm with a builder of its own, on an index of tiny packages."""
    sdists = folder / "sdists"
    sdists.mkdir()
    index = write_index(folder / "index", [write_sdist(spec, sdists) for spec in GARDEN])
    words = ("--port", "0", "--name", "The garden", "--index", str(index), "--jobs", "2")
    with process("serve", "--state", str(folder / "farm"), *words, folder=folder) as serving:
        assert serving.stdout is not None
        address = serving.stdout.readline().strip()
        token = serving.stdout.readline().split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
            yield Farm(address=address, token=token, folder=folder, client=client)


def grow(one: Farm, stack: ExitStack) -> dict[str, str]:
    """Have something built, something failed, something that runs and something held."""
    for words in (("rose==1.0",), ("rose", "tulip"), ("thistle",)):
        one.ask(*words).wait(timeout=PATIENCE)
    made = one.client.post("/api/tokens", json={"role": "enrolment", "subject": "ann"}).json()
    joining = ("--join", one.address, "--token", made["token"], "--name", "shed", "--slots", "1")
    state = str(one.folder / "shed")
    stack.enter_context(process("builder", *joining, "--state", state, folder=one.folder))
    until(lambda: len(one.client.get("/api/builders").json()["builders"]) > 1, "a builder joins")
    asked = one.ask("oak", "elm", "pine", "moss", "fern")
    stack.callback(asked.terminate)
    until(lambda: len(one.jobs("leased")) >= 3, "three jobs run")  # noqa: PLR2004 - all slots
    waiting = one.jobs("ready")
    if waiting:
        one.client.post(
            f"/api/jobs/{waiting[-1]['key']}/hold", json={"reason": "ask ann before this one"}
        ).raise_for_status()
    requests = one.client.get("/api/requests").json()["requests"]
    return {
        "failed": one.job("thistle")["key"],
        "running": one.jobs("leased")[0]["key"],
        "request": requests[0]["id"],
    }


def keep(picture: bytes, path: Path) -> int:
    """Write a picture with few colours, which pages have; return its size."""
    with Image.open(io.BytesIO(picture)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
    return path.stat().st_size


def look(browser: Browser, one: Farm, names: dict[str, str]) -> int:
    """Take all pictures; return how large they are together."""
    total = 0
    for shot, (width, height), scheme in SHOTS + HOME_TOO:
        context = browser.new_context(
            base_url=one.address,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.request.post("/sign-in", form={"token": one.token, "next": "/"})
        page = context.new_page()
        for name, path in PAGES if (shot, (width, height), scheme) in SHOTS else PAGES[:1]:
            answer = page.goto(path.format(**names))
            assert answer is not None
            assert answer.ok, f"{path}: {answer.status}"
            page.wait_for_timeout(300)
            total += keep(page.screenshot(), IMAGES / f"{name}-{shot}.png")
        context.close()
    return total


def main() -> None:
    """Grow a farm and look at it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("screenshots: there is no chromium; make setup installs it on Debian and Ubuntu")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.glob("*.png"):
        old.unlink()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelyard-garden-")))
        one = stack.enter_context(farm(folder))
        names = grow(one, stack)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        total = look(browser, one, names)
        browser.close()
    print(json.dumps({"pictures": len(list(IMAGES.glob("*.png"))), "bytes": total}))
    if total > MOST_BYTES:
        sys.exit(f"screenshots: {total:,} bytes are more than {MOST_BYTES:,}")


if __name__ == "__main__":
    main()
