"""Addresses: URLs, paths and the credentials in them.

A password, and a query, which may hold a token, are taken out of a URL at the door and kept apart,
so that no message, page, plan or log can show them.
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


def bare(url: str) -> str:
    """Return a URL without user name, password, query and fragment: where something lies."""
    return urlunsplit(urlsplit(without_credentials(url))._replace(query="", fragment=""))


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
    """What to say where.

    Credentials that were written for the very address come first, then those of its origin, then the
    user's netrc file. A query is that which the address was written with.
    """

    def __init__(self, urls: Iterable[str], *, netrc_file: Path | None = None) -> None:
        self._known: dict[Origin, Credentials] = {}
        self._exact: dict[str, Credentials] = {}
        self._queries: dict[str, str] = {}
        for url in urls:
            self.learn(url)
        self._netrc = _read_netrc(netrc_file or _netrc_file())

    def learn(self, url: str) -> None:
        """Keep the credentials that are written in a URL, for it and for its origin, and its query."""
        if not is_remote(url):
            return
        query = urlsplit(url).query
        if query:
            self._queries[bare(url)] = query
        found = credentials_of(url)
        if found is not None:
            self._exact[bare(url)] = found
            self._known.setdefault(origin_of(url), found)

    def learn_reference(self, url: str) -> None:
        """Learn a URL that a user wrote. Raises ConfigurationError where only its query is another."""
        known = self._queries.get(bare(url))
        if known is not None and is_remote(url) and known != urlsplit(url).query:
            raise ConfigurationError(
                f"{bare(url)!r} is named twice, with different queries",
                hint="Queries are kept secret, so they cannot tell two sources apart; name one.",
            )
        self.learn(url)

    def whole(self, url: str) -> str:
        """Return a URL with the query that it was written with. Not to be shown."""
        query = self._queries.get(url)
        return f"{url}?{query}" if query else url

    def credentials(self, url: str) -> Credentials | None:
        """Return user name and password for a URL's origin; another origin never gets them."""
        scheme, host, port = origin_of(url)
        if (exact := self._exact.get(bare(url))) is not None:
            return exact
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
