"""Feeds for readers of news (Atom, RFC 4287): what failed, what was published, and what happened to a project."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from starlette.responses import Response

from wheelyard.campaign_ports import CampaignStore, Turn
from wheelyard.ports import Clock
from wheelyard.site_ports import JobLine, PublishedFile, SiteStore
from wheelyard.web.endpoint import Call, Endpoint
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.embedded import as_xml, embedded
from wheelyard.web.site.projects import named

_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA = "application/atom+xml"
_MOST = 50
_HEADERS = {"Cache-Control": "no-cache", "Vary": "Cookie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One piece of news; ``id`` is the same whenever it is told again."""

    id: str
    title: str
    text: str
    address: str
    updated: datetime | None


class Feeds:
    """Writes feeds."""

    def __init__(
        self, *, site: SiteStore, campaigns: CampaignStore, clock: Clock, name: str
    ) -> None:
        self._site = site
        self._campaigns = campaigns
        self._clock = clock
        self._name = name

    async def failures(self, call: Call) -> Response:
        """Answer with the newest failures."""
        found = await self._site.failures(limit=_MOST)
        return self._answer(call, "failures", "Failures", list(map(_failure, found)))

    async def published(self, call: Call) -> Response:
        """Answer with the newest files of the index."""
        found = await self._site.published(limit=_MOST)
        return self._answer(call, "published", "Published", list(map(_file, found)))

    async def migrations(self, call: Call) -> Response:
        """Answer with what happened in migrations."""
        found = await self._campaigns.turns(limit=_MOST)
        return self._answer(call, "migrations", "Migrations", list(map(_turn, found)))

    async def project(self, call: Call) -> Response:
        """Answer with what happened to a project."""
        project = await named(self._site, call)
        failed = map(_failure, await self._site.failures(project=project, limit=_MOST))
        published = map(_file, await self._site.published(project=project, limit=_MOST))
        entries = sorted([*failed, *published], key=_when, reverse=True)[:_MOST]
        return self._answer(call, f"projects/{project}", project, entries)

    def _answer(self, call: Call, name: str, title: str, entries: Sequence[Entry]) -> Response:
        base = str(call.request.base_url).rstrip("/")
        updated = max(map(_when, entries), default=self._clock.now())
        feed = ET.Element(f"{{{_ATOM}}}feed")
        _add(feed, "id", f"{base}/feeds/{quote(name)}.atom")
        _add(feed, "title", f"{title} \N{MIDDLE DOT} {self._name}")
        _add(feed, "updated", _moment(updated))
        _add(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", self._name)
        _add(feed, "link", rel="self", href=f"{base}/feeds/{quote(name)}.atom")
        for one in entries:
            entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
            _add(entry, "id", f"urn:wheelyard:{quote(one.id)}")
            _add(entry, "title", one.title)
            _add(entry, "updated", _moment(one.updated or updated))
            _add(entry, "link", href=f"{base}{one.address}")
            _add(entry, "summary", one.text, type="text")
        ET.register_namespace("", _ATOM)
        content = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
        return Response(content, headers=_HEADERS, media_type=_MEDIA)


def _failure(line: JobLine) -> Entry:
    return Entry(
        id=f"job:{line.key}:{_moment(_or_oldest(line.changed))}",
        title=f"{line.project} {line.version} failed for {line.target}",
        text=line.reason or "no reason is known",
        address=f"/jobs/{quote(line.key)}",
        updated=line.changed,
    )


def _file(one: PublishedFile) -> Entry:
    return Entry(
        id=f"file:{one.digest}:{one.filename}",
        title=f"{one.project} {one.version}: {one.filename}",
        text=f"{one.filename}, {one.size} bytes, {one.digest}",
        address=f"/projects/{quote(one.project)}",
        updated=one.created,
    )


def _turn(turn: Turn) -> Entry:
    return Entry(
        id=f"turn:{turn.campaign}:{turn.number}",
        title=f"{turn.package} in {turn.campaign}: {turn.state.value}",
        text=turn.reason or turn.state.value,
        address=f"/migrations/{quote(turn.campaign)}/packages/{quote(turn.package, safe='')}",
        updated=turn.at,
    )


def _or_oldest(moment: datetime | None) -> datetime:
    return moment or datetime.fromtimestamp(0, UTC)


def _when(entry: Entry) -> datetime:
    return _or_oldest(entry.updated)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes).text = as_xml(text) or None


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return all feeds."""
    feeds = Feeds(site=ports.site, campaigns=ports.campaigns, clock=ports.clock, name=ports.name)
    return embedded(
        _MEDIA,
        (
            ("/feeds/failures.atom", feeds.failures, "The newest failures, as a feed."),
            ("/feeds/published.atom", feeds.published, "The newest files of the index, as a feed."),
            ("/feeds/migrations.atom", feeds.migrations, "What happened in migrations, as a feed."),
            (
                "/feeds/projects/{name}.atom",
                feeds.project,
                "What failed and was published of a project, as a feed.",
            ),
        ),
    )
