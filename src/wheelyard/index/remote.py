"""Reads an index over HTTP as installers do, every file of it, and says what is wrong."""

import asyncio
import hashlib
from pathlib import PurePosixPath
from urllib.parse import urljoin

import httpx
import msgspec

from wheelyard.errors import UpstreamError
from wheelyard.index.address import METADATA_SUFFIX
from wheelyard.index.attested import TrustedKeys
from wheelyard.index.negotiation import Form
from wheelyard.index.verify import Finding, Verification

_AT_ONCE = 8
_SECONDS = 60.0


class _Listed(msgspec.Struct):
    name: str


class _Root(msgspec.Struct):
    projects: list[_Listed]


class _File(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str]
    core_metadata: bool | dict[str, str] = False
    provenance: str | None = None


class _Project(msgspec.Struct):
    files: list[_File]


async def verify_url(url: str, keys: TrustedKeys | None, *, unsigned: bool) -> Verification:
    """Check the index at an address that ends in ``simple/``. Raises UpstreamError where it cannot be read.

    Without keys, provenance is not looked at; ``unsigned``: files may have none.
    """
    address = url if url.endswith("/") else f"{url}/"
    async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=True) as client:
        return await _Reader(client, address, keys, unsigned=unsigned).run()


class _Reader:
    def __init__(
        self, client: httpx.AsyncClient, address: str, keys: TrustedKeys | None, *, unsigned: bool
    ) -> None:
        self._client = client
        self._address = address
        self._keys = keys
        self._unsigned = unsigned
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._findings: list[Finding] = []
        self._files = 0

    async def run(self) -> Verification:
        root = msgspec.convert(await self._page(self._address), _Root)
        async with asyncio.TaskGroup() as group:
            for project in root.projects:
                group.create_task(self._project(project.name))
        findings = sorted(self._findings, key=lambda one: str(one.path))
        return Verification(
            projects=len(root.projects), files=self._files, findings=tuple(findings)
        )

    async def _project(self, name: str) -> None:
        address = urljoin(self._address, f"{name}/")
        async with self._room:
            page = msgspec.convert(await self._page(address), _Project)
            for file in page.files:
                self._files += 1
                await self._file(file, urljoin(address, file.url), address)

    async def _file(self, file: _File, address: str, page: str) -> None:
        found = await self._digest(address)
        announced = f"sha256:{file.hashes.get('sha256', '')}"
        if found != announced:
            self._find(
                file.filename, "has other bytes than its page says" if found else "is not there"
            )
            return
        if isinstance(file.core_metadata, dict):
            metadata = await self._digest(address + METADATA_SUFFIX)
            if metadata != f"sha256:{file.core_metadata.get('sha256', '')}":
                self._find(file.filename + METADATA_SUFFIX, "has other bytes than its page says")
        if self._keys is not None:
            await self._provenance(self._keys, file, page)

    async def _provenance(self, keys: TrustedKeys, file: _File, page: str) -> None:
        if not file.provenance:
            if not self._unsigned:
                self._find(file.filename, "has no provenance")
            return
        answer = await self._get(urljoin(page, file.provenance))
        digest = f"sha256:{file.hashes.get('sha256', '')}"
        problem = "is not there"
        if answer.is_success:
            problem = keys.problem(answer.content, filename=file.filename, digest=digest)
        if problem:
            self._find(f"{file.filename}.provenance", problem)

    async def _digest(self, address: str) -> str:
        """Return the digest of what lies at an address, or an empty string."""
        digest = hashlib.sha256()
        try:
            async with self._client.stream("GET", address) as answer:
                if not answer.is_success:
                    return ""
                async for chunk in answer.aiter_raw():
                    digest.update(chunk)
        except httpx.HTTPError as error:
            raise _unreadable(address, error) from error
        return f"sha256:{digest.hexdigest()}"

    async def _page(self, address: str) -> object:
        answer = await self._get(address)
        try:
            answer.raise_for_status()
            return msgspec.json.decode(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise _unreadable(address, error) from error

    async def _get(self, address: str) -> httpx.Response:
        try:
            return await self._client.get(address, headers={"Accept": Form.JSON_V1})
        except httpx.HTTPError as error:
            raise _unreadable(address, error) from error

    def _find(self, filename: str, problem: str) -> None:
        self._findings.append(Finding(path=PurePosixPath(filename), problem=problem))


def _unreadable(address: str, error: Exception) -> UpstreamError:
    return UpstreamError(
        f"the index cannot be read at {address}: {str(error) or type(error).__name__}",
        hint="Give the address of its pages, which ends in /simple/; it must speak JSON (PEP 691).",
    )
