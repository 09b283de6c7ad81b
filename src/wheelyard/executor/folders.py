"""Folders of jobs: each run of an executor has one, locked while it lives, swept when it is dead.

What lies in them was touched by strangers' code, so nothing here follows a symbolic link.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_STALE_SECONDS = 3600
# Where what people upload, and what is unpacked for the conda channel, is looked at; whoever does that has no lock.
_PASSING = ("upload-", "channel-")
_LONGEST_UPLOAD_SECONDS = 24 * 3600.0
_LOCK = "lock"
_RUBBISH = 64
# linux/fs.h: numbered for a long, though the kernel reads and writes an int.
_LONG = struct.calcsize("l") << 16
_GET_FLAGS, _SET_FLAGS, _TOP_OF_TREES = 0x80006601 | _LONG, 0x40006602 | _LONG, 0x00020000


class RunFolder:
    """The folder of one run; its lock says that its owner is alive."""

    def __init__(self, jobs: Path) -> None:
        jobs.mkdir(parents=True, exist_ok=True)
        name = f"run-{secrets.token_hex(6)}"
        # Made under another name, so that nobody sweeps it before it is locked.
        new = jobs / f".new-{name}"
        new.mkdir()
        self._lock = os.open(new / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _keep_apart(new)
        self.path = jobs / name
        new.rename(self.path)
        self._rubbish: list[Path] = []

    def new(self, name: str) -> Path:
        """Make a folder whose name begins with ``name``."""
        path = self.path / f"{name}-{secrets.token_hex(4)}"
        path.mkdir()
        return path

    def discard(self, path: Path, *, bulky: bool) -> None:
        """Remove a folder, or a small one later, with others.

        Some file systems (ext4) are slow to make files for a while after files were removed.
        """
        if bulky:
            remove(path)
            return
        self._rubbish.append(path)
        if len(self._rubbish) >= _RUBBISH:
            rubbish, self._rubbish = self._rubbish, []
            for old in rubbish:
                remove(old)

    def close(self) -> None:
        """Remove the folder and give up the lock."""
        remove(self.path)
        os.close(self._lock)


def _keep_apart(folder: Path) -> None:
    """Have what is below each folder in it lie together and apart from the others, where ext4 can.

    Else all jobs share a few groups of inodes, and whoever makes a file there steps over every one that
    was freed within the last seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = struct.unpack("i", fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack("i", 0)))[0]
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("i", flags | _TOP_OF_TREES))
    except OSError:
        pass  # another file system
    finally:
        os.close(descriptor)


def sweep(jobs: Path) -> int:
    """Remove what dead runs left behind; return how many they were."""
    swept = 0
    for path in list(jobs.iterdir()) if jobs.is_dir() else []:
        if path.name.startswith("run-"):
            swept += _sweep_one(path)
        elif _is_stale(path):
            remove(path)
            swept += 1
    return swept


def _is_stale(path: Path) -> bool:
    if path.name.startswith(_PASSING):
        return _age(path) > _LONGEST_UPLOAD_SECONDS
    return path.name.startswith(".new-") and _age(path) > _STALE_SECONDS


def _sweep_one(path: Path) -> int:
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(path)
    except BlockingIOError:
        return 0
    finally:
        os.close(lock)
    return 1


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0


def remove(path: Path) -> None:
    """Remove a tree, whatever a build made of it: unreadable folders, very deep ones."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(path, onerror=_open_up)
    if os.path.lexists(path):
        # Deeper than our stack, or closed and now opened; rm needs no stack.
        subprocess.run(["rm", "-rf", "--", path], check=False, capture_output=True)


def _open_up(_: Callable[..., object], path: str, __: object) -> None:
    """Give ourselves back a folder that a build closed; its removal is tried again afterwards."""
    for place in (str(Path(path).parent), path):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.lstat(place).st_mode):
                Path(place).chmod(0o700)


def disk_usage(root: Path, enough: int) -> int:
    """Return the bytes that a tree occupies; stops counting at ``enough``."""
    total = 0
    queue = [str(root)]
    while queue and total < enough:
        with contextlib.suppress(OSError), os.scandir(queue.pop()) as entries:
            for entry in entries:
                facts = entry.stat(follow_symlinks=False)
                total += facts.st_blocks * 512
                if stat.S_ISDIR(facts.st_mode):
                    queue.append(entry.path)
    return total


def regular_file(root: Path, *parts: str) -> Path | None:
    """Return a file below ``root`` if no part of the way to it is a symbolic link."""
    path = root
    for part in parts:
        if part in {"", ".", ".."} or "/" in part or "\0" in part:
            return None
        path /= part
        try:
            mode = path.lstat().st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return None
    return path if stat.S_ISREG(mode) else None
