"""Indexes to measure with: small ones of real wheels, and a large one of rows alone."""

import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from packaging.tags import Tag

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release
from wheelyard.store.folder import StateFolder

PROJECTS = 200
_EACH = 10
_TAGS = frozenset({Tag("py3", "none", "any")})
_ROWS = """
INSERT INTO artifacts (
    filename, digest, size, project, version, tags, origin, requires_python, requires_dist,
    metadata_digest, build_key, source_digest, recipe_digest, created, counts, published
) VALUES (?, ?, 1000, ?, ?, 'py3-none-any', 'built', '>=3.9', '[]', ?, ?, '', '', 0, 1, 1)
"""
_PROJECT_ROWS = """
INSERT INTO projects (project, change, listed, status, reason) VALUES (?, 1, 1, 'active', '')
"""


async def fill(state: Path) -> None:
    """Publish 2,000 wheels of 200 projects."""
    async with await StateFolder.open(state) as folder:
        blobs = FolderBlobs(folder.place("blobs"), flush=False)
        for number in range(PROJECTS):
            for version in range(_EACH):
                await _publish(folder, blobs, f"project-{number:03}", f"1.{version}")


async def _publish(folder: StateFolder, blobs: FolderBlobs, project: str, version: str) -> None:
    name = project.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    artifact = Artifact(
        filename=f"{name}-{version}-py3-none-any.whl",
        digest=await blobs.add_bytes(buffer.getvalue()),
        size=len(buffer.getvalue()),
        release=Release.of(project, version),
        tags=_TAGS,
        origin=Origin.BUILT,
        requires_python=">=3.9",
        metadata_digest=await blobs.add_bytes(metadata.encode()),
        build_key=f"{project} {version}",
        created=datetime(2026, 3, 1, tzinfo=UTC),
    )
    await folder.artifacts.publish(artifact)


def fill_rows(database: Path, *, files: int, projects: int) -> None:
    """Write the rows of a very large index; there is not one byte behind them."""

    def rows() -> Iterator[tuple[str, ...]]:
        for number in range(files):
            project, version = f"p{number % projects:06}", f"1.{number // projects}"
            digest = f"sha256:{number:064x}"
            name = f"{project}-{version}-py3-none-any.whl"
            yield name, digest, project, version, digest, f"key {number}"

    with sqlite3.connect(database, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(_ROWS, rows())
        connection.executemany(_PROJECT_ROWS, ((f"p{n:06}",) for n in range(projects)))
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    connection.close()


def one_more(number: int) -> Artifact:
    """Return a wheel that such an index does not have yet."""
    content = f"one more: {number}".encode()
    return Artifact(
        filename=f"p000007-99.{number}-py3-none-any.whl",
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        size=1000,
        release=Release.of("p000007", f"99.{number}"),
        tags=_TAGS,
        origin=Origin.BUILT,
        build_key=f"one more {number}",
        created=datetime(2026, 3, 1, tzinfo=UTC),
    )
