"""Sources of every kind, as archives in the blobs."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
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

    async def with_history(self, source: Source) -> Source:
        """Bring a tree once more, with its ``.git`` if it has one: versions may be made of that."""
        if source.kind is SourceKind.GIT:
            wanted = replace(source, history=True, archive="")
            return await self.git(wanted, source.digest.removeprefix("git:"))
        if not await asyncio.to_thread((Path(source.location) / ".git").exists):
            return source
        found = await self._folder(replace(source, history=True, archive="", digest=""))
        return found if found.history else source

    async def git(self, source: Source, revision: str) -> Source:
        """Bring the tree of a git source at a revision (empty: its HEAD)."""
        key = ("git", source.location, source.subdirectory, source.history, revision)
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
        repository = self._repository(source)
        if source.history:
            return await self._git_history(source, revision, repository)
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

    def _repository(self, source: Source) -> Repository:
        if not is_remote(source.location):
            return Repository(url=source.location)
        return Repository(
            url=source.location,
            credentials=self._keyring.credentials(source.location),
            whole=self._keyring.whole(source.location),
        )

    async def _git_history(self, source: Source, commit: str, repository: Repository) -> Source:
        """Bring a commit with what led to it; a tag that is new since then makes another archive."""
        if self._settings.offline and (known := await self._known(source, commit)):
            return known
        if self._settings.offline and not repository.is_local:
            raise OfflineError(
                f"{source.location} at {commit!r} is not in the cache with its history, "
                "and the network is off",
                hint="Run once without --offline.",
            )
        said = hashlib.sha256((await self._git.tags(repository)).encode()).hexdigest()
        if archive := await self._downloads.recall(f"{_key(source, f'git:{commit}')} {said}"):
            return _with_archive(source, f"git:{commit}", archive)
        async with self._downloads.scratch() as scratch:
            tree, history, file = scratch / "tree", scratch / "history", scratch / "archive"
            await self._git.check_out(repository, commit, tree, whole=True)
            await self._git.history(tree, history)
            await self._pack(
                tree, file, leave_out=is_version_control, follow_outside=False, history=history
            )
            archive = await self._blobs.add_file(file)
        for key in (_key(source, f"git:{commit}"), f"{_key(source, f'git:{commit}')} {said}"):
            await self._downloads.remember(key, archive)
        return _with_archive(source, f"git:{commit}", archive)

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
            if source.history:
                digest = await self._folder_history(folder, file, scratch / "history")
                source = replace(source, history=(scratch / "history").exists())
            else:
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

    async def _folder_history(self, folder: Path, file: Path, history: Path) -> str:
        """Pack a folder with its history, and name it by both."""
        said = await self._git.history(folder, history)
        leave_out: LeaveOut = is_leftover
        if said:
            # What is missing of what was committed would make the tree look changed.
            leave_out = _untracked(await self._git.tracked(folder))
        digest = await self._pack(folder, file, leave_out=leave_out, follow_outside=True)
        if not said:
            return digest
        # An archive of a history is another one each time; what it says is not.
        await self._pack(folder, file, leave_out=leave_out, follow_outside=True, history=history)
        return f"tree:{hashlib.sha256(f'{digest} {said}'.encode()).hexdigest()}"

    async def _pack(
        self,
        folder: Path,
        archive: Path,
        *,
        leave_out: LeaveOut,
        follow_outside: bool,
        history: Path | None = None,
    ) -> str:
        with disk_faults():
            return await asyncio.to_thread(
                pack,
                folder,
                archive,
                leave_out=leave_out,
                follow_outside=follow_outside,
                limit=self._settings.file_bytes,
                history=history,
            )


def _untracked(tracked: frozenset[str]) -> LeaveOut:
    """Leave out leftovers, unless they belong to the repository."""
    folders = {str(parent) for name in tracked for parent in PurePosixPath(name).parents}

    def leave_out(path: Path, root: Path) -> bool:
        name = path.relative_to(root).as_posix()
        return is_version_control(path, root) or (
            name not in tracked and name not in folders and is_leftover(path, root)
        )

    return leave_out


def _key(source: Source, digest: str) -> str:
    # A commit names its tree, but not where its submodules come from: the repository does.
    return f"{digest} {source.location}{' history' if source.history else ''}"


def _with_archive(source: Source, digest: str, archive: str) -> Source:
    filename = f"{digest.replace(':', '-')}.tar.gz"
    return replace(source, digest=digest, archive=archive, filename=source.filename or filename)
