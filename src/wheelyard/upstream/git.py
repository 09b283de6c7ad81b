"""The tree of a git repository at a commit, by git's own command.

git gets no terminal, no hooks and no protocol beyond https, ssh and, for repositories of this
machine, files: what a repository says about itself or its submodules cannot make it do more.
Credentials and queries go to it in its environment, where other users of the machine do not see them.
"""

import asyncio
import base64
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wheelyard.errors import NotUpstreamError, ToolError, UpstreamError
from wheelyard.model.secrets import without_secrets
from wheelyard.upstream.address import Credentials, url_of
from wheelyard.upstream.transport import shown

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_NOT_OURS = "dubious ownership"
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a repository lies, without secrets; ``whole`` is its URL with them where it has a query."""

    url: str
    credentials: Credentials | None = None
    whole: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return self.url.startswith("file:")


class Git:
    """Runs git; ``seconds`` is how long one command may take."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds

    async def commit_of(self, repository: Repository, revision: str) -> str | None:
        """Return the commit of a branch, a tag or HEAD; None for what only its history knows."""
        if COMMIT.fullmatch(revision):
            return revision
        listed = await self.run(repository, ["ls-remote", "--", repository.url])
        lines = (line.partition("	") for line in listed.splitlines())
        commits = {name: commit for commit, _, name in lines}
        names = (revision, f"refs/tags/{revision}", f"refs/heads/{revision}", f"refs/{revision}")
        for name in names if revision else ("HEAD",):
            # An annotated tag is an object of its own; what it points to is listed beside it.
            found = commits.get(name + "^{}") or commits.get(name)
            if found:
                return found
        if revision and _SHORT.fullmatch(revision):
            return None
        raise NotUpstreamError(
            f"{shown(repository.url)} has no revision {revision or 'HEAD'!r}",
            hint="Give a branch, a tag or a commit that was pushed.",
        )

    async def tags(self, repository: Repository) -> str:
        """Return what a repository says of its tags, and of the commits that they stand for."""
        return await self.run(repository, ["ls-remote", "--tags", "--", repository.url])

    async def check_out(
        self, repository: Repository, revision: str, folder: Path, *, whole: bool = False
    ) -> str:
        """Write the tree at a revision, with its submodules, into a folder; return the commit.

        ``whole``: what led to it is fetched, too, with its tags.
        """
        await self.run(repository, ["init", "--quiet", str(folder)])
        await self.run(repository, ["remote", "add", "origin", repository.url], folder)
        target = await self._fetch(repository, revision, folder, whole=whole)
        await self.run(repository, ["checkout", "--quiet", "--detach", target], folder)
        if (folder / ".gitmodules").is_file():
            update = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"]
            await self.run(repository, update, folder)
        return (await self.run(repository, ["rev-parse", "HEAD"], folder)).strip()

    async def history(self, tree: Path, into: Path) -> str:
        """Write what led to a tree as its ``.git``, and return what that says: the commit and the tags.

        It has no remotes, hooks or settings of the original, none of which belong into an archive.
        Empty where the tree has no commit.
        """
        here = Repository(url=url_of(tree))
        clone = ["clone", "--quiet", "--bare", "--single-branch", "--template="]
        try:
            await self.run(here, ["rev-parse", "--verify", "--quiet", "HEAD"], tree)
        except UpstreamError as error:
            if _NOT_OURS in error.message:
                raise UpstreamError(
                    f"git does not read the history of {str(tree)!r}, which is another user's",
                    hint=f"Allow it: git config --global --add safe.directory {tree}",
                ) from error
            return ""
        await self.run(here, [*clone, "--", here.url, str(into)])
        await self.run(here, ["config", "--remove-section", "remote.origin"], into)
        await self.run(here, ["config", "core.bare", "false"], into)
        work = [f"--git-dir={into}", f"--work-tree={tree}"]
        # Without an index, everything would count as changed.
        await self.run(here, [*work, "read-tree", "HEAD"])
        commit = await self.run(here, [*work, "rev-parse", "--symbolic-full-name", "HEAD"])
        commit += await self.run(here, [*work, "rev-parse", "HEAD"])
        return commit + await self.run(here, [*work, "for-each-ref", "refs/tags"])

    async def tracked(self, tree: Path) -> frozenset[str]:
        """Return the files of a tree that belong to its repository, relative to the tree."""
        here = Repository(url=url_of(tree))
        return frozenset((await self.run(here, ["ls-files", "-z"], tree)).split("\0"))

    async def _fetch(
        self, repository: Repository, revision: str, folder: Path, *, whole: bool
    ) -> str:
        if COMMIT.fullmatch(revision):
            try:
                extent = ["--tags"] if whole else ["--depth", "1", "--no-tags"]
                fetch = ["fetch", "--quiet", *extent, "origin", revision]
                await self.run(repository, fetch, folder)
            except UpstreamError:
                # Old servers give out the tips of branches only; then all of history has to come.
                pass
            else:
                return revision
        every = ["fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"]
        await self.run(repository, every, folder)
        verify = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
        try:
            return (await self.run(repository, verify, folder)).strip()
        except UpstreamError:
            raise NotUpstreamError(
                f"{shown(repository.url)} has no commit {revision!r}",
                hint="Give a branch, a tag or a commit that was pushed.",
            ) from None

    async def run(
        self, repository: Repository, arguments: Sequence[str], folder: Path | None = None
    ) -> str:
        """Run a command of git and return what it prints. Raises UpstreamError where it fails."""
        place = ("-C", str(folder)) if folder else ()
        try:
            process = await asyncio.create_subprocess_exec(
                *("git", *_OPTIONS, *place, *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment_for(repository),
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(
                f"git cannot be run: {error.strerror}",
                hint="Install git; sources at a git commit need it.",
            ) from error
        try:
            async with asyncio.timeout(self._seconds):
                out, err = await process.communicate()
        except TimeoutError as error:
            raise UpstreamError(
                f"git {arguments[0]} of {shown(repository.url)} took more than {self._seconds:g} s",
                hint="Try again later.",
            ) from error
        finally:
            await _end(process)
        if process.returncode:
            raise UpstreamError(
                f"git {arguments[0]} of {shown(repository.url)} failed: {_reason(err)}",
                hint="Check the address, the revision and your access; git asks no questions here.",
            )
        return out.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill git and what it started, where it still runs."""
    if process.returncode is None:
        # It may have ended, and asyncio not have heard of it yet.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def environment_for(repository: Repository) -> Mapping[str, str]:
    """Return the environment that git runs in: no questions, no other repository, few protocols."""
    # GIT_DIR and its kin, set by a hook that we run in, would send us to another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for name in ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSH", "GIT_SSH_COMMAND"):
        if name in os.environ:
            kept[name] = os.environ[name]
    kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    kept |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "LC_ALL": "C",
        # A repository from elsewhere must not reach this machine's by its submodules.
        "GIT_ALLOW_PROTOCOL": _protocols(repository),
    }
    return kept | _settings(_secrets(repository))


def _protocols(repository: Repository) -> str:
    if repository.is_local:
        return "file:https:ssh"
    # Over plain http anybody on the way could answer; to this machine itself there is no way.
    host = urlsplit(repository.url).hostname
    return "http" if host in {"127.0.0.1", "localhost", "::1"} else "https:ssh"


def _secrets(repository: Repository) -> list[tuple[str, str]]:
    """Return the settings of git that carry what must not stand in a command line."""
    found = []
    if repository.credentials:
        token = base64.b64encode(":".join(repository.credentials).encode()).decode()
        found.append((f"http.{repository.url}.extraHeader", f"Authorization: Basic {token}"))
    if repository.whole not in {"", repository.url}:
        found.append((f"url.{repository.whole}.insteadOf", repository.url))
    return found


def _settings(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Write settings as git reads them from its environment."""
    written = {"GIT_CONFIG_COUNT": str(len(pairs))} if pairs else {}
    for number, (key, value) in enumerate(pairs):
        written |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return written


def _reason(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return without_secrets(" ".join(told[:2]))[:400] or "it did not say why"
