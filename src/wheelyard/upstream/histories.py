"""Which commit a revision of a git repository is, and its number along the first parents of its line.

For that a copy of each repository's history is kept, of commits only where its server can send those
alone, and brought up to date each time. Trees are fetched another way, one by one (``sources``).
"""

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import (
    ConfigurationError,
    NotUpstreamError,
    OfflineError,
    UpstreamError,
    nearest,
)
from wheelyard.model.command import Revision
from wheelyard.model.source import SourceKind
from wheelyard.upstream.address import Keyring, is_remote, path_of, url_of
from wheelyard.upstream.downloads import disk_faults
from wheelyard.upstream.git import COMMIT, Git, Repository
from wheelyard.upstream.references import parse_reference
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import shown

FOLDER = "repositories-1"
_HEAD = "refs/wheelyard/HEAD"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_COMMIT_LIKE = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@{}^~:-]*")
_FILE_BYTES = 64 << 10
_PAUSE_SECONDS = 0.05
_SHOWN = 5
_PLAIN_FILES = frozenset({"100644", "100755"})
_REFS = ("+HEAD:" + _HEAD, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A copy of a repository's history in ``folder``."""

    repository: Repository
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A commit, and the tip of the line that it is counted on."""

    commit: str
    tip: str


class Histories:
    """Looks revisions up; what it keeps lies in the cache."""

    def __init__(self, settings: UpstreamSettings, keyring: Keyring, git: Git) -> None:
        self._settings = settings
        self._keyring = keyring
        self._git = git

    async def address(self, text: str) -> str:
        """Return the address of a repository as it is kept: a path as a URL, and no secrets."""
        path = path_of(text)
        if path is not None and not text.startswith("file:"):
            path = path.expanduser().absolute()
            if not await asyncio.to_thread(path.is_dir):
                raise ConfigurationError(
                    f"{text!r} is no git repository",
                    hint="Give the path of one, or a URL: https://…, ssh://… or file://….",
                )
            text = url_of(path)
        parsed = parse_reference(f"git+{text}")
        if parsed.source.kind is not SourceKind.GIT or parsed.revision:
            raise ConfigurationError(
                f"{shown(parsed.source.location)} is given with a revision",
                hint=f"Give that with --revision {parsed.revision}.",
            )
        self._keyring.learn_reference(parsed.written)
        return parsed.source.location

    async def revision(self, address: str, asked: str, tolerance: int) -> Revision:
        """Find a revision, and the commits of its line that are at most ``tolerance`` away.

        Raises NotUpstreamError where there is none, UpstreamError where the repository fails.
        """
        if asked and not _REVISION.fullmatch(asked):
            raise _unknown(address, asked, "It begins with a letter or a digit, and has no spaces.")
        async with self._copy(address) as copy:
            found = await self._find(copy, asked)
            number = await self._count(copy, found.commit)
            line = await self._line(copy, found, number)
            seconds = await self._ask(copy, "log", "-1", "--format=%ct", found.commit)
            return Revision(
                asked=asked,
                commit=found.commit,
                number=number,
                seconds=int(seconds),
                near=await self._near(copy, line, number, tolerance) if tolerance else (),
            )

    async def file_at(self, address: str, commit: str, name: str) -> str | None:
        """Return the text of a file at the top of a tree; None where there is no such file."""
        async with self._copy(address, known=commit) as copy:
            listed = await self._ask(copy, "ls-tree", "-z", commit, "--", name)
            mode, _, rest = listed.partition(" ")
            if mode not in _PLAIN_FILES:
                return None
            blob = rest.split()[1]
            if int(await self._ask(copy, "cat-file", "-s", blob)) > _FILE_BYTES:
                raise ConfigurationError(
                    f"{name} of {shown(address)} has more than {_FILE_BYTES} bytes",
                    hint="Put what is long into files of its own.",
                )
            return await self._git.run(copy.repository, ["cat-file", "blob", blob], copy.folder)

    # --- the copy -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _copy(self, address: str, *, known: str = "") -> AsyncIterator[_Copy]:
        """Give the copy of a repository, up to date but for one that has ``known``, to one at a time."""
        repository = self._repository(address)
        name = hashlib.sha256(address.encode()).hexdigest()[:32]
        copy = _Copy(repository=repository, folder=self._settings.cache / FOLDER / name)
        with disk_faults():
            await asyncio.to_thread(copy.folder.mkdir, parents=True, exist_ok=True)
            lock = await _locked(copy.folder.with_name(f"{name}.lock"))
        try:
            if not (known and await self._has(copy, known)):
                await self._update(copy)
            yield copy
        finally:
            os.close(lock)

    async def _update(self, copy: _Copy) -> None:
        # The last to be made of a new copy; a run that was killed may have left a part of one.
        whole = copy.folder / "whole"
        there = await asyncio.to_thread(whole.is_file)
        if self._settings.offline and not copy.repository.is_local:
            if not there:
                raise OfflineError(
                    f"The history of {shown(copy.repository.url)} is not in the cache, "
                    "and the network is off",
                    hint="Run once without --offline.",
                )
            return
        if not there:
            url = copy.repository.url
            await self._git.run(copy.repository, ["init", "--quiet", "--bare", str(copy.folder)])
            await self._ask(copy, "config", "remote.origin.url", url)
            await asyncio.to_thread(whole.touch)
        await asyncio.to_thread(_unlock, copy.folder)
        if not await self._ask(copy, "ls-remote", "origin", "HEAD"):
            raise NotUpstreamError(
                f"{shown(copy.repository.url)} has no commit on its default branch",
                hint="Push one, or let its HEAD name a branch that there is.",
            )
        fetch = ["fetch", "--quiet", "--prune", "--no-tags", "--filter=tree:0", "origin"]
        await self._ask(copy, *fetch, *_REFS)

    def _repository(self, address: str) -> Repository:
        if not is_remote(address):
            return Repository(url=address)
        return Repository(
            url=address,
            credentials=self._keyring.credentials(address),
            whole=self._keyring.whole(address),
        )

    async def _ask(self, copy: _Copy, *arguments: str) -> str:
        return (await self._git.run(copy.repository, arguments, copy.folder)).strip()

    async def _has(self, copy: _Copy, name: str) -> str:
        """Return the commit that a name stands for in the copy; empty where there is none."""
        try:
            return await self._ask(copy, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except UpstreamError:
            return ""

    # --- what a revision is -----------------------------------------------------------------------

    async def _find(self, copy: _Copy, asked: str) -> _Found:
        head = await self._has(copy, _HEAD)
        if not asked:
            return _Found(commit=head, tip=head)
        branch, colon, number = asked.rpartition(":")
        if colon:
            return await self._numbered(copy, asked, await self._branch(copy, branch), number)
        if tip := await self._has(copy, f"refs/heads/{asked}"):
            return _Found(commit=tip, tip=tip)
        if tagged := await self._has(copy, f"refs/tags/{asked}"):
            return _Found(commit=tagged, tip=head)
        if _NUMBER.fullmatch(asked) and int(asked) <= await self._count(copy, head):
            return await self._numbered(copy, asked, head, asked)
        if commit := await self._commit(copy, asked):
            return _Found(commit=commit, tip=head)
        raise await self._no_such(copy, asked, head)

    async def _commit(self, copy: _Copy, asked: str) -> str:
        """Return the commit of a hash, its beginning, or an expression like ``main~3``; or nothing."""
        lower = asked.lower()
        commit = await self._has(copy, lower if _COMMIT_LIKE.fullmatch(asked) else asked)
        if commit or not COMMIT.fullmatch(lower):
            return commit
        try:
            # On no branch: some servers give it out all the same.
            await self._ask(copy, "fetch", "--quiet", "--filter=tree:0", "origin", lower)
        except UpstreamError:
            return ""
        return await self._has(copy, lower)

    async def _branch(self, copy: _Copy, branch: str) -> str:
        tip = await self._has(copy, f"refs/heads/{branch}")
        if tip:
            return tip
        names = await self._names(copy, "refs/heads")
        hint = nearest(branch, names) or f"There are {', '.join(names[:_SHOWN])}."
        raise _unknown(copy.repository.url, branch, hint, kind="branch")

    async def _numbered(self, copy: _Copy, asked: str, tip: str, number: str) -> _Found:
        count = await self._count(copy, tip)
        if not _NUMBER.fullmatch(number) or int(number) > count:
            hint = f"That line has revisions 1 to {count}; write BRANCH:NUMBER, for example main:1."
            raise _unknown(copy.repository.url, asked, hint)
        ((_, commit),) = await self._slice(copy, tip, count, int(number), int(number))
        return _Found(commit=commit, tip=tip)

    async def _no_such(self, copy: _Copy, asked: str, head: str) -> NotUpstreamError:
        if _NUMBER.fullmatch(asked):
            count = await self._count(copy, head)
            said = f"Its default branch has revisions 1 to {count}, and no commit begins so."
            return _unknown(copy.repository.url, asked, said)
        names = await self._names(copy, "refs/heads", "refs/tags")
        usual = "Give a branch, a tag, a commit that was pushed, or a revision's number."
        return _unknown(copy.repository.url, asked, nearest(asked, names) or usual)

    async def _names(self, copy: _Copy, *prefixes: str) -> list[str]:
        return (
            await self._ask(copy, "for-each-ref", "--format=%(refname:strip=2)", *prefixes)
        ).split("\n")

    # --- numbers ----------------------------------------------------------------------------------

    async def _count(self, copy: _Copy, commit: str) -> int:
        return int(await self._ask(copy, "rev-list", "--first-parent", "--count", commit))

    async def _line(self, copy: _Copy, found: _Found, number: int) -> str:
        """Return the tip of the line that a commit is on: that of its branch, or itself."""
        count = await self._count(copy, found.tip)
        if number <= count:
            ((_, commit),) = await self._slice(copy, found.tip, count, number, number)
            if commit == found.commit:
                return found.tip
        return found.commit

    async def _near(
        self, copy: _Copy, tip: str, number: int, tolerance: int
    ) -> tuple[tuple[int, str], ...]:
        count = await self._count(copy, tip)
        first, last = max(1, number - tolerance), min(count, number + tolerance)
        commits = await self._slice(copy, tip, count, first, last)
        return tuple(one for one in commits if one[0] != number)

    async def _slice(
        self, copy: _Copy, tip: str, count: int, first: int, last: int
    ) -> Sequence[tuple[int, str]]:
        """Return the commits of a line with their numbers, the newest first."""
        limits = [f"--skip={count - last}", f"--max-count={last - first + 1}"]
        listed = await self._ask(copy, "rev-list", "--first-parent", *limits, tip)
        return [(last - place, commit) for place, commit in enumerate(listed.split())]


def _unknown(address: str, asked: str, hint: str, *, kind: str = "revision") -> NotUpstreamError:
    return NotUpstreamError(f"{shown(address)} has no {kind} {asked!r}", hint=hint)


def _unlock(folder: Path) -> None:
    """Remove the locks that a killed git left; we have the copy to ourselves."""
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)


async def _locked(path: Path) -> int:
    """Wait for the lock of a copy and return its descriptor, which gives it up when it is closed."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    os.utime(path)
    try:
        # In a thread that would go on waiting when this task is cancelled, so now and then instead.
        while not _try(descriptor):  # noqa: ASYNC110 - the kernel tells nobody that a lock is free
            await asyncio.sleep(_PAUSE_SECONDS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
