"""Sources of every kind, as archives in the blobs."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from wheelyard.errors import DigestMismatchError, OfflineError, UpstreamError
from wheelyard.model.source import Source, SourceKind
from wheelyard.ports import Blobs
from wheelyard.upstream.address import Keyring, is_remote
from wheelyard.upstream.downloads import Downloads, Wanted, disk_faults
from wheelyard.upstream.flights import Flights
from wheelyard.upstream.git import COMMIT, Git, Repository
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.trees import LeaveOut, is_leftover, is_version_control, pack


class Sources:
    """Brings sources in; each method answers with the source as it is after that."""

    def __init__(
        self,
        settings: UpstreamSettings,
        downloads: Downloads,
        blobs: Blobs,
        keyring: Keyring,
        *,
        git: Git,
    ) -> None:
        self._settings = settings
        self._downloads = downloads
        self._blobs = blobs
        self._keyring = keyring
        self._git = git
        self._flights: Flights[Source] = Flights()

    async def bring(self, source: Source) -> Source:
        """Bring a source into the blobs and return it with digest and archive. Raises UpstreamError."""
        if source.archive and self._blobs.path(source.archive):
            return source
        match source.kind:
            case SourceKind.SDIST:
                return await self._sdist(source)
            case SourceKind.GIT:
                return await self.git(source, source.digest.removeprefix("git:"))
            case SourceKind.FOLDER:
                return await self._folder(source)
            case _:
                assert_never(source.kind)

    async def git(self, source: Source, revision: str) -> Source:
        """Bring the tree of a git source at a revision (empty: its HEAD)."""
        key = ("git", source.location, source.subdirectory, revision)
        return await self._flights.join(key, lambda: self._git_tree(source, revision))

    async def _sdist(self, source: Source) -> Source:
        digest = await self._downloads.bring(
            Wanted(
                url=source.location,
                filename=source.filename,
                digest=source.digest,
                size=source.size,
            )
        )
        return replace(source, digest=digest, archive=digest)

    async def _git_tree(self, source: Source, revision: str) -> Source:
        repository = Repository(
            url=source.location,
            credentials=self._keyring.credentials(source.location)
            if is_remote(source.location)
            else None,
        )
        if COMMIT.fullmatch(revision) and (known := await self._known(source, revision)):
            return known
        if self._settings.offline and not repository.is_local:
            raise OfflineError(
                f"{source.location} at {revision or 'HEAD'!r} is not in the cache, "
                "and the network is off",
                hint="Name the whole commit, or run once without --offline.",
            )
        commit = await self._git.commit_of(repository, revision)
        if commit and (known := await self._known(source, commit)):
            return known
        async with self._downloads.scratch() as scratch:
            tree = scratch / "tree"
            commit = await self._git.check_out(repository, commit or revision, tree)
            archive = scratch / "archive"
            await self._pack(tree, archive, leave_out=is_version_control, follow_outside=False)
            digest = await self._blobs.add_file(archive)
        await self._downloads.remember(_key(source, f"git:{commit}"), digest)
        return _with_archive(source, f"git:{commit}", digest)

    async def _known(self, source: Source, commit: str) -> Source | None:
        digest = f"git:{commit}"
        archive = await self._downloads.recall(_key(source, digest))
        return _with_archive(source, digest, archive) if archive else None

    async def _folder(self, source: Source) -> Source:
        if source.digest and (archive := await self._downloads.recall(source.digest)):
            return _with_archive(source, source.digest, archive)
        folder = Path(source.location)
        if not await asyncio.to_thread(folder.is_dir):
            raise UpstreamError(
                f"The folder {source.location!r} is not there", hint="It was moved or removed."
            )
        async with self._downloads.scratch() as scratch:
            file = scratch / "archive"
            digest = await self._pack(folder, file, leave_out=is_leftover, follow_outside=True)
            if source.digest not in {"", digest}:
                raise DigestMismatchError(
                    f"The folder {source.location!r} is {digest} where {source.digest} is wanted",
                    hint="It was changed since; plan again.",
                )
            archive = await self._downloads.recall(digest)
            archive = archive or await self._blobs.add_file(file)
        await self._downloads.remember(digest, archive)
        return _with_archive(source, digest, archive)

    async def _pack(
        self,
        folder: Path,
        archive: Path,
        *,
        leave_out: LeaveOut,
        follow_outside: bool,
    ) -> str:
        with disk_faults():
            return await asyncio.to_thread(
                pack,
                folder,
                archive,
                leave_out=leave_out,
                follow_outside=follow_outside,
                limit=self._settings.file_bytes,
            )


def _key(source: Source, digest: str) -> str:
    # A commit names its tree, but not where its submodules come from: the repository does.
    return f"{digest} {source.location}"


def _with_archive(source: Source, digest: str, archive: str) -> Source:
    filename = f"{digest.replace(':', '-')}.tar.gz"
    return replace(source, digest=digest, archive=archive, filename=source.filename or filename)
