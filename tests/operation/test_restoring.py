"""A farm that was destroyed comes back from its back-up, as docs/how-to/run-a-farm.md says."""

import hashlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from e2e.user import User
from operation.conftest import farm
from wheelyard.store.private_server import PrivateServer, find_binaries
from wheelyard.testing.sdists import SdistSpec

pytestmark = pytest.mark.slow
OF_A_FOLDER = ("wheelyard-state", "blobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One of the two databases: how it is named, backed up, destroyed and restored."""

    options: tuple[str, ...]
    back_up: Callable[[Path], None]
    destroy: Callable[[], None]
    restore: Callable[[Path], None]


def sqlite(state: Path) -> Engine:
    """The database in the state folder; it goes with the folder."""
    database = state / "state.sqlite"

    def back_up(folder: Path) -> None:
        with (
            closing(sqlite3.connect(database)) as source,
            closing(sqlite3.connect(folder / database.name)) as copy,
        ):
            source.backup(copy)

    def restore(folder: Path) -> None:
        shutil.copyfile(folder / database.name, database)

    return Engine(options=(), back_up=back_up, destroy=lambda: None, restore=restore)


def postgresql(server: PrivateServer) -> Engine:
    """A database of a server, empty for each test."""
    url = server.url("farm")

    def make() -> None:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS farm WITH (FORCE)")
            connection.execute("CREATE DATABASE farm")

    def call(program: str, *words: str) -> None:
        subprocess.run([str(find_binaries() / program), *words], check=True)

    make()
    return Engine(
        options=("--database", url),
        back_up=lambda folder: call(
            "pg_dump", "--format=custom", f"--file={folder / 'farm.dump'}", url
        ),
        destroy=make,
        restore=lambda folder: call(
            "pg_restore", "--no-owner", f"--dbname={url}", str(folder / "farm.dump")
        ),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, user: User) -> Engine:
    if request.param == "sqlite":
        return sqlite(user.state)
    return postgresql(request.getfixturevalue("server"))


def built(user: User, address: str, token: str) -> dict[str, Any]:
    """Ask a farm for a small tree; say what came of each release."""
    asked = ("build", "house", "--target", user.target, "--json")
    ran = user.run(*asked, "--farm", address, "--token", token)
    assert ran.code == 0, ran.err
    return {name: row["ending"] for (name, _), row in ran.rows.items()}


def shown(address: str) -> dict[str, tuple[Any, str]]:
    """Everything that the index of a farm serves: what pages say of a file, and the digest of its bytes."""
    found = {}
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with httpx.Client(base_url=f"{address}/simple/", headers=accept) as client:
        for project in client.get("").raise_for_status().json()["projects"]:
            page = client.get(f"{project['name']}/").raise_for_status()
            for file in page.json()["files"]:
                content = client.get(str(page.url.join(file["url"]))).raise_for_status().content
                found[file["filename"]] = (file, hashlib.sha256(content).hexdigest())
    return found


def test_a_farm_that_was_destroyed_serves_the_same_bytes_and_builds_nothing_again(
    user: User, engine: Engine
) -> None:
    user.upload(
        SdistSpec(name="house", version="1.0", requires=("brick",)),
        SdistSpec(name="brick", version="2.0"),
    )
    backup = user.folder / "backup"
    backup.mkdir()
    with farm(user, *engine.options) as first:
        assert set(built(user, first.address, first.token).values()) == {"built"}
        before = shown(first.address)
        # While it runs; the database first, then what it names.
        engine.back_up(backup)
        for name in OF_A_FOLDER:
            copy = shutil.copytree if (user.state / name).is_dir() else shutil.copyfile
            copy(user.state / name, backup / name)
    shutil.rmtree(user.state)
    engine.destroy()

    user.state.mkdir()
    for name in OF_A_FOLDER:
        (backup / name).rename(user.state / name)
    engine.restore(backup)
    checked = user.run("state", "check", "--state", user.state, *engine.options)
    assert checked.code == 0, checked.err
    with farm(user, *engine.options) as second:
        assert second.token == ""
        after = shown(second.address)
        again = built(user, second.address, first.token)

    assert len(before) == 2
    assert after == before
    assert set(again.values()) == {"reused"}


def test_the_folder_of_a_farm_on_a_server_is_not_taken_for_an_empty_one(
    user: User, server: PrivateServer
) -> None:
    options = postgresql(server).options
    user.upload(SdistSpec(name="house", version="1.0"))
    with farm(user, *options) as running:
        built(user, running.address, running.token)

        refused = user.run("state", "clean", "--unused", "0h", "--state", user.state)
        checked = user.run("state", "check", "--state", user.state, *options)

        assert refused.code != 0
        assert "--database" in refused.err
        assert checked.code == 0, checked.err
        assert len(shown(running.address)) == 1
