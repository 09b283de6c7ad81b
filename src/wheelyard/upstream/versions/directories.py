"""Versions of files that lie in plain directories: by what these list, and by trying the next ones."""

import html
import re
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote, urljoin, urlsplit

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.migrate.versions import next_versions
from wheelyard.recipes.version_order import Version, version_of

Page = Callable[[str], Awaitable[bytes]]
IsThere = Callable[[str], Awaitable[bool]]

_LINK = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_VERSION = r"\d[0-9A-Za-z._+-]*"
_SERIES = 3
"""So many folders are looked into where each version, or each series, has its own."""
_TRIES = 12
_LOWEST = version_of("0")


async def listed_versions(pattern: str, current: str, page: Page) -> tuple[str, ...]:
    """Return the versions that directories list; ``pattern`` is an address with ``{}`` for the version."""
    scheme, host, path, *_ = urlsplit(pattern)
    segments = path.strip("/").split("/")
    return await _below(f"{scheme}://{host}/", segments, current, page)


async def tried_versions(pattern: str, current: str, is_there: IsThere) -> tuple[str, ...]:
    """Return those of the next versions that can be had, the smallest steps first."""
    tried = [version for _, version in zip(range(_TRIES), next_versions(current), strict=False)]
    return tuple([one for one in tried if await is_there(pattern.replace("{}", one))])


async def _below(base: str, segments: list[str], current: str, page: Page) -> tuple[str, ...]:
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        shape = _shape(segment, current, last=last)
        if shape is None:
            base = urljoin(base, f"{segment}/")
            continue
        there = _names(await page(base), base)
        found = {match["version"]: name for name in there if (match := shape.fullmatch(name))}
        if last:
            return tuple(found)
        newest = sorted(found, key=_order, reverse=True)[:_SERIES]
        versions: list[str] = []
        for version in newest:
            rest = [one.replace("{}", version) for one in segments[number + 1 :]]
            if "{}" in segment and not any(_is_series(one, current) for one in rest):
                # The folder is the version's own: that it is there is all that has to be known.
                versions.append(version)
                continue
            versions += await _inner(urljoin(base, f"{found[version]}/"), segments[number + 1 :], current, page)  # fmt: skip
        return tuple(dict.fromkeys(versions))
    return ()


async def _inner(base: str, segments: list[str], current: str, page: Page) -> tuple[str, ...]:
    try:
        return await _below(base, segments, current, page)
    except UpstreamError:
        # A folder that is listed and cannot be read costs what is in it, not the others.
        return ()


def _shape(segment: str, current: str, *, last: bool) -> re.Pattern[str] | None:
    """Return what other names of a segment look like; None: it does not go with the version."""
    if "{}" in segment:
        before, _, after = segment.partition("{}")
        behind = re.escape(after).replace(re.escape("{}"), "(?P=version)")
        return re.compile(f"{re.escape(before)}(?P<version>{_VERSION}?){behind}")
    if not last and _is_series(segment, current):
        return re.compile(r"v?(?P<version>\d+(?:\.\d+)*)")
    return None


def _is_series(segment: str, current: str) -> bool:
    """Whether a folder is that of all versions that begin alike: ``2.56`` of 2.56.1."""
    bare = segment.removeprefix("v")
    return bool(re.fullmatch(r"\d+(?:\.\d+)*", bare)) and current.startswith(f"{bare}.")


def _names(body: bytes, base: str) -> Iterable[str]:
    """Return the names in a directory that a page links to."""
    for link in _LINK.findall(body.decode("utf-8", "replace")):
        target = urljoin(base, html.unescape(link)).partition("?")[0].partition("#")[0]
        if target.startswith(base):
            yield unquote(target.removeprefix(base)).strip("/")


def _order(text: str) -> Version:
    try:
        return version_of(text)
    except InvalidNameError:
        return _LOWEST
