"""Direct references: what a user writes in place of a requirement's version.

``git+https://…@rev#subdirectory=…``, the URL of an sdist, or a path; each may stand after ``name @``.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from wheelyard.errors import ConfigurationError, InvalidNameError
from wheelyard.model.release import ProjectName, project_name
from wheelyard.model.secrets import without_secrets
from wheelyard.model.source import Source, SourceKind
from wheelyard.upstream import digests
from wheelyard.upstream.address import bare, is_remote, path_of
from wheelyard.upstream.files import SDIST_SUFFIXES
from wheelyard.upstream.page_parts import file_name

_NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@\s*(\S.*)")
_GIT_SCHEMES = frozenset({"file", "https", "ssh"})
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@{}^~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a reference says: an unfetched source, the name before it, and a git revision.

    ``written`` is the address as it was written, credentials and all: not to be shown.
    """

    source: Source
    written: str
    project: ProjectName | None = None
    revision: str = ""


def parse_reference(text: str) -> Reference:
    """Read a reference. Raises InvalidNameError, or ConfigurationError for a path that is not there."""
    match = _NAMED.fullmatch(text)
    project = None
    if match and not Path(text).exists():
        project, text = project_name(match[1]), match[2]
    text = text.strip()
    if text.startswith("git+"):
        return _git(text.removeprefix("git+"), project)
    source = _remote(text) if is_remote(text) else _local(text)
    return Reference(source=source, written=text, project=project)


def _git(url: str, project: ProjectName | None) -> Reference:
    parts = urlsplit(url)
    if parts.scheme not in _GIT_SCHEMES:
        raise InvalidNameError(
            f"git cannot be used over {parts.scheme!r} in {without_secrets(url)!r}",
            hint="Write git+https://…, git+ssh://… or git+file://….",
        )
    path, separator, revision = parts.path.rpartition("@")
    if not separator:
        path, revision = parts.path, ""
    revision = unquote(revision)
    if separator and not _REVISION.fullmatch(revision):
        raise InvalidNameError(
            f"{revision!r} is not a git revision", hint="Give a branch, a tag or a commit."
        )
    fields = parse_qs(parts.fragment)
    location = bare(urlunsplit(parts._replace(path=path)))
    if parts.scheme == "ssh" and parts.username:
        # ssh needs its user name, which is no secret; a password there is not used.
        location = location.replace("://", f"://{parts.username}@", 1)
    source = Source(
        kind=SourceKind.GIT,
        location=location,
        digest="",
        subdirectory=_subdirectory(fields),
    )
    written = urlunsplit(parts._replace(path=path, fragment=""))
    return Reference(source=source, written=written, project=project, revision=revision)


def _remote(url: str) -> Source:
    parts = urlsplit(url)
    location = bare(url)
    filename = _sdist_name(file_name(location), location)
    return Source(
        kind=SourceKind.SDIST,
        location=location,
        digest=digests.from_fragment(parts.fragment),
        filename=filename,
        subdirectory=_subdirectory(parse_qs(parts.fragment)),
    )


def _local(text: str) -> Source:
    written, _, fragment = text.partition("#") if text.startswith("file:") else (text, "", "")
    path = path_of(written)
    if path is None:
        raise InvalidNameError(
            f"{without_secrets(text)!r} is not a reference to a source",
            hint="Write git+https://…@rev, the URL of an sdist, or a path.",
        )
    path = path.expanduser().absolute()
    if not path.exists():
        raise ConfigurationError(
            f"{str(path)!r} is not there", hint="Write the path of a folder or an sdist."
        )
    subdirectory = _subdirectory(parse_qs(fragment))
    if path.is_dir():
        return Source(
            kind=SourceKind.FOLDER,
            location=str(path.resolve()),
            digest="",
            subdirectory=subdirectory,
        )
    return Source(
        kind=SourceKind.SDIST,
        location=str(path.resolve()),
        digest=digests.from_fragment(fragment),
        filename=_sdist_name(path.name, str(path)),
        size=path.stat().st_size,
        subdirectory=subdirectory,
    )


def _sdist_name(name: str, where: str) -> str:
    if not name.lower().endswith(SDIST_SUFFIXES):
        raise InvalidNameError(
            f"{where!r} is not a source",
            hint=f"A source's name ends with {', '.join(SDIST_SUFFIXES)}; a wheel is built already.",
        )
    return name


def _subdirectory(fields: dict[str, list[str]]) -> str:
    text = next(iter(fields.get("subdirectory", ())), "").strip("/")
    if ".." in text.split("/") or "\\" in text:
        raise InvalidNameError(
            f"The subdirectory {text!r} leaves the source", hint="Write a path below its top."
        )
    return text
