"""Runs ``wheelyard index`` over one tiny wheel, in a process of its own.

Arguments: a folder for the blobs, then those of the command.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from index.shelf import RevisedArtifacts, Shelf
from wheelyard.cli.index import index_app
from wheelyard.index.listing import IndexPorts


def run(folder: Path, arguments: list[str]) -> None:
    shelf = Shelf(folder, RevisedArtifacts())
    asyncio.run(shelf.publish("tiny", "1.0"))

    @asynccontextmanager
    async def open_state(state: Path | None) -> AsyncIterator[IndexPorts]:
        yield IndexPorts(artifacts=shelf.artifacts, blobs=shelf.blobs)

    index_app(open_state)(arguments)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
