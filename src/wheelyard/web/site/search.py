"""Projects by a part of their name, as somebody types it."""

from collections.abc import Sequence

import msgspec

from wheelyard.site_ports import SiteStore
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

    def __init__(self, site: SiteStore) -> None:
        self._site = site

    async def show(self, call: Call) -> Found:
        """Find projects."""
        asked = call.text("q").strip()[:_LONGEST]
        part = name_part(asked)
        found = await self._site.search(part, limit=_MOST) if part else ()
        return Found(asked=asked, projects=found)


def name_part(text: str) -> str:
    """Return a part of a name as names are kept: in lower case, with dashes. NUL is in no name, and no database takes it."""
    return text.strip().lower().replace("_", "-").replace(".", "-").replace("\0", "\ufffd")


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where projects are searched."""
    return (
        Page(
            path="/search",
            template="search.html",
            title="Search",
            show=Search(ports.site).show,
            says="Projects whose names hold a text.",
            query=(Parameter(name="q", says="A part of the name."),),
        ),
    )
