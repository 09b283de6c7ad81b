"""Read an exported folder as installers do, and say what is wrong in it.

Everything is read again: pages, bytes, digests. What the export knew does not count.
"""

import asyncio
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from html.parser import HTMLParser
from io import BufferedReader
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit

from wheelyard.errors import StoreError
from wheelyard.index.address import METADATA_SUFFIX, sha256_of
from wheelyard.index.attested import TrustedKeys
from wheelyard.index.channel_verify import channel_faults
from wheelyard.index.export import HTML_NAME, JSON_NAME, SIMPLE
from wheelyard.index.wire import read_project_json, read_root_json
from wheelyard.model.channel import SUFFIXES
from wheelyard.model.source import FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong: the file it was found in, relative to the folder, and what it is."""

    path: PurePosixPath
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was read, and what was wrong in it."""

    projects: int
    files: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of an HTML page: its text and its attributes."""

    text: str
    attributes: dict[str, str]


async def verify(
    output: Path, keys: TrustedKeys | None = None, *, unsigned: bool = False
) -> Verification:
    """Check an exported folder. Raises StoreError where there is none.

    Without keys, provenance is not looked at; ``unsigned``: files may have none.
    """
    if not (output / SIMPLE).is_dir():
        raise StoreError(
            f"'{output}' holds no index",
            hint="Name the folder that holds simple/: wheelyard index export writes one.",
        )
    return await asyncio.to_thread(_Verification(output, keys, unsigned=unsigned).run)


def read_links(html: bytes) -> list[Link]:
    """Read the links of a page in their order."""
    reader = _LinkReader()
    reader.feed(html.decode(errors="replace"))
    reader.close()
    return reader.links


class _LinkReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._open: dict[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open = {name: value or "" for name, value in attrs}
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.links.append(Link(self._text, self._open))
            self._open = None


class _Verification:
    def __init__(self, output: Path, keys: TrustedKeys | None, *, unsigned: bool) -> None:
        self._output = output
        self._keys = keys
        self._unsigned = unsigned
        self._files = 0

    def run(self) -> Verification:
        projects = self._listed_projects()
        findings = [*self._root(projects)]
        for project in projects:
            findings += self._project(project)
        findings += self._channel()
        return Verification(projects=len(projects), files=self._files, findings=tuple(findings))

    def _channel(self) -> Iterator[Finding]:
        for path, fault in channel_faults(self._output):
            if fault:
                yield Finding(path=path, problem=fault)
            self._files += path.name.endswith(SUFFIXES)

    def _listed_projects(self) -> list[str]:
        """Return every project that has a page or is linked to."""
        folders = {path.parent.name for path in (self._output / SIMPLE).glob(f"*/{HTML_NAME}")}
        root = self._read(SIMPLE / HTML_NAME) or b""
        return sorted(folders | {link.text for link in read_links(root)})

    def _root(self, projects: list[str]) -> Iterator[Finding]:
        html = self._read(SIMPLE / HTML_NAME)
        json = self._read(SIMPLE / JSON_NAME)
        if html is None:
            yield Finding(path=SIMPLE / HTML_NAME, problem="is not there")
            return
        linked = [link.text for link in read_links(html)]
        for project in sorted(set(projects) - set(linked)):
            yield Finding(path=SIMPLE / HTML_NAME, problem=f"does not link to {project}")
        if json is None or list(read_root_json(json) or ()) != linked:
            yield Finding(path=SIMPLE / JSON_NAME, problem=f"does not say what {HTML_NAME} says")

    def _project(self, project: str) -> Iterator[Finding]:
        place = SIMPLE / project
        html = self._read(place / HTML_NAME)
        if html is None:
            yield Finding(path=place / HTML_NAME, problem="is linked to and is not there")
            return
        page = read_project_json(self._read(place / JSON_NAME) or b"")
        if page is None:
            yield Finding(path=place / JSON_NAME, problem="is not there or cannot be read")
            return
        if [_as_link(entry) for entry in page.files] != [_plain(link) for link in read_links(html)]:
            yield Finding(path=place / JSON_NAME, problem=f"does not say what {HTML_NAME} says")
        for entry in page.files:
            yield from self._file(place, entry)

    def _file(self, place: PurePosixPath, entry: FileEntry) -> Iterator[Finding]:
        self._files += 1
        path = _resolve(place, entry.url)
        read = self._digest(path)
        if read is None:
            problem = f"is linked to by {place / HTML_NAME} and is not there"
            yield Finding(path=path, problem=problem)
            return
        if read != entry.digest:
            yield Finding(path=path, problem="has other bytes than its page says")
        if entry.size is not None and (self._output / path).stat().st_size != entry.size:
            yield Finding(path=path, problem="has another size than its page says")
        if entry.metadata_digest is not None:
            yield from self._metadata(path, entry.metadata_digest)
        if self._keys is not None:
            yield from self._provenance(self._keys, place, path, entry)

    def _provenance(
        self, keys: TrustedKeys, place: PurePosixPath, wheel: PurePosixPath, entry: FileEntry
    ) -> Iterator[Finding]:
        if not entry.provenance:
            if not self._unsigned:
                yield Finding(path=wheel, problem="has no provenance")
            return
        path = _resolve(place, entry.provenance)
        content = self._read(path)
        problem = "is announced and is not there"
        if content is not None:
            problem = keys.problem(content, filename=entry.filename, digest=entry.digest)
        if problem:
            yield Finding(path=path, problem=problem)

    def _metadata(self, wheel: PurePosixPath, digest: str) -> Iterator[Finding]:
        path = wheel.with_name(wheel.name + METADATA_SUFFIX)
        content = self._read(path)
        if content is None:
            yield Finding(path=path, problem="is announced and is not there")
            return
        if _sha256(content) != digest:
            yield Finding(path=path, problem="has other bytes than its page says")
        if content not in _metadata_of(self._output / wheel):
            yield Finding(path=path, problem="is not the METADATA of its wheel")

    def _read(self, path: PurePosixPath) -> bytes | None:
        with self._opened(path) as file:
            return None if file is None else file.read()

    def _digest(self, path: PurePosixPath) -> str | None:
        with self._opened(path) as file:
            if file is None:
                return None
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    @contextmanager
    def _opened(self, path: PurePosixPath) -> Iterator[BufferedReader | None]:
        place = self._output / path
        try:
            with place.open("rb") if place.is_file() else nullcontext() as file:
                yield file
        except OSError as error:
            raise StoreError(
                f"'{place}' cannot be read: {error.strerror}",
                hint="Check the folder's permissions and its disk.",
            ) from error


def _resolve(place: PurePosixPath, url: str) -> PurePosixPath:
    """Follow a link from the page of a project."""
    path = place
    for part in PurePosixPath(unquote(urlsplit(url).path)).parts:
        path = path.parent if part == ".." else path / part
    return path


def _metadata_of(wheel: Path) -> Iterable[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            return [archive.read(name) for name in names]
    except (OSError, zipfile.BadZipFile):
        return []


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _as_link(entry: FileEntry) -> tuple[str, str, str, str, str | None, str, str]:
    """Return what HTML must say of an entry."""
    metadata = f"sha256={sha256_of(entry.metadata_digest)}" if entry.metadata_digest else ""
    return (
        entry.filename,
        entry.url,
        f"sha256={sha256_of(entry.digest)}",
        entry.requires_python,
        entry.yanked,
        metadata,
        entry.provenance,
    )


def _plain(link: Link) -> tuple[str, str, str, str, str | None, str, str]:
    url, fragment = urldefrag(link.attributes.get("href", ""))
    return (
        link.text,
        url,
        fragment,
        link.attributes.get("data-requires-python", ""),
        link.attributes.get("data-yanked"),
        link.attributes.get("data-core-metadata", ""),
        link.attributes.get("data-provenance", ""),
    )
