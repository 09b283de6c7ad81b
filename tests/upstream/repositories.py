"""Repositories and folders to build from, and what becomes of a reference to them."""

import asyncio
import io
import subprocess
import tarfile
from pathlib import Path

from upstream.opener import FolderBlobs, Opener
from wheelyard.model.source import Source
from wheelyard.ports import DirectSource

PYPROJECT = '[project]\nname = "foo"\nversion = "{}"\ndependencies = ["bar"]\n'


def git(folder: Path, *arguments: str) -> str:
    options = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, version: str) -> str:
    if not (folder / ".git").exists():
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet")
    (folder / "pyproject.toml").write_text(PYPROJECT.format(version))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", version)
    return git(folder, "rev-parse", "HEAD")


def direct(opened: Opener, reference: str, **changes: object) -> DirectSource:
    async def look() -> DirectSource:
        async with opened(**changes) as upstream:
            return await upstream.direct(reference)

    return asyncio.run(look())


def fetch(opened: Opener, source: Source, **changes: object) -> Source:
    async def bring() -> Source:
        async with opened(**changes) as upstream:
            return await upstream.fetch(source)

    return asyncio.run(bring())


def names(blobs: FolderBlobs, source: Source) -> dict[str, str]:
    content = asyncio.run(blobs.read(source.archive))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: member.linkname for member in tar}


def folder(path: Path, version: str = "1.0") -> Path:
    (path / "src" / "foo").mkdir(parents=True)
    (path / "pyproject.toml").write_text(PYPROJECT.format(version))
    (path / "src" / "foo" / "__init__.py").write_text("")
    return path
