"""A folder as an archive: the same tree gives the same bytes, wherever and whenever it lies.

The digest of a tree is that of the tar stream before compression, so that it does not change with a
compressor. Owners, times and all of the mode but "executable" are left out, as git leaves them out.
"""

import gzip
import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from wheelyard.errors import UpstreamError

TOP = "source"
"""The one top-level folder in each archive."""

_EPOCH = 315532800  # 1980-01-01: zip files cannot say anything earlier
_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr"})
_LEFTOVERS = frozenset(
    {"__pycache__", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
_OUTPUTS = frozenset({"build", "dist"})


LeaveOut = Callable[[Path, Path], bool]
"""Tells of a path below a root whether it stays out of the archive."""


def is_version_control(path: Path, _root: Path) -> bool:
    """Tell whether an entry is git's own; everything else at a commit belongs to it."""
    return path.name == ".git"


def is_leftover(path: Path, root: Path) -> bool:
    """Tell whether an entry of a folder that somebody works in is no source."""
    if path.name in _VERSION_CONTROL | _LEFTOVERS or path.name.endswith((".egg-info", ".pyc")):
        return True
    if path.parent == root and path.name in _OUTPUTS:
        # What earlier builds left; but a package may have that name.
        return not (path / "__init__.py").exists()
    return (path / "pyvenv.cfg").is_file()


def pack(  # noqa: PLR0913 - what to pack and how, by name
    folder: Path,
    archive: Path,
    *,
    leave_out: LeaveOut,
    follow_outside: bool,
    limit: int,
    history: Path | None = None,
) -> str:
    """Write ``archive`` (a tar.gz) of a folder and return ``tree:HEX``. Raises UpstreamError.

    ``history`` is a folder that goes along as the tree's ``.git``.

    A link that leads to a file outside is stored as that file where ``follow_outside`` allows it: in
    one's own folder that is wanted, in a stranger's it would carry this machine's files away.
    """
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as packed,
    ):
        sink = _Hashing(cast("IO[bytes]", packed))
        with tarfile.open(
            fileobj=cast("IO[bytes]", sink), mode="w|", format=tarfile.PAX_FORMAT
        ) as tar:
            total = 0
            root = folder if follow_outside else None
            for path, name in _walk(folder, leave_out, history):
                total += _add(tar, path, name, root)
                if total > limit:
                    raise UpstreamError(
                        f"{str(folder)!r} holds more than {limit} bytes",
                        hint="Is it the folder of one project? Remove what is no source, or raise the limit.",
                    )
    return f"tree:{sink.digest}"


def _walk(
    root: Path, leave_out: LeaveOut, history: Path | None
) -> Iterator[tuple[Path, PurePosixPath]]:
    """Yield each path and its name in the archive, folders before what is in them."""
    yield from _walk_below(root, PurePosixPath(TOP), leave_out)
    if history is not None:
        yield from _walk_below(history, PurePosixPath(TOP, ".git"), lambda *_: False)


def _walk_below(
    root: Path, top: PurePosixPath, leave_out: LeaveOut
) -> Iterator[tuple[Path, PurePosixPath]]:
    pending = [(root, top)]
    while pending:
        path, name = pending.pop()
        yield path, name
        if path.is_dir() and not path.is_symlink():
            # The last is taken first.
            names = sorted(os.listdir(path), reverse=True)  # noqa: PTH208 - names, not paths
            pending.extend(
                (path / entry, name / entry) for entry in names if not leave_out(path / entry, root)
            )


def _add(tar: tarfile.TarFile, path: Path, name: PurePosixPath, root: Path | None) -> int:
    state = path.lstat()
    member = tarfile.TarInfo(str(name))
    member.mtime = _EPOCH
    if stat.S_ISLNK(state.st_mode):
        if root is None or not _leads_outside(path, root):
            member.type = tarfile.SYMTYPE
            member.linkname = os.readlink(path)  # noqa: PTH115 - the text as it stands
            tar.addfile(member)
            return 0
        state = path.stat()
    if stat.S_ISDIR(state.st_mode):
        member.type = tarfile.DIRTYPE
        member.mode = 0o755
        tar.addfile(member)
    elif stat.S_ISREG(state.st_mode):
        member.mode = 0o755 if state.st_mode & stat.S_IXUSR else 0o644
        member.size = state.st_size
        with path.open("rb") as content:
            tar.addfile(member, content)
        return state.st_size
    return 0


def _leads_outside(link: Path, root: Path) -> bool:
    target = link.resolve()
    return target.is_file() and not target.is_relative_to(root.resolve())


class _Hashing:
    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def write(self, content: bytes) -> int:
        self._sha256.update(content)
        return self._sink.write(content)
