"""The farm that is rehearsed: its hosts, services, builders and people."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from rehearsal.network import Host, Network
from rehearsal.services import URL, WHEELYARD, Coordinator, Mailbox, Nats, Postgres, Service
from rehearsal.telling import RehearsalError, Teller, wait

LENT = "lent=yes"
_OLDEST_MINOR = 9
NAMES = ("north", "east", "south", "lent-1", "lent-2")
"""The last two are behind the gateway."""
_GIT = (
    "git",
    "-c",
    "user.name=A",
    "-c",
    "user.email=a@example.org",
    "-c",
    "init.defaultBranch=main",
)
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Wanted:
    """What is built: requirements for some of this machine's ``pythons``, which are given with their places."""

    requirements: tuple[str, ...]
    pythons: dict[str, str]
    targets: tuple[str, ...]


class Builder(Service):
    """``wheelyard builder`` on a host, for some Pythons only."""

    def __init__(self, host: Host, folder: Path, pythons: Sequence[str]) -> None:
        super().__init__(host.name, folder)
        self.host = host
        self.pythons = tuple(pythons)
        self._code = folder / f"{host.name}.code"
        self._state = folder / f"state-of-{host.name}"

    def start(self, code: str = "", *, before: str = "") -> None:
        """Start it; with a code it joins. ``before`` is shell that is run in its mounts first."""
        command: list[str | Path] = [WHEELYARD, "builder", "--state", self._state, "--slots", "1"]
        if code:
            self._code.write_text(code)
            command += ["--join", URL, "--token", f"@{self._code}", "--name", self.name]
        for python in self.pythons:
            command += ["--python", python]
        if self.host.translated:
            command += ["--label", LENT]
        prefix = ["sh", "-c", f'{before} && exec "$@"', "sh"] if before else []
        self.run(self.host.command(*prefix, *command))


@dataclass
class World:
    """Everything that there is while the rehearsal goes on."""

    teller: Teller
    folder: Path
    wanted: Wanted
    network: Network
    database: Postgres
    bus: Nats
    coordinator: Coordinator
    mailbox: Mailbox
    laptop: Host
    builders: dict[str, Builder]
    project: Path
    token: str = ""
    _client: httpx.Client | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the farm's HTTP interface as its administrator. Raises RehearsalError."""
        if self._client is None:
            headers = {"Authorization": f"Bearer {self.token}"}
            self._client = httpx.Client(base_url=URL, headers=headers, timeout=60)
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise RehearsalError(f"{method} {path}: {error}") from error
        if answer.is_error:
            raise RehearsalError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def builder(self, name: str) -> dict[str, Any]:
        """Return a builder as the farm sees it."""
        found: dict[str, Any] = self.ask("GET", f"/api/builders/{name}")
        return found

    def busy(self) -> dict[str, tuple[str, int]]:
        """Return the builders that run a job, with its key and fence."""
        listed = self.ask("GET", "/api/builders")["builders"]
        return {
            one["name"]: (one["running"][0]["key"], one["running"][0]["fence"])
            for one in listed
            if one["running"]
        }

    def events(self) -> list[dict[str, Any]]:
        """Return the whole event log."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["id"] if found else 0
            page = self.ask("GET", f"/api/events?after={after}&limit=1000")["events"]
            if not page:
                return found
            found += page

    def wheelyard(self, *words: str | Path, token: str = "") -> str:
        """Run a command of wheelyard on somebody's laptop, and return what it printed. Raises RehearsalError."""
        self.teller.say(f"$ wheelyard {' '.join(map(str, words))}")
        done = subprocess.run(
            self.laptop.command(WHEELYARD, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.as_user(token),
            check=False,
        )
        if done.returncode:
            told = (done.stderr or done.stdout).strip()[-400:]
            raise RehearsalError(f"'wheelyard {words[0]}' ended with {done.returncode}: {told}")
        return done.stdout

    def as_user(self, token: str = "") -> dict[str, str]:
        """Return the environment of somebody on the laptop."""
        own = {key: text for key, text in os.environ.items() if not key.startswith("WHEELYARD")}
        return own | {"WHEELYARD_FARM": URL, "WHEELYARD_TOKEN": token or self.token}

    def command(self, line: str, *, needs: str = "", **options: str) -> str:
        """Ask for a command on the example's tree, and return the request."""
        asked = {
            "repository": self.project.as_uri(),
            "line": line,
            "artifacts": ["dist"],
            "options": sorted(options.items()),
            "needs": needs,
            "name": "rehearsed",
        }
        return str(self.ask("POST", "/api/requests", {"kind": "command", "asked": asked})["id"])

    def request(self, name: str) -> dict[str, Any]:
        """Return a request."""
        found: dict[str, Any] = self.ask("GET", f"/api/requests/{name}")
        return found

    def end_of(self, name: str, *, seconds: float = 240) -> str:
        """Wait for the end of a request and return its state."""
        wait(lambda: self.request(name)["state"] != "open", f"request {name} ends", seconds=seconds)
        return str(self.request(name)["state"])

    def close(self) -> None:
        """End everything that runs."""
        if self._client is not None:
            self._client.close()
        services = (*self.builders.values(), self.coordinator, self.bus, self.database)
        for service in services:
            if service.alive:
                # SIGTERM to all first: none has to wait for another one.
                assert service.process is not None
                service.process.terminate()
        for service in services:
            if service.process is not None:
                service.end(seconds=20)
        self.mailbox.end()


def open_world(folder: Path, wanted: Wanted, teller: Teller, network: Network) -> World:
    """Make the hosts and all that will run on them; nothing is started yet but the mail server."""
    network.open()
    database = Postgres(network.host("database"), folder)
    bus = Nats(network.host("bus"), folder)
    laptop = network.host("laptop")
    builders = {}
    for number, name in enumerate(NAMES):
        host = network.host(name, translated=name.startswith("lent"))
        found = tuple(wanted.pythons)
        own = dict.fromkeys((found[number % len(found)], found[(number + 1) % len(found)]))
        builders[name] = Builder(host, folder, tuple(own))
    mailbox = Mailbox()
    mailbox.start()
    return World(
        teller=teller,
        folder=folder,
        wanted=wanted,
        network=network,
        database=database,
        bus=bus,
        coordinator=Coordinator(folder, database, bus),
        mailbox=mailbox,
        laptop=laptop,
        builders=builders,
        project=_project(folder / "project"),
    )


def pythons_of_this_machine() -> dict[str, str]:
    """Return the stable Pythons here that can build, five at most, from the oldest to the newest."""
    said = subprocess.check_output([WHEELYARD, "target", "list", "--json"])
    found: dict[str, str] = {}
    for row in json.loads(said)["targets"]:
        name = row["target"].partition("-")[0]
        minor = name.removeprefix("cp3")
        usable = (
            row["executable"] and not row["missing"] and row["version"].replace(".", "").isdigit()
        )
        if usable and minor.isdigit() and int(minor) >= _OLDEST_MINOR:
            found[name] = row["executable"]
    if not found:
        raise RehearsalError(
            "no Python here can build; 'wheelyard target list' says what each lacks"
        )
    return dict(list(found.items())[-5:])


def _project(folder: Path) -> Path:
    """Make a repository of the example, with ten revisions."""
    shutil.copytree(_ROOT / "examples" / "c-project", folder)
    subprocess.run([*_GIT, "init", "-q"], cwd=folder, check=True)
    for number in range(1, 11):
        (folder / "NEWS").write_text(f"revision {number}\n")
        subprocess.run([*_GIT, "add", "-A"], cwd=folder, check=True)
        subprocess.run([*_GIT, "commit", "-qm", f"revision {number}"], cwd=folder, check=True)
    return folder
