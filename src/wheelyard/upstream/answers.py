"""What the network says to an edit of a recipe: digests of files, and the files of a project."""

import asyncio
import hashlib
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from wheelyard.errors import InvalidNameError, NotUpstreamError, UpstreamError
from wheelyard.model.release import project_name
from wheelyard.upstream.address import Keyring
from wheelyard.upstream.index import open_index
from wheelyard.upstream.page_cache import PageCache
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import Delay, Transport, too_large, wait

if TYPE_CHECKING:
    import httpx


class NetworkAnswers:
    """Asks when it is asked. ``digest`` and ``files`` block: call them from a thread of their own.

    What isn't there is None, and so is what can't be had just now, because another mirror may have it;
    ``faults`` tells the two apart. A host that can't be reached is asked no second time.
    """

    def __init__(
        self, settings: UpstreamSettings, loop: asyncio.AbstractEventLoop, *, delay: Delay = wait
    ) -> None:
        self._settings = settings
        self._loop = loop
        self.faults: list[str] = []
        self._unreachable: set[str] = set()
        self._transport = Transport(settings, Keyring(settings.indexes), delay=delay)
        cache = PageCache(settings.cache)
        self._indexes = tuple(
            open_index(text, transport=self._transport, cache=cache, settings=settings)
            for text in settings.indexes
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.close()

    def digest(self, url: str, kind: str) -> str | None:
        """Fetch an address and give the digest of what it holds; None where nothing is there."""
        return asyncio.run_coroutine_threadsafe(self._digest(url, kind), self._loop).result()

    def files(self, project: str) -> tuple[str, ...] | None:
        """Give the file names that the first index which knows a project has of it."""
        return asyncio.run_coroutine_threadsafe(self._files(project), self._loop).result()

    async def _digest(self, url: str, kind: str) -> str | None:
        host = urlsplit(url).netloc
        if not url.startswith(("https://", "http://")) or host in self._unreachable:
            return None
        limit = self._settings.file_bytes

        async def read(response: "httpx.Response") -> str | None:
            if not response.is_success:
                return None
            made = hashlib.new(kind, usedforsecurity=False)
            length = 0
            async for chunk in response.aiter_bytes():
                made.update(chunk)
                length += len(chunk)
                if length > limit:
                    raise too_large(url, limit)
            return made.hexdigest()

        try:
            return await self._transport.stream(url, headers={}, read=read)
        except UpstreamError as error:
            self.faults.append(error.message)
            if "denies access" not in error.message:
                self._unreachable.add(host)
            return None

    async def _files(self, project: str) -> tuple[str, ...] | None:
        try:
            name = project_name(project)
        except InvalidNameError:
            return None
        for index in self._indexes:
            try:
                page = await index.page(name)
            except NotUpstreamError:
                continue
            except UpstreamError as error:
                self.faults.append(error.message)
                return None
            if page is not None:
                return tuple(entry.filename for entry in page.files)
        return None
