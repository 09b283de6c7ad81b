"""A real farm for measuring: ``wheelyard serve`` with a PostgreSQL and a nats-server of its own, and builders beside it.

All of it is processes on this machine, which end with the block.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from benchmarks.measure import BenchmarkError

from wheelyard.store.private_server import PrivateServer

_TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 180.0
_GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A process with builders: where it notes what it started."""

    process: "subprocess.Popen[str]"
    starts: Path

    def started(self) -> dict[str, float]:
        """Return when each job was started here, in seconds since 1970."""
        lines = self.starts.read_text().splitlines() if self.starts.exists() else []
        return {key: float(at) for key, _, at in map(str.split, lines)}


class MeasuredFarm:
    """A farm that runs. ``pid`` is the coordinator's; ``ask`` speaks with its HTTP interface."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._server = stack.enter_context(PrivateServer(durable=True))
        self.database = self._server.url()
        self.repository = _repository(folder / "project")
        process = self._serve()
        self.pid = process.pid
        assert process.stdout is not None
        address, token = (process.stdout.readline().strip() for _ in range(2))
        if not address.startswith("http"):
            raise BenchmarkError((folder / "farm.log").read_text()[-3000:])
        self.address = address
        self._client = stack.enter_context(
            httpx.Client(
                base_url=address,
                timeout=60,
                headers={"Authorization": f"Bearer {token.removeprefix('token ')}"},
            )
        )

    def _serve(self) -> "subprocess.Popen[str]":
        log = self._stack.enter_context((self.folder / "farm.log").open("w"))
        command = [sys.executable, "-m", "wheelyard", "serve", "--port", "0", "--builders", "0"]
        command += ["--state", str(self.folder / "farm"), "--database", self.database]
        command += ["--bus", f"nats-server://127.0.0.1:{_free_port()}", "--local-repositories"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self._stack.callback(_end, process)
        return process

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the farm. Raises BenchmarkError."""
        response = self._client.request(method, path, json=body)
        if response.is_error:
            raise BenchmarkError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    def builders(
        self, *names: str, slots: int = 1, seconds: float = 0.0, payload: int = 0
    ) -> Fleet:
        """Start one process with builders that do nothing, and wait until they are there."""
        wanted = {"role": "enrolment", "subject": "farm", "tier": "trusted", "seconds": 3600}
        codes = {name: self.ask("POST", "/api/tokens", wanted)["token"] for name in names}
        state = self.folder / f"builders-{names[0]}"
        orders = {"farm": self.address, "codes": codes, "state": str(state), "slots": slots}
        log = self._stack.enter_context((self.folder / f"{names[0]}.log").open("w"))
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.noop_builder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        self._stack.callback(_end, process)
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as stdin:
            stdin.write(json.dumps(orders | {"seconds": seconds, "payload": payload}))
        if not process.stdout.readline():
            raise BenchmarkError((self.folder / f"{names[0]}.log").read_text()[-3000:])
        self.wait(lambda: self._present() >= set(names), "builders come")
        return Fleet(process=process, starts=state / "starts")

    def leave(self, fleet: Fleet) -> None:
        """Let builders go, and wait until they are gone."""
        fleet.process.terminate()
        self.wait(lambda: fleet.process.poll() is not None, "builders leave")

    def _present(self) -> set[str]:
        return {
            one["name"] for one in self.ask("GET", "/api/builders")["builders"] if one["present"]
        }

    def request(self, number: int) -> str:
        """Ask for a command of its own, and return the request."""
        asked = {
            "repository": self.repository.as_uri(),
            "line": "true",
            "artifacts": ["result"],
            "options": [["N", str(number)]],
            "name": "noop",
        }
        return str(self.ask("POST", "/api/requests", {"kind": "command", "asked": asked})["id"])

    def wait_for(self, request: str) -> None:
        """Wait until a request is done. Raises BenchmarkError where it ends otherwise."""

        def ended() -> bool:
            found = self.ask("GET", f"/api/requests/{request}")
            if found["state"] not in {"open", "done"}:
                raise BenchmarkError(f"{request}: {found['state']}: {found['reason']}")
            return bool(found["state"] == "done")

        self.wait(ended, f"request {request} ends")

    def wait(self, so: Any, what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something is so. Raises BenchmarkError."""
        deadline = time.monotonic() + seconds
        while not so():
            if time.monotonic() > deadline:
                raise BenchmarkError(f"waited {seconds:.0f} s in vain until {what}")
            time.sleep(0.02)

    def parts(self) -> Mapping[str, Sequence[int]]:
        """Return the processes of the farm itself, by what they are."""
        nats, postgres = [], []
        for pid, parent, name in _processes():
            if parent == self.pid and name == "nats-server":
                nats.append(pid)
            if name == "postgres" and self._server_owns(pid):
                postgres.append(pid)
        return {"coordinator": [self.pid], "nats-server": nats, "PostgreSQL": postgres}

    def _server_owns(self, pid: int) -> bool:
        folder = self.database.rpartition("host=")[2]
        try:
            return str(Path(f"/proc/{pid}/cwd").readlink()).startswith(folder)
        except OSError:
            return False


@contextmanager
def open_farm(folder: Path) -> Iterator[MeasuredFarm]:
    """Run a farm while the block runs."""
    with ExitStack() as stack:
        yield MeasuredFarm(folder, stack)


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return what processes used of the processor so far, without children; what has ended counts nothing."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory_bytes(pid: int, field: str = "VmRSS") -> int:
    """Return the memory of a process, now or (``VmHWM``) at its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory begin anew (``proc(5)``, clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _processes() -> Iterator[tuple[int, int, str]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        name = text.partition("(")[2].rpartition(")")[0]
        yield int(path.parent.name), int(text.rpartition(")")[2].split()[1]), name


def _repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "README").write_text("Nothing is to be done here.\n")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "begin")):
        subprocess.run([*_GIT, *words], cwd=folder, check=True)
    return folder


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
