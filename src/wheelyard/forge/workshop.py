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
from wheelyard.model.proposal import Author, Draft

FILE_LIMIT = 10_000_000
"""Files with more bytes are not read."""
_SHA256_LENGTH = 64
_REGULAR = frozenset({"100644", "100755"})
_FOLDER = frozenset({"040000"})
_RECEIVER = "--receive-pack=git -c core.hooksPath=/dev/null -c receive.autogc=false receive-pack"
_NAMED = {"120000": "a link", "160000": "a submodule", "040000": "a folder"}


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
        missing = await self._missing(sorted({commit for commit in commits if commit}))
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

    async def _missing(self, commits: Sequence[str]) -> list[str]:
        """Return those that are neither here nor can be borrowed."""
        asked = "".join(f"{commit}^{{commit}}\n" for commit in commits).encode()
        ran = await self.run("cat-file", "--batch-check=%(objecttype)", given=asked)
        kinds = ran.text.split("\n")
        return [one for one, kind in zip(commits, kinds, strict=True) if kind != "commit"]

    async def entries(self, commit: str, patterns: Sequence[str]) -> list[Entry]:
        """Return the files of a commit that match a pattern, links and submodules left out."""
        listed = await self.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        return [
            entry
            for entry in _entries(listed.out)
            if entry.mode in _REGULAR and any(fnmatchcase(entry.path, one) for one in patterns)
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
        modes = await self._modes(draft)
        shown = await self.run("show", "-s", "--format=%ct %T", draft.base)
        date, tree = shown.text.split(" ")
        stream = _stream(draft, message, modes, date=draft.date or int(date))
        made = (await self.run("fast-import", "--quiet", given=stream)).text
        if tree == (await self.run("rev-parse", f"{made}^{{tree}}")).text:
            raise NothingToProposeError(
                f"{draft.repository} has all that {draft.key!r} offers", hint="Leave it out."
            )
        return made

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
        receiver = [_RECEIVER] if target.path else []
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

    async def _modes(self, draft: Draft) -> Mapping[str, str]:
        """Return the modes of the files that a draft changes, as far as they are there.

        Raises ForgeError where one is no file, or lies in what is no folder: git would put a folder in place of
        a link, and the file into it.
        """
        paths = [edit.path for edit in draft.files]
        folders = {folder for path in paths for folder in _folders(path)}
        listed = await self.run(
            "ls-tree", "-t", "-z", "--full-tree", draft.base, "--", *paths, *folders
        )
        found = {entry.path: entry.mode for entry in _entries(listed.out)}
        for path, mode in found.items():
            allowed = _REGULAR if path in paths else _FOLDER if path in folders else {mode}
            if mode not in allowed:
                raise ForgeError(
                    f"{path} of {self.place.address} is {_NAMED.get(mode, 'a file')}",
                    hint="Only files in folders are changed; change this one by hand.",
                )
        return {path: found[path] for path in paths if path in found}


@asynccontextmanager
async def opened(git: GitCommand, place: Place, commit: str = "") -> AsyncIterator[Workshop]:
    """Set a workshop up beside a repository, and clear it away; ``commit`` shows how it names things."""
    with tempfile.TemporaryDirectory(prefix="wheelyard-forge-") as made:
        folder = Path(made) / "workshop.git"
        form = "sha256" if len(commit) == _SHA256_LENGTH else "sha1"
        for part in ("objects/info", "refs"):
            (folder / part).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/none\n", "utf-8")
        (folder / "config").write_text(_config(place, form), "utf-8")
        objects = _objects(place)
        if objects is not None:
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
            mode, _, blob, *size = about.decode().split()
            found.append(
                Entry(
                    path=path.decode("utf-8", "surrogateescape"),
                    mode=mode,
                    blob=blob,
                    size=_size(*size),
                )
            )
    return found


def _folders(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _stream(draft: Draft, message: str, modes: Mapping[str, str], *, date: int) -> bytes:
    """Write a commit as git's fast-import reads it, which says its name in the end."""
    who = " ".join(_identity(draft.author, date))
    text = message.replace("\0", "").encode("utf-8", "replace")
    lines = [b"commit refs/heads/proposal", b"mark :1"]
    lines += [f"{role} {who}".encode() for role in ("author", "committer")]
    lines += [b"data %d" % len(text), text, b"from " + draft.base.encode()]
    for edit in draft.files:
        path = b'"%s"' % edit.path.replace('"', '\\"').encode("utf-8", "surrogateescape")
        if edit.content is None:
            lines.append(b"D " + path)
            continue
        mode = modes.get(edit.path, "100644").encode()
        lines += [b"M %s inline %s" % (mode, path), b"data %d" % len(edit.content), edit.content]
    return b"\n".join([*lines, b"get-mark :1", b"done", b""])


def _size(printed: str = "") -> int:
    return int(printed) if printed.isdecimal() else -1


def _signature(author: Author, date: int) -> dict[str, str]:
    name, email, when = _identity(author, date)
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email.strip("<>")), ("DATE", f"@{when}"))
    }


def _identity(author: Author, date: int) -> tuple[str, str, str]:
    """Return name, address and date as they stand in a commit."""
    name, email = (
        "".join(one for one in text if one.isprintable() and one not in "<>")
        for text in (author.name, author.email)
    )
    return " ".join(name.split()) or "wheelyard", f"<{''.join(email.split())}>", f"{date} +0000"


def _refusal(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith(("!", "remote:", "error:"))]
    return " ".join(" ".join(lines[:3]).split())[:400] or "it did not say why"
