"""How long a line takes from being printed on a builder until it is on an open page.

A real farm, a real builder that joined it over HTTP, a command that prints the time of day line by
line, and a page in chromium that notes when each line is there. All on one machine, so on one clock.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

LINES = 100
EVERY_SECONDS = 0.13
AIM_MS = 300.0
PATIENCE = 90.0
WHEELYARD = Path(sys.executable).parent / "wheelyard"
# The first lines wait for the page to be open.
_PRINT = (
    "import time,threading;wait=threading.Event().wait;wait({head});"
    "[(print('AT',repr(time.time()),flush=True),wait({every})) for _ in range({lines})];"
    "open('done.txt','w').write('done')"
)
_WATCH = """() => {
  window.seen = []
  const log = document.querySelector('[data-follow]')
  const rest = { text: '' }
  new MutationObserver((changes) => {
    const now = Date.now() / 1000
    for (const change of changes) for (const node of change.addedNodes) rest.text += node.textContent
    const lines = rest.text.split('\\n')
    rest.text = lines.pop()
    for (const line of lines) {
      const found = /^AT ([0-9.]+)$/.exec(line)
      if (found) window.seen.push(now - Number(found[1]))
    }
  }).observe(log, { childList: true })
}"""


@contextmanager
def process(*words: str | Path, log: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a command of wheelyard's beside the block."""
    with log.open("a") as stream:
        begun = subprocess.Popen(
            [WHEELYARD, *words], stdout=subprocess.PIPE, stderr=stream, text=True
        )
    try:
        yield begun
    finally:
        begun.terminate()
        begun.wait(timeout=60)


def repository(folder: Path) -> Path:
    """Make a repository with nothing in it to run a command on."""
    folder.mkdir()
    (folder / "README").write_text("nothing\n")
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "Begin")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def running_job(client: httpx.Client) -> str:
    """Wait for a job that runs; return its key."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found: list[dict[str, Any]] = client.get("/api/jobs?state=leased").json()["jobs"]
        if found:
            return str(found[0]["key"])
        time.sleep(0.1)
    sys.exit("log_latency: no job began")


def watched(address: str, key: str, lines: int) -> Sequence[float]:
    """Open a job's page and return how late each line was on it, in seconds."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("log_latency: there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=address)
        page.goto(f"/jobs/{key}")
        page.evaluate(_WATCH)
        # The page is shown anew at the end of the job, so the last lines are not waited for.
        wanted = lines * 9 // 10
        page.wait_for_function("n => window.seen.length >= n", arg=wanted, timeout=PATIENCE * 1000)
        found: list[float] = page.evaluate("window.seen")
        browser.close()
    return found


def measure(folder: Path, lines: int) -> Sequence[float]:
    """Run it all; return the delays in seconds."""
    with ExitStack() as stack:
        log = folder / "log"
        words = ("serve", "--port", "0", "--builders", "0", "--local-repositories", "--offline")
        serving = stack.enter_context(process(*words, "--state", folder / "farm", log=log))
        assert serving.stdout is not None
        address = serving.stdout.readline().strip()
        token = serving.stdout.readline().split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        client = stack.enter_context(httpx.Client(base_url=address, headers=headers))
        made = client.post("/api/tokens", json={"role": "enrolment", "subject": "bench"}).json()
        joining = ("--join", address, "--token", made["token"], "--name", "bench")
        stack.enter_context(process("builder", *joining, "--state", folder / "own", log=log))
        text = _PRINT.format(head=8, every=EVERY_SECONDS, lines=lines)
        asked = ("build", "--farm", address, "--token", token, "--git", repository(folder / "git"))
        command = f'python3 -c "{text}"'
        stack.enter_context(
            process(*asked, "--command", command, "--artifact", "done.txt", log=log)
        )
        return watched(address, running_job(client), lines)


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory(prefix="wheelyard-latency-") as name:
        found = [seconds * 1000 for seconds in measure(Path(name), lines)]
    p95 = statistics.quantiles(found, n=20)[-1]
    said = {
        "lines": len(found),
        "p50_ms": round(statistics.median(found), 1),
        "p95_ms": round(p95, 1),
        "most_ms": round(max(found), 1),
        "aim_ms": AIM_MS,
    }
    print(json.dumps(said, indent=2))


if __name__ == "__main__":
    main()
