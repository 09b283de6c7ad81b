"""What the HTML and the JSON form of a project's page have in common."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from wheelyard.upstream.address import REMOTE, without_credentials

SUPPORTED_MAJOR = "1"
"""The major version of the simple API (PEP 629) that is understood."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\]")


def is_understood(api_version: str) -> bool:
    """Tell whether a page of this API version can be read; a later minor version can."""
    return api_version.partition(".")[0].strip() in {"", SUPPORTED_MAJOR}


def file_address(base: str, link: str) -> tuple[str, str] | None:
    """Return a link's absolute URL without fragment and credentials, and its fragment.

    None for a link that no file can be fetched from: another scheme, or a ``file:`` link on a page
    that came over the network and has no business with this machine's disk.
    """
    try:
        parts = urlsplit(urljoin(base, link.strip()))
        base_scheme = urlsplit(base).scheme
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    if parts.scheme not in REMOTE and not (parts.scheme == "file" and base_scheme == "file"):
        return None
    return without_credentials(urlunsplit(parts._replace(fragment=""))), parts.fragment


def file_name(url: str) -> str:
    """Return the file's name that a URL ends with; empty where it has none that is safe."""
    return safe_name(unquote(urlsplit(url).path.rpartition("/")[2]))


def safe_name(name: str) -> str:
    """Return a file's name, or an empty string for one that could leave its folder."""
    return "" if _CONTROL.search(name) or name in {".", ".."} or len(name) > 255 else name  # noqa: PLR2004 - what file systems take


def upload_time(text: str | None) -> datetime | None:
    """Read an upload time; one without a zone is in UTC, one that cannot be read is unknown."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
