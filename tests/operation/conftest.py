"""Farms as an operator runs them: processes with a state folder and a database of their own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.user import User
from store.servers import private_server
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.store.private_server import PrivateServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """A ``wheelyard serve`` that runs. ``token`` is its first administrator's, the first time only."""

    process: "subprocess.Popen[str]"
    address: str
    token: str


@contextmanager
def farm(user: User, *options: str | Path) -> Iterator[Farm]:
    """Run a farm with one builder of its own until the block ends; then it is killed, as by a loss of power."""
    words = ("serve", "--port", "0", "--jobs", "1", "--state", user.state, "--index", user.index)
    with subprocess.Popen(
        user.command(*words, *options),
        cwd=user.folder,
        env=user.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _announced(process)
        finally:
            process.kill()


def _announced(process: "subprocess.Popen[str]") -> Farm:
    assert process.stdout is not None
    assert process.stderr is not None
    address, token = process.stdout.readline().strip(), ""
    assert address, process.stderr.read()
    # The last thing that it says; by then a token was printed, if there is one.
    for line in process.stderr:
        if line.startswith("That is the administrator's token"):
            token = process.stdout.readline().strip().removeprefix("token ")
        if line.startswith("Stop with"):
            break
    return Farm(process=process, address=address, token=token)


@pytest.fixture(scope="session")
def target() -> str:
    """The newest Python of this machine."""
    import asyncio

    found = asyncio.run(MachineInterpreters.find())
    return str(found.targets()[-1]).partition("-")[0]


@pytest.fixture
def user(tmp_path: Path, target: str) -> User:
    return User(folder=tmp_path, target=target, state=tmp_path / "state")


@pytest.fixture(scope="session")
def server() -> Iterator[PrivateServer]:
    """A real PostgreSQL server."""
    with private_server() as private:
        yield private


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
