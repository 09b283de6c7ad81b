"""Exports releases in a process of its own: export.py's tests kill it, or change its disk.

Arguments: the folder of the blobs, the folder to export to, how many releases.
"""

import asyncio
import sys
from pathlib import Path

from index.shelf import MemoryArtifacts, Shelf
from wheelyard.index.export import export
from wheelyard.index.verify import verify


async def main(blobs: Path, output: Path, count: int) -> None:
    shelf = Shelf(blobs, MemoryArtifacts())
    releases = []
    for number in range(count):
        artifact = await shelf.publish(f"project{number % 40}", f"1.{number // 40}")
        releases.append(artifact.release)
    print("exporting", flush=True)  # noqa: T201
    for start in range(0, count, 10):
        await export(shelf.artifacts, shelf.blobs, output, releases[start : start + 10])
    verification = await verify(output)
    print(f"{len(verification.findings)} findings")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
