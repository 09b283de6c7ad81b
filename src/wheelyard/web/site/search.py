"""Projects by a part of their name, as somebody types it."""

from collections.abc import Sequence

import msgspec

from wheelyard.ports import ArtifactStore
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.page import Page

_MOST = 20
_LONGEST = 200


class Found(msgspec.Struct, kw_only=True):
    """Projects whose names hold what was asked, those that begin with it first."""

    asked: str
    projects: Sequence[str]


class Search:
    """Looks through the names of projects."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    async def show(self, call: Call) -> Found:
        """Find projects."""
        asked = call.text("q").strip()[:_LONGEST]
        part = asked.lower().replace("_", "-").replace(".", "-")
        names = await self._artifacts.projects() if part else ()
        found = sorted(
            (name for name in names if part in name),
            key=lambda name: (not name.startswith(part), name),
        )
        return Found(asked=asked, projects=found[:_MOST])


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where projects are searched."""
    return (
        Page(
            path="/search",
            template="search.html",
            title="Search",
            show=Search(ports.artifacts).show,
            says="Projects whose names hold a text.",
            query=(Parameter(name="q", says="A part of the name."),),
        ),
    )
