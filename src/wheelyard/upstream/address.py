"""Addresses: URLs, paths and the credentials in them.

A password is taken out of a URL at the door and kept apart, by the origin that it is for, so that
no message, page, plan or log can show it.
"""

import netrc
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from wheelyard.errors import ConfigurationError

REMOTE = frozenset({"http", "https"})
_PORTS = {"http": 80, "https": 443}

Credentials = tuple[str, str]
Origin = tuple[str, str, int]


def without_credentials(url: str) -> str:
    """Return a URL without user name and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def credentials_of(url: str) -> Credentials | None:
    """Return the user name and password that are written in a URL."""
    userinfo, separator, _ = urlsplit(url).netloc.rpartition("@")
    if not separator:
        return None
    user, _, password = userinfo.partition(":")
    return unquote(user), unquote(password)


def origin_of(url: str) -> Origin:
    """Return scheme, host and port. Raises ConfigurationError where the port is no number."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ConfigurationError(
            f"{without_credentials(url)!r} has no valid port",
            hint="A port is a number below 65536.",
        ) from None
    return parts.scheme, (parts.hostname or "").lower(), port


def is_remote(url: str) -> bool:
    """Tell whether a URL is fetched over HTTP."""
    return urlsplit(url).scheme.lower() in REMOTE


def path_of(url: str) -> Path | None:
    """Return the path that a ``file:`` URL or a plain path means; None for any other URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) if parts.netloc in {"", "localhost"} else None
    return None if "://" in url else Path(url)


def url_of(path: Path) -> str:
    """Return the ``file:`` URL of a path."""
    return "file://" + quote(str(path.absolute()))


class Keyring:
    """Who to be where: credentials from the indexes' own URLs, then from the user's netrc file."""

    def __init__(self, urls: Iterable[str], *, netrc_file: Path | None = None) -> None:
        self._known: dict[Origin, Credentials] = {}
        for url in urls:
            self.learn(url)
        self._netrc = _read_netrc(netrc_file or _netrc_file())

    def learn(self, url: str) -> None:
        """Keep the credentials that are written in a URL, for its origin."""
        found = credentials_of(url)
        if found is not None and is_remote(url):
            self._known.setdefault(origin_of(url), found)

    def credentials(self, url: str) -> Credentials | None:
        """Return user name and password for a URL's origin; another origin never gets them."""
        scheme, host, port = origin_of(url)
        if (scheme, host, port) in self._known:
            return self._known[scheme, host, port]
        entry = self._netrc.authenticators(host) if self._netrc and host else None
        return (entry[0], entry[2] or "") if entry else None


def _netrc_file() -> Path:
    return Path(os.environ.get("NETRC") or Path("~/.netrc").expanduser())


def _read_netrc(path: Path) -> netrc.netrc | None:
    try:
        return netrc.netrc(str(path))
    except (OSError, netrc.NetrcParseError):
        # As with pip and curl: a netrc that cannot be read is a netrc that is not there.
        return None
