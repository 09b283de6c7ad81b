"""Exports releases in a process of its own: export.py's tests kill it, or change its disk.

Arguments: the folder of the blobs, the folder to export to, how many releases, and after how many
files put in place the process kills itself (0: never).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from index.shelf import MemoryArtifacts, Shelf
from wheelyard.index.export import export
from wheelyard.index.verify import verify


def die_after(renames: int) -> None:
    """Have the process killed when it is about to put one more file in place."""
    seen = 0

    def audit(event: str, arguments: object) -> None:
        nonlocal seen
        if event == "os.rename":
            seen += 1
            if seen > renames:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


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
    if steps := int(sys.argv[4]):
        die_after(steps)
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
