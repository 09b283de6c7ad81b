"""A project's page, from the bytes that an index answered with."""

import hashlib
from collections.abc import Iterable

import msgspec

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.model.release import ProjectName, project_name
from wheelyard.model.source import FileEntry, ProjectPage
from wheelyard.upstream.page_html import parse_html
from wheelyard.upstream.page_json import entries, parse_json

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01"
)
_JSON = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml"})
# Servers of plain files name these for a page without an extension.
_UNTOLD = frozenset({"", "application/octet-stream", "text/plain"})


def parse_page(
    body: bytes, *, content_type: str, url: str, index: str, project: ProjectName
) -> ProjectPage:
    """Read a page by its content type. Raises UpstreamError where it is not this project's page."""
    kind = _kind(body, content_type, url)
    if kind == "json":
        read = parse_json(body, url)
        _check_name(read.name, project, url)
        status = (read.project_status.status, read.project_status.reason or "")
        return make_page(project, index, entries(read, url), status=status)
    page = parse_html(body.decode("utf-8", "replace"), url)
    return make_page(project, index, page.files, status=(page.status, page.status_reason))


def make_page(
    project: ProjectName,
    index: str,
    files: Iterable[FileEntry],
    *,
    status: tuple[str, str] = ("active", ""),
    salt: object = None,
) -> ProjectPage:
    """Put a page together; ``status`` has its reason, ``salt`` is what else the fingerprint depends on."""
    listed = tuple(files)
    said = msgspec.msgpack.encode((project, listed, status, salt))
    return ProjectPage(
        project=project,
        index=index,
        files=listed,
        fingerprint=hashlib.sha256(said).hexdigest(),
        status=status[0],
        status_reason=status[1],
    )


def _kind(body: bytes, content_type: str, url: str) -> str:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _JSON:
        return "json"
    if media_type in _HTML:
        return "html"
    if media_type not in _UNTOLD:
        raise UpstreamError(
            f"{url} answered with {media_type!r}, which is not a project's page",
            hint="Check the index's address: it often ends in /simple.",
        )
    return "json" if body.lstrip()[:1] == b"{" else "html"


def _check_name(name: str, project: ProjectName, url: str) -> None:
    try:
        same = project_name(name) == project
    except InvalidNameError:
        same = False
    if not same:
        raise UpstreamError(
            f"{url} answered with the page of {name!r} when it was asked for {project!r}",
            hint="The index is not to be trusted as it is; tell whoever runs it.",
        )
