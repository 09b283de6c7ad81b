"""Asks one place for the versions of one project.

Where the place is comes from the recipe's own addresses; ``addresses`` (by kind) says where to ask instead, for
those who have a mirror, and where a recipe's address does not tell.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from wheelyard.errors import UpstreamError
from wheelyard.migrate.newest.choosing import versions_in
from wheelyard.migrate.newest.origins import Origin, OriginKind
from wheelyard.model.release import ProjectName, project_name
from wheelyard.model.source import ProjectPage
from wheelyard.upstream.address import is_remote
from wheelyard.upstream.files import listing
from wheelyard.upstream.git import Git, Repository
from wheelyard.upstream.transport import MISSING, Transport
from wheelyard.upstream.versions.directories import listed_versions, tried_versions
from wheelyard.upstream.versions.registries import (
    cran_versions,
    crates_versions,
    git_tags,
    npm_versions,
    release_tags,
)

if TYPE_CHECKING:
    import httpx

_LIMIT = 256 << 20
_PAGE_LIMIT = 16 << 20
_NPM = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"
_FOUND = 200


class Pages(Protocol):
    """Where a Python index's pages come from."""

    async def page(self, project: ProjectName) -> ProjectPage:
        """Return what the index says about a project. Raises UpstreamError."""
        ...


class VersionSources:
    """Asks for versions; every fault is an UpstreamError."""

    def __init__(
        self,
        *,
        index: Pages,
        transport: Transport,
        git: Git,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self._index = index
        self._transport = transport
        self._git = git
        self._addresses = addresses or {}
        self._cran: dict[str, Mapping[str, tuple[str, ...]]] = {}

    async def versions(
        self, origin: Origin, *, current: str, globs: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Return the versions that a place has of a project, in no order. Raises UpstreamError."""
        match origin.kind:
            case OriginKind.PYPI:
                return await self._of_index(origin)
            case OriginKind.GITHUB_RELEASES:
                body = await self._get(f"{origin.address}/releases.atom", limit=_PAGE_LIMIT)
                return self._of_tags(origin, release_tags(body), globs)
            case OriginKind.GIT_TAGS:
                listed = await self._git.tags(Repository(url=origin.address))
                return self._of_tags(origin, git_tags(listed), globs)
            case OriginKind.NPM:
                # A scope's slash belongs to the name.
                url = f"{self._address(origin)}/{quote(origin.name, safe='@')}"
                return npm_versions(await self._get(url, accept=_NPM), url)
            case OriginKind.CRATES:
                url = f"{self._address(origin)}/api/v1/crates/{quote(origin.name, safe='')}"
                return crates_versions(await self._get(url), url)
            case OriginKind.CRAN:
                return await self._of_cran(origin)
            case OriginKind.URL:
                return await self._of_url(origin, current)

    async def _of_index(self, origin: Origin) -> tuple[str, ...]:
        page = await self._index.page(project_name(origin.name))
        # Recipes are built from sdists; what has only wheels, or was withdrawn, is no version for them.
        return tuple(
            str(version)
            for version, files in listing(page).items()
            if files.sdists and files.yanked is None
        )

    async def _of_cran(self, origin: Origin) -> tuple[str, ...]:
        address = self._address(origin)
        if address not in self._cran:
            self._cran[address] = cran_versions(await self._get(f"{address}/PACKAGES"))
        return self._cran[address].get(origin.name, ())

    async def _of_url(self, origin: Origin, current: str) -> tuple[str, ...]:
        if not is_remote(origin.pattern):
            raise UpstreamError(
                f"{origin.address} is not asked for versions", hint="Only http and https are."
            )

        async def page(url: str) -> bytes:
            return await self._get(url, limit=_PAGE_LIMIT)

        try:
            found = await listed_versions(origin.pattern, current, page)
        except UpstreamError:
            # Most servers of files list nothing; then versions are tried.
            found = ()
        return found or await tried_versions(origin.pattern, current, self._is_there)

    def _of_tags(
        self, origin: Origin, tags: Sequence[str], globs: Sequence[str]
    ) -> tuple[str, ...]:
        return tuple(versions_in(tags, name=origin.name, pattern=origin.pattern, globs=globs))

    def _address(self, origin: Origin) -> str:
        address = self._addresses.get(origin.kind, origin.address).rstrip("/")
        if not address:
            raise UpstreamError(
                f"where {origin.kind} is asked for {origin.name!r} is not known: the recipe's address does not tell",
                hint=f"Name it: versions.{origin.kind} in wheelyard.toml.",
            )
        return address

    async def _get(self, url: str, *, accept: str = "*/*", limit: int = _LIMIT) -> bytes:
        answer = await self._transport.get(url, headers={"Accept": accept}, limit=limit)
        if answer.status in MISSING:
            raise UpstreamError(
                f"{url} is not there ({answer.status})", hint="See whether the project has moved."
            )
        return answer.body

    async def _is_there(self, url: str) -> bool:
        async def read(response: "httpx.Response") -> bool:
            kind = response.headers.get("content-type", "")
            # Some servers say "not found" with a page and the status of success.
            return response.status_code == _FOUND and not kind.startswith("text/html")

        try:
            return await self._transport.stream(url, headers={}, read=read)
        except UpstreamError:
            return False
