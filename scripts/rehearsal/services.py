"""The services of a farm, each a process on a host of its own that can be killed and started again."""

import os
import pwd
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from rehearsal.network import COORDINATOR, Host
from rehearsal.telling import RehearsalError, wait
from wheelyard.bus.server import find_server
from wheelyard.store.private_server import USER, find_binaries

WHEELYARD = Path(sys.executable).parent / "wheelyard"
_HTTP, _BUS, _MAIL = 8080, 4222, 2525
URL = f"http://{COORDINATOR}:{_HTTP}"


class Service:
    """A process with a log."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str | Path], **more: str) -> None:
        """Start it. It gets nothing of a terminal's interrupts."""
        environment = {key: text for key, text in os.environ.items() if "WHEELYARD" not in key}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment | more,
                start_new_session=True,
            )

    def begin(self) -> None:
        """Start it, or start it again."""
        raise NotImplementedError

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self, *, seconds: float = 40) -> int:
        """Ask it to leave, and return its exit code."""
        assert self.process is not None
        if self.alive:
            self.process.terminate()
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.wait()

    def said(self, text: str) -> bool:
        """Whether a text is in its log."""
        return self.log.is_file() and text in self.log.read_text(errors="replace")

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.is_file() else ""


class Postgres(Service):
    """PostgreSQL on a host of its own, durable."""

    def __init__(self, host: Host, folder: Path) -> None:
        super().__init__("postgres", folder)
        self.host = host
        self._binaries = find_binaries()
        self._user = next(one for one in pwd.getpwall() if one.pw_name in {"postgres", "nobody"})
        self._folder = folder / "postgres"
        self._data = self._folder / "data"
        self.url = f"postgresql://{USER}@{host.address}/postgres"

    def prepare(self) -> None:
        """Make the cluster."""
        self._folder.mkdir()
        os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        words = ("-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        done = subprocess.run(
            self._as_user(self._binaries / "initdb", "-D", self._data, *words),
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
        )
        if done.returncode:
            raise RehearsalError(f"initdb failed: {done.stderr[-300:]}")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.213.0.0/16 trust\n")

    def begin(self) -> None:
        """Start it and wait until it answers; after a kill, until what the last one left is gone."""

        def answers() -> bool:
            if not self.alive:
                server = (self._binaries / "postgres", "-D", self._data, "-k", self._folder)
                listen = ("-c", f"listen_addresses={self.host.address}")
                self.run(self.host.command(*self._as_user(*server, *listen)))
                time.sleep(0.5)
            ready = (self._binaries / "pg_isready", "-h", self.host.address)
            return (
                subprocess.run(
                    self.host.command(*ready), stdout=subprocess.DEVNULL, check=False
                ).returncode
                == 0
            )

        wait(answers, "PostgreSQL answers", seconds=60)

    def _as_user(self, *words: str | Path) -> list[str]:
        user = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        return ["setpriv", *user, *map(str, words)]


class Nats(Service):
    """A nats-server as an operator sets it up: with the file of accounts that the farm writes."""

    def __init__(self, host: Host, folder: Path) -> None:
        super().__init__("nats", folder)
        self.host = host
        self._folder = folder / "nats"
        self.accounts = self._folder / "accounts.json"
        self.password = secrets.token_hex(16)
        self.url = f"nats://coordinator:{self.password}@{host.address}:{_BUS}"
        self._watching = threading.Event()

    def prepare(self) -> None:
        """Write its configuration, and see from now on that it reads the accounts when they change."""
        self._folder.mkdir()
        (self._folder / "nats-server.conf").write_text(
            f'listen: "{self.host.address}:{_BUS}"\nserver_name: wheelyard\nmax_payload: 8388608\n'
            f'jetstream {{ store_dir: "{self._folder}/jetstream" }}\ninclude "accounts.json"\n'
        )
        self._watching.set()
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """Start it."""
        configuration = self._folder / "nats-server.conf"
        self.run(self.host.command(find_server(), "--config", configuration))

    def end(self, *, seconds: float = 40) -> int:
        """Stop it and the watching."""
        self._watching.clear()
        return super().end(seconds=seconds)

    def _watch(self) -> None:
        """Do what deploy/wheelyard-nats-reload.path does on a machine with systemd."""
        read = 0.0
        while self._watching.is_set():
            written = self.accounts.stat().st_mtime if self.accounts.exists() else 0.0
            if written != read:
                read = written
                self._load_again()
                time.sleep(1)
                self._load_again()
            time.sleep(0.2)

    def _load_again(self) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(signal.SIGHUP)


class Coordinator(Service):
    """``wheelyard serve`` without builders of its own."""

    def __init__(self, folder: Path, database: Postgres, bus: Nats) -> None:
        super().__init__("coordinator", folder)
        self._command = [
            *(str(WHEELYARD), "serve", "--host", COORDINATOR, "--port", str(_HTTP)),
            *("--builders", "0", "--state", str(folder / "farm"), "--local-repositories"),
            *("--database", database.url, "--bus", bus.url, "--bus-accounts", str(bus.accounts)),
            *("--mail-server", f"mailto://{COORDINATOR}:{_MAIL}?from=farm@example.org&format=text"),
        ]

    def begin(self) -> None:
        """Start it."""
        self.run(self._command)

    def answers(self) -> bool:
        """Whether it answers and its database is there."""
        try:
            return httpx.get(f"{URL}/healthz", timeout=2).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait_until_there(self, seconds: float = 60) -> float:
        """Wait for its first answer."""

        def so() -> bool:
            if not self.alive:
                raise RehearsalError(f"the coordinator ended: {self.tail()}")
            return self.answers()

        return wait(so, "the coordinator answers", seconds=seconds)

    def token(self) -> str:
        """Return the administrator's token, which is printed at the first start."""
        for line in self.log.read_text().splitlines():
            if line.startswith("token "):
                return line.removeprefix("token ")
        raise RehearsalError("the coordinator printed no token")


class Mailbox:
    """An SMTP server, and what it took."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, Message]] = []
        self._controller = Controller(self, hostname=COORDINATOR, port=_MAIL)

    def start(self) -> None:
        """Take mail from now on."""
        self._controller.start()

    def end(self) -> None:
        """Take no more."""
        self._controller.stop()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        self.mails += [(receiver, mail) for receiver in envelope.rcpt_tos]
        return "250 taken"

    def of(self, receiver: str) -> list[str]:
        """Return the subjects of what somebody got."""
        return [str(mail["Subject"]) for to, mail in self.mails if to == receiver]
