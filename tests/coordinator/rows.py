"""What a run comes to."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from coordinator.farm import Farm
from wheelyard.plan.summary import Row


def finished(work: Coroutine[Any, Any, tuple[Row, ...]]) -> dict[str, Row]:
    rows = asyncio.run(asyncio.wait_for(work, 20))
    return {row.unit.release.project: row for row in rows}


async def published(there: Farm) -> list[str]:
    return [
        artifact.origin.value
        for project in await there.artifacts.projects()
        for artifact in await there.artifacts.of_project(project)
    ]
