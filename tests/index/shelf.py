"""Ports in memory, and tiny wheels that installers really install."""

import asyncio
import hashlib
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from packaging.utils import parse_wheel_filename

from wheelyard.errors import StoreError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import BuildKey
from wheelyard.model.release import ProjectName, Release

BUILT_AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


class MemoryArtifacts:
    """Published artifacts; ``reads`` counts the questions that were asked about projects."""

    def __init__(self) -> None:
        self.published: dict[str, Artifact] = {}
        self.reads = 0
        self.changes = 0

    async def by_key(self, key: BuildKey) -> Artifact | None:
        return next((a for a in self.published.values() if a.build_key == key), None)

    async def of_release(self, release: Release) -> Sequence[Artifact]:
        return [a for a in await self.of_project(release.project) if a.release == release]

    async def of_project(self, project: ProjectName) -> Sequence[Artifact]:
        self.reads += 1
        found = [a for a in self.published.values() if a.release.project == project]
        return sorted(found, key=lambda artifact: artifact.filename)

    async def projects(self) -> Sequence[ProjectName]:
        return sorted({a.release.project for a in self.published.values()})

    async def publish(self, artifact: Artifact) -> Artifact:
        self.changes += 1
        return self.published.setdefault(artifact.filename, artifact)


class RevisedArtifacts(MemoryArtifacts):
    """A store that also says cheaply whether anything changed."""

    async def revision(self) -> int:
        return self.changes


class FolderBlobs:
    """Files named by digest in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    async def add_bytes(self, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        (self.folder / digest[7:]).write_bytes(content)
        return digest

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        return await self.add_bytes(await asyncio.to_thread(path.read_bytes))

    def path(self, digest: str) -> Path | None:
        place = self.folder / digest[7:]
        return place if place.is_file() else None

    async def read(self, digest: str) -> bytes:
        place = self.path(digest)
        if place is None:
            raise StoreError(f"No bytes of {digest} are stored")
        return place.read_bytes()

    def digests(self) -> Sequence[str]:
        return [f"sha256:{path.name}" for path in self.folder.iterdir()]

    async def remove(self, digest: str) -> None:
        (self.folder / digest[7:]).unlink(missing_ok=True)


def wheel(
    name: str, version: str, *, requires_python: str = "", body: str = ""
) -> tuple[bytes, bytes]:
    """Return the bytes of a wheel with one module, and of its METADATA."""
    stem = f"{name}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    metadata = "\n".join([*lines, "", ""])
    files = {
        f"{name}.py": f"version = {version!r}\n{body}",
        f"{stem}.dist-info/METADATA": metadata,
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for path, text in files.items():
            opened.writestr(zipfile.ZipInfo(path), text)
    return archive.getvalue(), metadata.encode()


async def kept_wheel(
    keep: Callable[[bytes], Awaitable[str]],
    name: str,
    version: str,
    *,
    requires_python: str = "",
    body: str = "",
) -> Artifact:
    """Keep a wheel, by what answers with a digest; return what an index knows of it."""
    content, metadata = wheel(name, version, requires_python=requires_python, body=body)
    filename = f"{name}-{version}-py3-none-any.whl"
    return Artifact(
        filename=filename,
        digest=await keep(content),
        size=len(content),
        release=Release.of(name, version),
        tags=parse_wheel_filename(filename)[3],
        origin=Origin.BUILT,
        requires_python=requires_python,
        metadata_digest=await keep(metadata),
        created=BUILT_AT,
    )


class Shelf:
    """An artifact store and blobs, filled by ``put``."""

    def __init__(self, folder: Path, artifacts: MemoryArtifacts) -> None:
        self.artifacts = artifacts
        self.blobs = FolderBlobs(folder)

    def put(
        self,
        name: str,
        version: str,
        *,
        requires_python: str = "",
        yanked: str | None = None,
        body: str = "",
    ) -> Artifact:
        """Publish a wheel."""
        return asyncio.run(self.publish(name, version, requires_python, yanked, body))

    async def publish(
        self,
        name: str,
        version: str,
        requires_python: str = "",
        yanked: str | None = None,
        body: str = "",
    ) -> Artifact:
        kept = await kept_wheel(
            self.blobs.add_bytes, name, version, requires_python=requires_python, body=body
        )
        artifact = replace(kept, yanked=yanked)
        return await self.artifacts.publish(artifact)

    def yank(self, artifact: Artifact, reason: str) -> Artifact:
        """Mark a published artifact as yanked."""
        changed = replace(artifact, yanked=reason)
        self.artifacts.changes += 1
        self.artifacts.published[artifact.filename] = changed
        return changed
