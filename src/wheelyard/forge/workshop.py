"""A bare repository for the time of one task, in which trees are read and commits are made.

Nothing is ever checked out, so that neither links nor odd names nor submodules of a repository can
reach this machine's files. For a repository of this machine it borrows the objects that are there.
"""

import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from wheelyard.errors import ForgeError, GoneError, NothingToProposeError
from wheelyard.forge.running import GitCommand, Place, Ran, Setting
from wheelyard.model.proposal import Author, Draft, FileEdit

FILE_LIMIT = 10_000_000
"""Files with more bytes are not read."""
_SHA256_LENGTH = 64
_REGULAR = frozenset({"100644", "100755"})
_NAMED = {"120000": "a link", "160000": "a submodule", "040000": "a folder"}
_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file in a tree; ``size`` is -1 where its bytes were too many to be fetched."""

    path: str
    mode: str
    blob: str
    size: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A repository of our own beside another one (``place``)."""

    git: GitCommand
    place: Place
    folder: Path
    form: str = "sha1"

    async def run(
        self,
        *arguments: str,
        given: bytes = b"",
        variables: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset({0}),
    ) -> Ran:
        """Run git here."""
        setting = Setting(
            within=self.folder, given=given, variables=variables or {}, allowed=allowed
        )
        return await self.git.run(self.place, arguments, setting)

    async def fetch(self, commits: Iterable[str], *, history: bool) -> None:
        """Bring commits here, with what led to them where ``history``. Raises GoneError."""
        wanted = sorted({commit for commit in commits if commit})
        missing = [commit for commit in wanted if not await self.has(commit)]
        if not missing:
            return
        extent = ["--filter=blob:none"] if history else ["--depth=1", "--filter=blob:limit=10m"]
        fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *extent]
        ran = await self.run(*fetch, "origin", *missing, allowed=frozenset({0, 1, 128}))
        if not history:
            # git would fetch what was left out as soon as somebody asks for its size.
            (self.folder / "config").write_text(_config(self.place, self.form), "utf-8")
        if ran.code:
            raise GoneError(
                f"{self.place.address} has no commit {', '.join(missing)}",
                hint="Its history was rewritten, or it is not to be reached; read its files again.",
            )

    async def has(self, commit: str) -> bool:
        """Whether a commit is here, or can be borrowed."""
        ran = await self.run(
            "cat-file", "-e", f"{commit}^{{commit}}", allowed=frozenset({0, 1, 128})
        )
        return ran.code == 0

    async def entries(self, commit: str, patterns: Sequence[str]) -> list[Entry]:
        """Return the files of a commit that match a pattern, links and submodules left out."""
        listed = await self.run("ls-tree", "-r", "-z", "--full-tree", commit)
        found = [
            entry
            for entry in _entries(listed.out)
            if entry.mode in _REGULAR and any(fnmatchcase(entry.path, one) for one in patterns)
        ]
        asked = "".join(f"{entry.blob}\n" for entry in found).encode()
        sizes = (await self.run("cat-file", "--batch-check=%(objectsize)", given=asked)).text
        return [
            Entry(path=entry.path, mode=entry.mode, blob=entry.blob, size=_size(size))
            for entry, size in zip(found, sizes.split("\n"), strict=False)
        ]

    async def read(self, entries: Sequence[Entry]) -> tuple[tuple[str, bytes], ...]:
        """Return the bytes of files by path, those over the limit left out."""
        small = [entry for entry in entries if 0 <= entry.size <= FILE_LIMIT]
        asked = "".join(f"{entry.blob}\n" for entry in small).encode()
        printed = (await self.run("cat-file", "--batch", given=asked)).out
        read, start = [], 0
        for entry in small:
            start = printed.index(b"\n", start) + 1
            read.append((entry.path, printed[start : start + entry.size]))
            start += entry.size + 1
        return tuple(read)

    async def commit(self, draft: Draft, message: str) -> str:
        """Make the commit of a draft on its base and return it; the same draft gives the same one."""
        index = {"GIT_INDEX_FILE": str(self.folder / "proposal.index")}
        await self.run("read-tree", draft.base, variables=index)
        lines = [await self._line(draft.base, edit) for edit in draft.files]
        given = b"".join(line.encode("utf-8", "surrogateescape") + b"\0" for line in lines)
        await self.run("update-index", "-z", "--index-info", given=given, variables=index)
        tree = (await self.run("write-tree", "--missing-ok", variables=index)).text
        if tree == (await self.run("rev-parse", f"{draft.base}^{{tree}}")).text:
            raise NothingToProposeError(
                f"{draft.repository} has all that {draft.key!r} offers", hint="Leave it out."
            )
        date = draft.date or int((await self.run("show", "-s", "--format=%ct", draft.base)).text)
        return await self.commit_tree(tree, (draft.base,), message, author=draft.author, date=date)

    async def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, author: Author, date: int
    ) -> str:
        """Make a commit of a tree and return it."""
        arguments = [part for parent in parents for part in ("-p", parent)]
        ran = await self.run(
            *("commit-tree", "--no-gpg-sign", tree, *arguments, "-F", "-"),
            given=message.replace("\0", "").encode("utf-8", "replace"),
            variables=_signature(author, date),
        )
        return ran.text

    async def write(self, content: bytes) -> str:
        """Store bytes and return their name."""
        return (await self.run("hash-object", "-w", "--stdin", given=content)).text

    async def push(
        self, changes: Mapping[str, tuple[str, str]], *, to: Place | None = None
    ) -> bool:
        """Move names of the repository, all or none: from what they must be, to what they shall be.

        An empty text is a name that is not there. False where one is another one by now.
        """
        target = to or self.place
        leases = [f"--force-with-lease={name}:{old}" for name, (old, _) in changes.items()]
        moves = [f"{new}:{name}" for name, (_, new) in changes.items()]
        atomic = ["--atomic"] if len(changes) > 1 else []
        receiver = (
            ["--receive-pack=git -c core.hooksPath=/dev/null receive-pack"] if target.path else []
        )
        push = ["push", "--quiet", "--porcelain", "--no-verify", *atomic, *receiver, *leases]
        setting = Setting(within=self.folder, allowed=frozenset({0, 1}))
        ran = await self.git.run(target, [*push, target.address, *moves], setting)
        if not ran.code:
            return True
        said = ran.text + ran.err
        if "stale info" in said or "fetch first" in said or "cannot lock ref" in said:
            return False
        raise ForgeError(
            f"{target.address} refuses {', '.join(changes)}: {_refusal(said)}",
            hint="Check your access, and what the repository protects.",
        )

    async def push_shallow(self, changes: Mapping[str, tuple[str, str]], *, to: Place) -> bool:
        """Push to a repository that may lack what led to our commits, which is fetched then."""
        try:
            return await self.push(changes, to=to)
        except ForgeError as error:
            if "shallow" not in error.message:
                raise
        await self.run("fetch", "--quiet", "--no-tags", "--unshallow", "origin")
        return await self.push(changes, to=to)

    async def _line(self, base: str, edit: FileEdit) -> str:
        """Return what update-index reads of a file."""
        parts = edit.path.split("/")
        for depth in range(1, len(parts)):
            # git would put a folder in place of a link, and the file into it.
            await self._mode(base, "/".join(parts[:depth]), frozenset({"040000"}))
        mode = await self._mode(base, edit.path, _REGULAR)
        if edit.content is None:
            return f"0 {_NOTHING}\t{edit.path}"
        return f"{mode or '100644'} {await self.write(edit.content)}\t{edit.path}"

    async def _mode(self, base: str, path: str, allowed: frozenset[str]) -> str:
        """Return the mode of what is at a path, or nothing. Raises ForgeError where it is another thing."""
        listed = await self.run("ls-tree", "-z", "--full-tree", base, "--", path)
        old = next(iter(_entries(listed.out)), None)
        if old is not None and old.mode not in allowed:
            raise ForgeError(
                f"{path} of {self.place.address} is {_NAMED.get(old.mode, 'a file')}",
                hint="Only files in folders are changed; change this one by hand.",
            )
        return old.mode if old else ""


@asynccontextmanager
async def opened(git: GitCommand, place: Place, commit: str = "") -> AsyncIterator[Workshop]:
    """Set a workshop up beside a repository, and clear it away; ``commit`` shows how it names things."""
    with tempfile.TemporaryDirectory(prefix="wheelyard-forge-") as made:
        folder = Path(made) / "workshop.git"
        form = "sha256" if len(commit) == _SHA256_LENGTH else "sha1"
        init = ["init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(folder)]
        await git.run(place, init)
        (folder / "config").write_text(_config(place, form), "utf-8")
        objects = _objects(place)
        if objects is not None:
            (folder / "objects" / "info").mkdir(exist_ok=True)
            (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n", "utf-8")
        yield Workshop(git=git, place=place, folder=folder, form=form)


def _config(place: Place, form: str) -> str:
    quoted = place.address.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return (
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
        f"[extensions]\n\tobjectformat = {form}\n"
        f'[remote "origin"]\n\turl = "{quoted}"\n'
    )


def _objects(place: Place) -> Path | None:
    """Return where the objects of a repository of this machine lie, where they can be borrowed."""
    if place.path is None or "\n" in str(place.path):
        return None
    for folder in (place.path / "objects", place.path / ".git" / "objects"):
        if folder.is_dir():
            return folder.resolve()
    return None


def _entries(listed: bytes) -> list[Entry]:
    found = []
    for line in listed.split(b"\0"):
        about, tab, path = line.partition(b"\t")
        if tab:
            mode, _, blob = about.decode().split(" ")[:3]
            found.append(Entry(path=path.decode("utf-8", "surrogateescape"), mode=mode, blob=blob))
    return found


def _size(printed: str) -> int:
    return int(printed) if printed.isdecimal() else -1


def _signature(author: Author, date: int) -> dict[str, str]:
    name = " ".join(author.name.replace("<", "").replace(">", "").split()) or "wheelyard"
    email = "".join(author.email.replace("<", "").replace(">", "").split())
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email), ("DATE", f"@{date} +0000"))
    }


def _refusal(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith(("!", "remote:", "error:"))]
    return " ".join(" ".join(lines[:3]).split())[:400] or "it did not say why"
