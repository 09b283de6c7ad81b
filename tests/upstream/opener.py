"""The client on a cache and blobs that outlive it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from upstream.archives import sha256
from wheelyard.errors import DigestMismatchError, StoreError
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.settings import UpstreamSettings


class FolderBlobs:
    """The Blobs port, as small as it can be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def add_bytes(self, content: bytes) -> str:
        name = sha256(content)
        (self._folder / name).write_bytes(content)
        return f"sha256:{name}"

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        content = path.read_bytes()
        if digest and digest != f"sha256:{sha256(content)}":
            raise DigestMismatchError(f"{path} is not {digest}")
        return await self.add_bytes(content)

    def path(self, digest: str) -> Path | None:
        path = self._folder / digest.removeprefix("sha256:")
        return path if digest.startswith("sha256:") and path.is_file() else None

    async def read(self, digest: str) -> bytes:
        path = self.path(digest)
        if path is None:
            raise StoreError(f"{digest} is not there")
        return path.read_bytes()

    def digests(self) -> Sequence[str]:
        return [f"sha256:{path.name}" for path in self._folder.iterdir()]

    async def remove(self, digest: str) -> None:
        path = self.path(digest)
        if path:
            path.unlink()


class Opener:
    """Opens the client on the same cache and blobs again and again; ``delays`` are those it took."""

    def __init__(self, tmp_path: Path, blobs: FolderBlobs) -> None:
        self.delays: list[float] = []
        self.time = 1_000_000.0
        self.cache = tmp_path / "cache"
        self.netrc = tmp_path / "netrc"
        self._blobs = blobs

    def settings(self, *indexes: str, **changes: object) -> UpstreamSettings:
        return UpstreamSettings(indexes=indexes, cache=self.cache, **changes)  # type: ignore[arg-type]

    @asynccontextmanager
    async def __call__(self, *indexes: str, **changes: object) -> AsyncIterator[IndexUpstream]:
        async def delay(seconds: float) -> None:
            self.delays.append(seconds)

        async with IndexUpstream(
            settings=self.settings(*indexes, **changes),
            blobs=self._blobs,
            now=lambda: self.time,
            delay=delay,
            netrc_file=self.netrc,
        ) as upstream:
            yield upstream
