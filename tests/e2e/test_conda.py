"""Conda packages from a recipe to an environment: a real builder, the channel, a real client.

The clients run in processes of their own: they hold the interpreter while they wait.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.project import EXAMPLES, git
from e2e.test_farm import farm, process
from e2e.user import User

pytest.importorskip("rattler")
pytest.importorskip("rattler_build")

RECIPES = EXAMPLES / "conda-recipes"
INSTALL = """
import asyncio, sys
from pathlib import Path
import rattler

async def main(channel, folder, *wanted):
    records = await rattler.solve([channel], list(wanted), platforms=["linux-64", "noarch"])
    prefix, cache = Path(folder, "prefix"), Path(folder, "cache")
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)
    print(*sorted(record.file_name for record in records))

asyncio.run(main(*sys.argv[1:]))
"""


def feedstock(folder: Path, name: str) -> Path:
    """Return a repository of an example's recipe."""
    repository = folder / name
    repository.parent.mkdir(parents=True, exist_ok=True)
    repository.mkdir()
    for path in sorted((RECIPES / name).rglob("*")):
        if path.is_file():
            target = repository / path.relative_to(RECIPES / name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "first")
    return repository


def job_file(folder: Path) -> Path:
    """Return the example's job file, with the Python of these tests in it."""
    text = (RECIPES / "feedstock-job.toml").read_text("utf-8")
    program = tomllib.loads(text)["command"][0]
    path = folder / "feedstock-job.toml"
    path.write_text(text.replace(program, sys.executable), "utf-8")
    return path


def install(channel: str, folder: Path, *wanted: str) -> list[str]:
    """Solve for packages and install them, as a user of conda does; return their files."""
    ended = subprocess.run(
        [sys.executable, "-c", INSTALL, channel, folder, *wanted],
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "RATTLER_CACHE_DIR": str(folder / "cache"),
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


@contextmanager
def served(user: User) -> Iterator[str]:
    with process(user, "index", "serve", "--state", user.state, "--port", "0") as begun:
        assert begun.stdout is not None
        yield begun.stdout.readline().strip().removesuffix("/simple/")


def test_a_recipe_becomes_a_package_that_is_installed_from_a_server_and_from_a_folder(
    newcomer: User, tmp_path: Path
) -> None:
    user, job = newcomer, job_file(tmp_path)
    # These tests' Python is not where a sandbox shows it.
    words = ("--job-file", job, "--channel", "--sandbox", "off", "--state", user.state)
    for name in ("hello-noarch", "hello-compiled"):
        repository = feedstock(tmp_path / "feedstocks", name)
        ran = user.run("build", "--git", repository, *words, "--output", tmp_path / "out")
        assert ran.code == 0, ran.err + ran.out
        assert "is in the channel" in ran.out
    listed = user.run("index", "conda", "list", "--json", "--state", user.state)
    packages = {one["package"]: one for one in json.loads(listed.out)}
    assert sorted(one.partition("/")[0] for one in packages) == ["linux-64", "noarch"]
    assert all(one["job"] for one in packages.values())

    wanted = ("hello-noarch", "hello-compiled")
    names = sorted(place.partition("/")[2] for place in packages)
    with served(user) as address:
        assert install(f"{address}/conda", tmp_path / "http", *wanted) == names
    channel = (tmp_path / "out" / "conda").as_uri()
    assert install(channel, tmp_path / "folder", *wanted) == names
    program = tmp_path / "http" / "prefix" / "bin" / "hello-compiled"
    assert subprocess.check_output([program], text=True) == "hello\n"


def test_a_farm_lets_in_what_its_builders_made_of_merged_recipes(
    user: User, tmp_path: Path
) -> None:
    of_farm = User(folder=tmp_path, target=user.target, state=tmp_path / "own")
    repository = feedstock(tmp_path / "feedstocks", "hello-noarch")
    of_farm.index.mkdir()
    with farm(of_farm, "--local-repositories", "--sandbox", "off") as served_farm:
        words = ("build", "--git", repository, "--job-file", job_file(tmp_path))
        ran = served_farm.ask(*words, "--channel")
        assert ran.code == 0, ran.err
        assert "1 package is in the channel" in ran.out
        channel = f"{served_farm.address}/conda"
        (name,) = install(channel, tmp_path / "installed", "hello-noarch")
        assert name.startswith("hello-noarch-1.2-")
        made = served_farm.ask("token", "create", "bob", "--role", "requester")
        token = made.out.strip()
        denied = of_farm.run(
            *words, "--channel", WHEELYARD_FARM=served_farm.address, WHEELYARD_TOKEN=token
        )
        assert denied.code == 2
        assert "only operators may let packages into the channel" in denied.err
