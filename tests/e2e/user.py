"""A user at the command line: runs wheelyard as a process of its own, and looks at what it left.

Nothing of wheelyard is called from here but what writes sdists and indexes. No run may ever print a
traceback, so that is looked at for each of them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wheelyard
from wheelyard.testing.sdists import SdistSpec, write_sdist

SOURCE = Path(wheelyard.__file__).parent.parent
TIMEOUT = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What ``--json`` printed."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def started(self) -> list[str]:
        """Which releases were built, in the order in which their jobs began."""
        return [event["unit"]["release"] for event in self.of_kind("job-started")]

    @property
    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The rows of the summary by release and interpreter (``cp312``)."""
        return {
            (row["unit"]["release"], row["unit"]["target"].partition("-")[0]): row
            for row in self.of_kind("row")
        }

    def row(self, release: str) -> dict[str, Any]:
        """Return the row of a release that has one target only."""
        (found,) = [row for (name, _), row in self.rows.items() if name == release]
        return found

    @property
    def endings(self) -> dict[str, set[str]]:
        """How each release ended, over all targets."""
        found: dict[str, set[str]] = {}
        for (release, _), row in self.rows.items():
            found.setdefault(release, set()).add(row["ending"])
        return found

    @property
    def digests(self) -> dict[str, str]:
        """The wheels of the summary by file name."""
        wheels = [row["artifact"] for row in self.rows.values() if row["artifact"]]
        return {wheel["filename"]: wheel["digest"] for wheel in wheels}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with a folder of their own, in which a state folder and an index may lie."""

    folder: Path
    target: str
    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def index(self) -> Path:
        """A folder of sdists that serves as an index."""
        return self.folder / "sdists"

    def upload(self, *specs: SdistSpec) -> list[Path]:
        """Put sdists onto the index."""
        return [write_sdist(spec, self.index) for spec in specs]

    def command(self, *words: str | Path) -> list[str]:
        """Return what starts wheelyard with some words."""
        return [sys.executable, "-m", "wheelyard", *map(str, words)]

    def variables(self) -> dict[str, str]:
        """Return the environment that commands run in, with nothing of this test run's own."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WHEELYARD_", "UV_", "PIP_", "PYTEST_", "VIRTUAL_ENV"))
        }
        home = {"XDG_STATE_HOME": str(self.folder / "state-home"), "PYTHONPATH": str(SOURCE)}
        return kept | home | dict(self.environment)

    def run(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        seconds: float = TIMEOUT,
        **environment: str,
    ) -> Ran:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words),
            cwd=cwd or self.folder,
            env=self.variables() | environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def words(self, *words: str | Path, index: str | Path | None = None) -> list[str]:
        """Return the words of ``build`` or ``plan`` with this user's state, index and target."""
        given = [str(word) for word in words]
        if "--state" not in given:
            given += ["--state", str(self.state)]
        given += ["--index", str(index or self.index)]
        if not {"-t", "--target"} & set(given):
            given += ["--target", self.target]
        return given

    def build(self, *words: str | Path, index: str | Path | None = None) -> Ran:
        """Build, with events as JSON."""
        return self.run("build", "--json", *self.words(*words, index=index))

    def start(self, *words: str | Path, **options: Any) -> "subprocess.Popen[str]":
        """Start a build and come back at once."""
        return subprocess.Popen(
            self.command("build", "--json", *self.words(*words)),
            cwd=self.folder,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def ended(self, process: "subprocess.Popen[str]") -> Ran:
        """Wait for a command that was started."""
        out, err = process.communicate(timeout=TIMEOUT)
        assert "Traceback" not in err, err
        return Ran(code=process.returncode, out=out, err=err)

    def log(self, name: str) -> str:
        """Return the log of a job."""
        return self.run("job", "log", name, "--state", self.state).out

    def show(self, name: str) -> dict[str, Any]:
        """Return what is known about an attempt."""
        ran = self.run("job", "show", name, "--json", "--state", self.state)
        assert ran.code == 0, ran.err
        found: dict[str, Any] = json.loads(ran.out)
        return found


def files_below(folder: Path) -> list[Path]:
    """Return every file of a tree."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of live processes that know a folder: by name, or as a mount."""
    needle = str(folder).encode()
    return [
        line.replace(b"\0", b" ").decode(errors="replace")
        for line, mounts in _processes()
        if needle in line or needle in mounts
    ]


def _processes() -> Iterable[tuple[bytes, bytes]]:
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                yield (process / "cmdline").read_bytes(), (process / "mountinfo").read_bytes()
            except OSError:
                continue
