"""pip and uv, unmodified, install from the folder and over HTTP."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from index.shelf import BUILT_AT, Shelf, wheel
from wheelyard.index.export import export
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.model.artifact import Artifact

Installer = Callable[[], list[str]]

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))},
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_NO_CONFIG": "1",
}


def pip(python: str = sys.executable) -> list[str]:
    return [python, "-m", "pip", "install", "-q", "--no-cache-dir", "--no-compile", "--index-url"]


def uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("needs uv")
    command = [found, "pip", "install", "-q", "--no-cache", "--python", sys.executable]
    return [*command, "--default-index"]


INSTALLERS = pytest.mark.parametrize("installer", [pip, uv])


def older_pythons() -> Iterator[str]:
    """Find the Pythons of this machine that run and have a pip of their own."""
    folders = [*os.environ["PATH"].split(os.pathsep)]
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True)
        folders += map(str, Path(root.stdout.strip()).glob("versions/*/bin"))
    for minor in range(7, 14):
        for folder in folders:
            python = Path(folder, f"python3.{minor}")
            works = (
                python.exists()
                and not subprocess.run(
                    [python, "-c", "import pip"], check=False, capture_output=True
                ).returncode
            )
            if works:
                yield str(python)
                break


async def install(
    command: Sequence[str], index: str, target: Path, *requirements: str
) -> tuple[int, str]:
    """Install into a folder; return how the installer ended and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, index, "--target", str(target), *requirements,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def exported(shelf: Shelf, output: Path) -> str:
    result = await export(shelf.artifacts, shelf.blobs, output)
    return f"{result.index.as_uri()}/"


@asynccontextmanager
async def plain_web_server(folder: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    port = (await process.stdout.readline()).decode().split(" port ")[1].split()[0]
    try:
        yield f"http://127.0.0.1:{port}/simple/"
    finally:
        process.terminate()
        await process.communicate()


@asynccontextmanager
async def served(shelf: Shelf) -> AsyncIterator[str]:
    app = IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs)
    async with running(app) as address:
        yield f"{address}/simple/"


def hashed(folder: Path, *artifacts: Artifact) -> str:
    """Write a requirements file that takes these very bytes and nothing else."""
    place = folder / "requirements.txt"
    lines = (f"{artifact.release} --hash={artifact.digest}\n" for artifact in artifacts)
    place.write_text("".join(lines))
    return str(place)


@INSTALLERS
@pytest.mark.parametrize("way", ["folder", "plain web server", "server"])
def test_installers_take_hashed_requirements(
    shelf: Shelf, tmp_path: Path, installer: Installer, way: str
) -> None:
    tiny = shelf.put("tiny", "1.0")
    other = shelf.put("other_thing", "2.0", requires_python=">=3.6")
    requirements = hashed(tmp_path, tiny, other)
    output, target = tmp_path / "out with spaces & more", tmp_path / "installed"

    async def run() -> tuple[int, str]:
        options = ("--require-hashes", "-r", requirements)
        index = await exported(shelf, output)
        if way == "folder":
            return await install(installer(), index, target, *options)
        serving = plain_web_server(output) if way == "plain web server" else served(shelf)
        async with serving as address:
            return await install(installer(), address, target, *options)

    assert asyncio.run(run()) == (0, "")
    assert (target / "tiny.py").exists()
    assert (target / "other_thing.py").exists()


@INSTALLERS
@pytest.mark.parametrize("way", ["folder", "server"])
def test_installers_heed_yanks_and_requires_python(
    shelf: Shelf, tmp_path: Path, installer: Installer, way: str
) -> None:
    shelf.put("tiny", "1.0", requires_python=">=3.7, <4")
    shelf.put("tiny", "1.1", yanked="<b>\"it\" isn't</b> & won't\n& more")
    shelf.put("tiny", "1.2", requires_python=">=4")

    async def run() -> tuple[int, str]:
        if way == "folder":
            index = await exported(shelf, tmp_path / "out")
            return await install(installer(), index, tmp_path / "installed", "tiny")
        async with served(shelf) as index:
            return await install(installer(), index, tmp_path / "installed", "tiny")

    assert asyncio.run(run()) == (0, "")
    assert (tmp_path / "installed" / "tiny.py").read_text() == "version = '1.0'\n"


@INSTALLERS
def test_other_bytes_than_the_hash_are_refused(
    shelf: Shelf, tmp_path: Path, installer: Installer
) -> None:
    tiny = shelf.put("tiny", "1.0")
    requirements = hashed(tmp_path, tiny)
    stored = shelf.blobs.path(tiny.digest)
    assert stored is not None
    stored.write_bytes(wheel("tiny", "1.0", body="# swapped behind the farm's back")[0])

    async def run() -> tuple[int, str]:
        async with served(shelf) as index:
            return await install(
                installer(), index, tmp_path / "in", "--require-hashes", "-r", requirements
            )

    ended, said = asyncio.run(run())
    assert ended != 0
    assert "hash" in said.lower()


@pytest.mark.parametrize("form", ["path", "path with a slash", "relative path", "address"])
def test_uv_takes_the_folder_in_every_form_it_knows(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    shelf.put("tiny", "1.0")
    monkeypatch.chdir(tmp_path)

    async def run() -> tuple[int, str]:
        address = await exported(shelf, tmp_path / "out")
        forms = {
            "path": str(tmp_path / "out/simple"),
            "path with a slash": f"{tmp_path}/out/simple/",
            "relative path": "out/simple",
            "address": address.rstrip("/"),
        }
        return await install(uv(), forms[form], tmp_path / "installed", "tiny")

    assert asyncio.run(run()) == (0, "")


def test_uv_excludes_what_is_newer_from_a_folder(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("tiny", "1.0")

    async def run(before: str) -> int:
        index = await exported(shelf, tmp_path / "out")
        options = ("tiny", "--exclude-newer", before)
        return (await install(uv(), index, tmp_path / "installed", *options))[0]

    assert asyncio.run(run(f"{BUILT_AT.year - 1}-01-01")) == 1
    assert asyncio.run(run(f"{BUILT_AT.year + 1}-01-01")) == 0


@pytest.mark.slow
def test_the_pip_of_older_pythons_reads_folder_and_server(shelf: Shelf, tmp_path: Path) -> None:
    pythons = list(older_pythons())
    if not pythons:
        pytest.skip("needs a Python with pip on PATH or in pyenv")
    tiny = shelf.put("tiny", "1.0", requires_python=">=3.6")
    requirements = ("--require-hashes", "-r", hashed(tmp_path, tiny))

    async def run() -> None:
        folder = await exported(shelf, tmp_path / "out")
        async with served(shelf) as address:
            for number, python in enumerate([pythons[0], pythons[-1]]):
                for index in (folder, address):
                    target = tmp_path / f"{number}{index[:4]}"
                    ended, said = await install(pip(python), index, target, *requirements)
                    assert ended == 0, said
                    assert (target / "tiny.py").exists()

    asyncio.run(run())
