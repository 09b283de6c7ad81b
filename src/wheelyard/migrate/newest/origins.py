"""Where new versions of a recipe show: read from the addresses of its sources.

An address is known by its shape, not by its host, so that a mirror or a forge of one's own counts like
the public one: PyPI's ``/packages/source/n/name/``, a forge's ``/owner/repo/archive/``, npm's ``/-/``, crates' API,
CRAN's ``/src/contrib/``. What has none of these shapes is watched by its own directory, and by trying
the next versions.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit, urlunsplit


class OriginKind(StrEnum):
    """What is asked for versions; the names are those of conda-forge.yml where it has one."""

    PYPI = "pypi"
    GITHUB_RELEASES = "githubreleases"
    GIT_TAGS = "github"
    NPM = "npm"
    CRATES = "crates"
    CRAN = "cran"
    URL = "rawurl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One place to ask. ``name`` is the project's there; ``address`` where that is, as far as the recipe tells.

    ``pattern`` is how a version is written in tags or addresses: a text with ``{}`` in its place (all of
    them), or empty where the recipe does not tell.
    """

    kind: OriginKind
    name: str
    address: str = ""
    pattern: str = ""


_SDIST = re.compile(
    r"^(?P<name>.+)-(?P<version>[^-]*\d[^-]*)\.(?:tar\.gz|tgz|tar\.bz2|tar\.xz|zip)$"
)
_PYPI = re.compile(r"/packages/(?:source|[\w.]+)/./(?P<name>[^/]+)/[^/]+$")
_PYPI_HASHED = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{50,64}/(?P<file>[^/]+)$")
_WHEEL = re.compile(r"^(?P<name>[^-]+)-[^-]+(?:-[^-]+)?-[^-]+-[^-]+-[^-]+\.whl$")
_RELEASES = re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/releases/download/(?P<tag>.+)/[^/]+$")
_ARCHIVE = re.compile(
    r"^/(?P<owner>[^/]+(?:/[^/]+)*?)/(?P<name>[^/]+)/(?:-/)?(?:archive|get|tarball|zipball|-/archive)/"
    r"(?:refs/tags/)?(?P<tag>.+)$"
)
_NPM = re.compile(r"^(?P<base>.*?)/(?P<name>(?:@[^/]+/)?[^/]+)/-/[^/]+\.tgz$")
_CRATES = re.compile(r"^(?P<base>.*)/api/v1/crates/(?P<name>[^/]+)/[^/]+/download$")
_CRATES_FILE = re.compile(r"/crates/(?P<name>[^/]+)/(?:(?P=name)-)?[^/]+(?:\.crate|/download)$")
_CRAN = re.compile(
    r"^(?P<base>.*/src/contrib)/(?:Archive/[^/]+/)?(?P<name>[A-Za-z][\w.]*)_[^/_]+\.tar\.gz$"
)
_SUFFIX = re.compile(r"(?:\.tar\.(?:gz|bz2|xz|zst|lz)|\.tgz|\.tbz2?|\.txz|\.zip)$")


def origins_of(
    urls: Sequence[str], git_urls: Iterable[str], version: str, *, only: Sequence[str] = ()
) -> tuple[Origin, ...]:
    """Return where to ask, best first, each once.

    ``urls`` are evaluated for ``version``. ``only`` are kinds that the recipe's settings name, in their
    order; empty means all.
    """
    found: dict[Origin, None] = {}
    for url in urls:
        for origin in _of_url(url, version):
            found.setdefault(origin)
    for url in git_urls:
        for origin in _of_git(url):
            found.setdefault(origin)
    if not only:
        return tuple(found)
    # The settings of the field say "github" for what forges tag.
    ranked = {kind: rank for rank, kind in enumerate(only)}
    wanted = [origin for origin in found if origin.kind in ranked]
    return tuple(sorted(wanted, key=lambda origin: ranked[origin.kind]))


def _of_url(url: str, version: str) -> Iterable[Origin]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ftp"}:
        return ()
    path = unquote(parts.path)
    for read in (_pypi, _npm, _crates, _cran):
        origin = read(url, path)
        if origin:
            return (origin,)
    return (*_forge(url, path, version), *_plain(url, version))


def _at(url: str, path: str) -> str:
    return urlunsplit((*urlsplit(url)[:2], path, "", ""))


def _pypi(_url: str, path: str) -> Origin | None:
    match = _PYPI.search(path)
    if match:
        return Origin(kind=OriginKind.PYPI, name=match["name"])
    match = _PYPI_HASHED.search(path)
    named = match and (_SDIST.match(match["file"]) or _WHEEL.match(match["file"]))
    return Origin(kind=OriginKind.PYPI, name=named["name"]) if named else None


def _npm(url: str, path: str) -> Origin | None:
    match = _NPM.match(path)
    # Forges write ``/-/archive/`` with a slash behind it, which is another shape.
    if not match:
        return None
    return Origin(kind=OriginKind.NPM, name=match["name"], address=_at(url, match["base"]))


def _crates(url: str, path: str) -> Origin | None:
    match = _CRATES.match(path)
    if match:
        address = _at(url, match["base"])
        return Origin(kind=OriginKind.CRATES, name=match["name"], address=address)
    match = _CRATES_FILE.search(path)
    return Origin(kind=OriginKind.CRATES, name=match["name"]) if match else None


def _cran(url: str, path: str) -> Origin | None:
    match = _CRAN.match(path)
    if not match:
        return None
    return Origin(kind=OriginKind.CRAN, name=match["name"], address=_at(url, match["base"]))


def _forge(url: str, path: str, version: str) -> Iterable[Origin]:
    match = _RELEASES.match(path)
    if match:
        address = _at(url, f"/{match['owner']}/{match['name']}")
        pattern = patterned(match["tag"], version)
        for kind in (OriginKind.GITHUB_RELEASES, OriginKind.GIT_TAGS):
            yield Origin(kind=kind, name=match["name"], address=address, pattern=pattern)
        return
    match = _ARCHIVE.match(path)
    if match:
        address = _at(url, f"/{match['owner']}/{match['name']}")
        tag = _SUFFIX.sub("", match["tag"]).partition("/")[0]
        yield Origin(
            kind=OriginKind.GIT_TAGS,
            name=match["name"],
            address=address,
            pattern=patterned(tag, version),
        )


def _plain(url: str, version: str) -> Iterable[Origin]:
    pattern = patterned(url, version)
    path = urlsplit(url).path
    if pattern and not _ARCHIVE.match(path) and not _RELEASES.match(path):
        name = urlsplit(url).path.rpartition("/")[2]
        yield Origin(kind=OriginKind.URL, name=name, address=url, pattern=pattern)


def _of_git(url: str) -> Iterable[Origin]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ssh", "git"} or not parts.path.strip("/"):
        return ()
    name = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    # git's own protocol is neither checked nor spoken by forges any more.
    scheme = "https" if parts.scheme == "git" else parts.scheme
    address = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return (Origin(kind=OriginKind.GIT_TAGS, name=name, address=address),)


def patterned(text: str, version: str) -> str:
    """Return a text with ``{}`` wherever it writes a version, or nothing where it writes none.

    Versions are written with other signs between their numbers as well (``1_2_3``); and addresses name the
    folder of a series (``/1.2/``), which is left: see ``series``.
    """
    if not version or "{}" in text:
        return ""
    for written in spellings(version):
        whole = re.compile(rf"(?<![\d.]){re.escape(written)}(?![\d]|\.\d)")
        if whole.search(text):
            return whole.sub("{}", text)
    return ""


def spellings(version: str) -> tuple[str, ...]:
    """Return how a version may be written in a tag or an address, as it is first."""
    signs = ("_", "-", "")
    other = (re.sub(r"[._-]", sign, version) for sign in signs)
    # Two digits without a sign between them say nothing.
    return tuple(one for one in dict.fromkeys((version, *other)) if len(one) > 2 or one == version)  # noqa: PLR2004
