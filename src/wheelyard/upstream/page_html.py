"""A project's page in HTML (PEP 503, and 592, 629, 658, 714, 792 on top of it).

Servers answer with many things that are HTML and not such a page: error pages with status 200,
login forms, pages that were cut short. What does not look like a project's page is refused.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from wheelyard.errors import UpstreamError
from wheelyard.model.source import FileEntry
from wheelyard.upstream import digests
from wheelyard.upstream.page_parts import file_address, file_name, is_understood, upload_time

_FILE_SUFFIXES = (".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".egg", ".exe", ".rpm")

_Attributes = dict[str, str | None]


@dataclass(slots=True)
class HtmlPage:
    """What was read from a page."""

    files: list[FileEntry] = field(default_factory=list)
    status: str = "active"
    status_reason: str = ""


def parse_html(text: str, base: str) -> HtmlPage:
    """Read a page that came from the URL ``base``. Raises UpstreamError where it is not one."""
    reader = _Reader(base)
    reader.feed(text)
    if reader.is_cut():
        raise UpstreamError(f"The page at {base} is cut short", hint="Try again later.")
    reader.close()
    if not is_understood(reader.api_version):
        raise UpstreamError(
            f"{base} speaks version {reader.api_version!r} of the simple API, which is not known",
            hint="Update wheelyard.",
        )
    page = HtmlPage(reader.entries(), reader.status, reader.status_reason)
    has_file = any(entry.filename.lower().endswith(_FILE_SUFFIXES) for entry in page.files)
    if not has_file and not reader.is_simple_page:
        raise UpstreamError(
            f"{base} answered with HTML that is not a project's page",
            hint="Check the index's address: it often ends in /simple.",
        )
    return page


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.api_version = ""
        self.status = "active"
        self.status_reason = ""
        self.is_simple_page = False
        self._base = base
        self._anchors: list[_Attributes] = []
        self._in_anchor = False
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a":
            self._anchors.append(attributes)
            self._in_anchor = True
        elif tag == "base" and attributes.get("href"):
            resolved = file_address(self._base, attributes["href"] or "")
            self._base = resolved[0] if resolved else self._base
        elif tag == "meta":
            self._take_meta(attributes.get("name") or "", attributes.get("content") or "")
        self._in_title = tag in {"title", "h1"}

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._in_anchor = False

    def handle_data(self, data: str) -> None:
        # Warehouse and its kin, devpi, our own index: an empty page still says what it is.
        if self._in_title and data.strip().lower().startswith("links for"):
            self.is_simple_page = True

    def is_cut(self) -> bool:
        return self._in_anchor or self.rawdata.lstrip().startswith("<")

    def entries(self) -> list[FileEntry]:
        read = (_entry(attributes, self._base) for attributes in self._anchors)
        return [entry for entry in read if entry is not None]

    def _take_meta(self, name: str, content: str) -> None:
        if name == "pypi:repository-version":
            self.api_version = content
            self.is_simple_page = True
        elif name == "pypi:project-status":
            self.status = content.strip().lower() or "active"
        elif name == "pypi:project-status-reason":
            self.status_reason = content


def _entry(attributes: _Attributes, base: str) -> FileEntry | None:
    address = file_address(base, attributes.get("href") or "")
    if address is None or not attributes.get("href"):
        return None
    url, fragment = address
    filename = file_name(url)
    if not filename:
        return None
    return FileEntry(
        filename=filename,
        url=url,
        digest=digests.from_fragment(fragment),
        requires_python=(attributes.get("data-requires-python") or "").strip(),
        yanked=(attributes["data-yanked"] or "") if "data-yanked" in attributes else None,
        # Not of any standard, but some mirrors give it where the JSON form has it.
        uploaded=upload_time(attributes.get("data-upload-time")),
        metadata_digest=_metadata_digest(attributes),
    )


def _metadata_digest(attributes: _Attributes) -> str | None:
    for name in ("data-core-metadata", "data-dist-info-metadata"):
        if name in attributes:
            value = (attributes[name] or "").strip()
            return None if value.lower() == "false" else digests.from_fragment(value)
    return None
