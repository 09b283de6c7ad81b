"""What registries of packages answer about versions: npm, crates, CRAN. Bytes in, versions out."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.recipes.version_order import version_of

_Read = TypeVar("_Read", bound=msgspec.Struct)


class _NpmVersion(msgspec.Struct):
    deprecated: object = None


class _Npm(msgspec.Struct):
    versions: dict[str, _NpmVersion] = {}
    tags: dict[str, str] = msgspec.field(name="dist-tags", default_factory=dict)


class _Crate(msgspec.Struct):
    num: str
    yanked: bool = False


class _Crates(msgspec.Struct):
    versions: list[_Crate] = []


def npm_versions(body: bytes, where: str) -> tuple[str, ...]:
    """Return the versions that npm has, without what is deprecated or beyond what it calls latest."""
    said = _decoded(body, _Npm, where)
    latest = said.tags.get("latest", "")
    return tuple(
        version
        for version, about in said.versions.items()
        if not about.deprecated and not _is_beyond(version, latest)
    )


def crates_versions(body: bytes, where: str) -> tuple[str, ...]:
    """Return the versions of a crate that were not yanked."""
    return tuple(one.num for one in _decoded(body, _Crates, where).versions if not one.yanked)


def cran_versions(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """Read ``PACKAGES`` of a repository of R: versions by package."""
    found: dict[str, tuple[str, ...]] = {}
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version): *(\S+)", stanza, re.MULTILINE))
        if "Package" in fields and "Version" in fields:
            name = fields["Package"]
            # conda writes R's hyphens as underscores.
            found[name] = (*found.get(name, ()), fields["Version"].replace("-", "_"))
    return found


def release_tags(body: bytes) -> tuple[str, ...]:
    """Read the tags in a forge's feed of releases, newest first; links alone are looked at."""
    links = re.findall(rb"/releases/tag/([^\"'<>\s?#]+)", body)
    return tuple(dict.fromkeys(unquote(link.decode("utf-8", "replace")) for link in links))


def git_tags(listed: str) -> tuple[str, ...]:
    """Read the tags that ``git ls-remote --tags`` lists."""
    names = (line.partition("\trefs/tags/")[2] for line in listed.splitlines())
    return tuple(dict.fromkeys(name.removesuffix("^{}") for name in names if name))


def _is_beyond(version: str, latest: str) -> bool:
    try:
        return bool(latest) and version_of(version) > version_of(latest)
    except InvalidNameError:
        return False


def _decoded(body: bytes, kind: type[_Read], where: str) -> _Read:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamError(
            f"{where} answers what is no list of versions: {error}",
            hint="Check its address; it may be a page that asks to sign in.",
        ) from error
