"""Pages of an index of 2,000 wheels in 200 projects, asked for by wrk: requests in a processor second of the server.

Beside wheelyard's own server: nginx over the exported folder, simple-repository-server and pypiserver, in the
same run. And two costs that must not grow with the index: a change of one project among very many, and
publishing one more file.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from benchmarks.index_stock import PROJECTS, fill, fill_rows, one_more
from benchmarks.measure import Usage
from benchmarks.report import Aim, Report, Row, judged
from benchmarks.setting import Setting

from wheelyard.index.export import export
from wheelyard.index.rendered import RenderedPages
from wheelyard.index.root import RootPieces
from wheelyard.model.release import ProjectName
from wheelyard.store.folder import StateFolder
from wheelyard.wiring.keeping import open_index

PEERS = ("simple-repository-server", "pypiserver")
HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"
OURS, NGINX = "wheelyard index serve", "nginx, exported folder"
_COMPILE = "uv pip compile, 50 requirements, 1,000,000 files"
_SECONDS = 5
_MANY_PROJECTS = 100_000
_MANY_FILES = 1_000_000
_TICK = os.sysconf("SC_CLK_TCK")
_DONE = re.compile(r"(\d+) requests in")
_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {folder}/body;
    map $http_accept $page {{ default index.html; "~v1\\+json" index.json; }}
    server {{
        listen 127.0.0.1:{port}; root {root};
        types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}
        location /simple/ {{ index $page; }}
    }}
}}
"""


def run(setting: Setting, report: Report) -> None:
    """Measure the servers, and what a change costs."""
    with tempfile.TemporaryDirectory(prefix="index-pages-") as name:
        folder = Path(name)
        asyncio.run(_stock(folder))
        rows = []
        for runner, form, started in _servers(setting, folder):
            if not setting.wants(runner.split(maxsplit=1)[0]):
                continue
            with started() as (address, process):
                usages = tuple(_asked(address, process, form) for _ in range(setting.repeat))
            rows.append(Row(subject=_subject(form), runner=runner, usages=usages))
            rate = 1000 / rows[-1].typical.cpu
            report.say(f"{runner}, {form}: {rate:,.0f} requests in a processor second")
        aims = [
            Aim(subject=_subject(form), runner=OURS, most=0.1, peer=PEERS[0])
            for form in (HTML, JSON)
        ]
        report.publish("index_pages", judged(rows, aims))
        compiled = list(_compiled(setting, folder))
        aims = [Aim(subject=_COMPILE, runner=OURS, most=1.0, peer=NGINX, clock="wall")]
        report.publish("index_pages", judged(compiled, aims))
    changed = changes(setting.repeat)
    limits = [
        Aim(subject=row.subject, runner="wheelyard", most=0.05, clock="wall") for row in changed
    ]
    report.publish("index_pages", judged(changed, limits))


def changes(
    repeat: int, *, projects: int = _MANY_PROJECTS, files: int = _MANY_FILES
) -> Sequence[Row]:
    """Measure what one change costs in an index of so many projects and files."""
    return [
        *_root_page(repeat, projects),
        *asyncio.run(_publishing(repeat, files=files, projects=projects)),
    ]


def _subject(form: str) -> str:
    return f"1000 pages, {'JSON' if form == JSON else 'HTML'}"


async def _stock(folder: Path) -> None:
    await fill(folder / "state")
    async with open_index(folder / "state") as ports:
        await export(ports.artifacts, ports.blobs, folder / "out")
    flat = folder / "flat"
    flat.mkdir()
    for wheel in (folder / "out" / "files").rglob("*.whl"):
        project = flat / wheel.name.partition("-")[0].replace("_", "-")
        project.mkdir(exist_ok=True)
        shutil.copy(wheel, project / wheel.name)


Started = Callable[[], AbstractContextManager[tuple[str, int]]]


def _servers(setting: Setting, folder: Path) -> Iterator[tuple[str, str, Started]]:
    peers = _peers(setting)
    state, out, flat = folder / "state", folder / "out", folder / "flat"
    own = [sys.executable, "-m", "wheelyard", "index", "serve", "--state", str(state)]
    for form in (HTML, JSON):
        yield OURS, form, lambda: _serving(lambda port: [*own, "--port", str(port)])
        yield NGINX, form, lambda: _serving(lambda port: _nginx(folder, out, port))
        yield (
            PEERS[0],
            form,
            lambda: _serving(lambda port: [str(peers / PEERS[0]), "--port", str(port), str(flat)]),
        )
    yield (
        PEERS[1],
        HTML,
        lambda: _serving(
            lambda port: [
                *(str(peers / "pypi-server"), "run", "-p", str(port), "-i", "127.0.0.1"),
                *("--disable-fallback", str(flat)),
            ]
        ),
    )


def _peers(setting: Setting) -> Path:
    folder = setting.cache / "index-peers"
    if not (folder / "bin" / PEERS[0]).exists():
        subprocess.run(["uv", "venv", "--quiet", "--clear", folder], check=True)
        python = folder / "bin" / "python"
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, *PEERS], check=True)
    return folder / "bin"


def _nginx(folder: Path, root: Path, port: int) -> Sequence[str]:
    os.chmod(folder, 0o755)  # noqa: S103, PTH101 - nginx reads as a user of its own
    place = folder / f"nginx-{port}"
    place.mkdir()
    configuration = place / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=place, root=root, port=port))
    return ["nginx", "-c", str(configuration), "-e", str(place / "error.log")]


@contextmanager
def _serving(command: Callable[[int], Sequence[str]]) -> Iterator[tuple[str, int]]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with subprocess.Popen(
        command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until_open(port, process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def _until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended")
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def _compiled(setting: Setting, folder: Path) -> Iterator[Row]:
    """Let uv resolve 50 requirements with an empty cache; the processor seconds are uv's.

    The index has a million more files by then; nginx gives the folder, in which each page is a file of its own.
    """
    fill_rows(folder / "state" / "state.sqlite", files=_MANY_FILES, projects=_MANY_PROJECTS)
    requirements = folder / "requirements.in"
    requirements.write_text("".join(f"project-{number * 4:03}\n" for number in range(50)))
    usages: dict[str, list[Usage]] = {}
    with ExitStack() as stack:
        addresses = {
            runner: stack.enter_context(started())[0]
            for runner, form, started in _servers(setting, folder)
            if runner in {OURS, NGINX} and form == JSON
        }
        # In turns, so that what else the machine does falls on both. The first time reads from the disk.
        for turn in range(10 * setting.repeat + 1):
            # Each is the first of the two as often as the other.
            for runner, address in sorted(addresses.items(), reverse=bool(turn % 2)):
                command = ["uv", "pip", "compile", "--quiet", "--no-cache", "--no-config"]
                command += ["--default-index", f"{address}/simple/", str(requirements)]
                took = _took(command)
                if turn:
                    usages.setdefault(runner, []).append(took)
    for runner, found in usages.items():
        yield Row(subject=_COMPILE, runner=runner, usages=tuple(found))


def _took(command: Sequence[str]) -> Usage:
    """Run a command; what this process did not wait for (the server) does not count."""
    before, began = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after, wall = os.times(), time.monotonic() - began
    cpu = after.children_user + after.children_system
    return Usage(cpu=cpu - before.children_user - before.children_system, wall=wall)


def _asked(address: str, process: int, form: str) -> Usage:
    """Ask for every project in turn for some seconds; return what 1000 requests took the server."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f'local n = 0\nwrk.headers["Accept"] = "{form}"\nrequest = function()\n'
            f"  n = (n + 1) % {PROJECTS}\n"
            '  return wrk.format(nil, string.format("/simple/project-%03d/", n))\nend\n'
        )
        script.flush()
        before, began = _cpu(process), time.monotonic()
        said = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{_SECONDS}s", "-s", script.name, address],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        wall, cpu = time.monotonic() - began, _cpu(process) - before
    if "Non-2xx" in said:
        raise SystemExit(said)
    match = _DONE.search(said)
    assert match is not None, said
    thousands = int(match[1]) / 1000
    return Usage(cpu=cpu / thousands, wall=wall / thousands)


def _cpu(process: int) -> float:
    """Return the processor seconds of a process and of all below it."""
    total, waiting = 0.0, [process]
    while waiting:
        pid = waiting.pop()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICK
        waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return total


def _root_page(repeat: int, projects: int) -> Iterator[Row]:
    names = [ProjectName(f"{chr(97 + n % 26)}{n * 7919 % 676:03}-{n}") for n in range(projects)]
    pieces, usages = RootPieces(sorted(names)), []
    pieces.page()
    for number in range(repeat):
        began, used = time.perf_counter(), time.process_time()
        pieces.change({ProjectName(f"new-{number}"): True})
        pieces.page()
        usages.append(Usage(cpu=time.process_time() - used, wall=time.perf_counter() - began))
    subject = f"root page of {projects:,} projects, one changed"
    yield Row(subject=subject, runner="wheelyard", usages=tuple(usages))


async def _publishing(repeat: int, *, files: int, projects: int) -> list[Row]:
    usages = []
    with tempfile.TemporaryDirectory(prefix="index-files-") as name:
        async with await StateFolder.open(Path(name)) as folder:
            pass
        fill_rows(Path(name) / "state.sqlite", files=files, projects=projects)
        async with await StateFolder.open(Path(name)) as folder:
            pages = RenderedPages(artifacts=folder.artifacts, freshness=0)
            await pages.root()
            for number in range(repeat):
                began, used = time.perf_counter(), time.process_time()
                artifact = await folder.artifacts.publish(one_more(number))
                assert await pages.project(artifact.release.project) is not None
                await pages.root()
                usages.append(
                    Usage(cpu=time.process_time() - used, wall=time.perf_counter() - began)
                )
    subject = f"publishing into {files:,} files, and its pages"
    return [Row(subject=subject, runner="wheelyard", usages=tuple(usages))]
