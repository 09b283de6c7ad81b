"""Build environments: made once for a set of wheels and an interpreter, then reused by everyone.

An environment appears under its name only when it is whole, and nothing writes into it afterwards but
this module: its files are hard links into uv's cache.
"""

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import OutOfSpaceError, StoreError, ToolError
from wheelyard.executor.folders import remove
from wheelyard.executor.locks import hold, lock_of
from wheelyard.executor.pythons import Python
from wheelyard.model.artifact import InputWheel
from wheelyard.ports import Blobs

_UV_SECONDS = 600
_LINES_OF_UV = 12
_FULL = re.compile(r"No space left on device|Disk quota exceeded|os error (?:28|122)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment that holds exactly some wheels."""

    path: Path
    key: str
    packages: str
    """The folder of packages, relative to ``path``."""


class Environments:
    """Makes, finds and forgets environments below ``folder``."""

    def __init__(
        self, folder: Path, *, cache: Path, names: Path, uv: Path | None, blobs: Blobs
    ) -> None:
        self.folder = folder
        self._cache = cache
        self._names = names
        self._uv = uv
        self._blobs = blobs
        self._making: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._used: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    async def ensure(self, python: Python, wheels: Sequence[InputWheel]) -> Environment:
        """Return the environment of these wheels, made if need be.

        Raises StoreError where a wheel is not in the blobs, ToolError where uv fails.
        """
        digests = sorted(wheel.digest for wheel in wheels)
        text = "\n".join((python.identity, *digests))
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        path = self.folder / key
        async with self._making[key]:
            first = self._hold(key)
            if not path.is_dir():
                await asyncio.to_thread(self._make, path, python, wheels)
            elif first:
                os.utime(path)
        return Environment(path=path, key=key, packages=f"lib/python{python.release}/site-packages")

    def close(self) -> None:
        """Let go of what was used, so that it can be evicted."""
        for lock in self._used.values():
            os.close(lock)
        self._used.clear()

    def named(self, wheel: InputWheel) -> Path:
        """Return a stable path of a wheel under its own file name. Raises StoreError.

        Stable, because uv remembers by path which wheels it has unpacked already.
        """
        blob = self._blobs.path(wheel.digest)
        if blob is None:
            raise StoreError(
                f"The wheel {wheel.filename!r} is not in the blobs",
                hint="It was removed behind wheelyard's back; run the same command again.",
            )
        folder = self._names / wheel.digest.partition(":")[2][:32]
        path = folder / Path(wheel.filename).name
        if path.exists():
            # What uv keeps of a wheel that nobody names for long is thrown away.
            os.utime(path, follow_symlinks=False)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".{os.getpid()}-{time.monotonic_ns()}"
            temporary.symlink_to(blob.absolute())
            temporary.replace(path)
        return path

    def _hold(self, key: str) -> bool:
        """Keep an environment from being evicted; True where that was not so yet."""
        if key in self._used:
            return False
        self._used[key] = hold(lock_of(self.folder / key))
        return True

    def _make(self, path: Path, python: Python, wheels: Sequence[InputWheel]) -> None:
        files = [str(self.named(wheel)) for wheel in wheels]
        new = path.with_name(f".new-{path.name}-{os.getpid()}-{time.monotonic_ns()}")
        try:
            self._run_uv(
                "venv",
                "--no-project",
                "--relocatable",
                "--python",
                str(python.executable),
                str(new),
            )
            if files:
                options = ("--offline", "--no-deps", "--no-index", "--link-mode", "hardlink")
                target = ("--python", str(new / "bin" / "python"))
                self._run_uv("pip", "install", *options, *target, *files)
            try:
                new.rename(path)
            except OSError:
                # Another process made the same one meanwhile.
                if not path.is_dir():
                    raise
        finally:
            if new.exists():
                remove(new)

    def _run_uv(self, *arguments: str) -> None:
        command = [str(self._uv or find_uv()), "--quiet", "--no-config", *arguments]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._cache),
            "UV_CACHE_DIR": str(self._cache),
            "UV_PYTHON_DOWNLOADS": "never",
            "LC_ALL": "C.UTF-8",
        }
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=_UV_SECONDS, env=environment
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines()[-_LINES_OF_UV:]
            if _FULL.search("\n".join(said)):
                raise OutOfSpaceError(
                    f"no space is left for environments in {str(self.folder)!r}: {said[-1]}",
                    hint="Make room on that disk ('wheelyard state clean' may), or choose another "
                    "state folder with --state.",
                ) from error
            raise ToolError(
                f"uv {arguments[0]} failed: " + "\n".join(said),
                hint="A wheel of the environment may not fit its interpreter.",
            ) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolError(
                f"uv cannot be run: {error}", hint="Install uv, or say where it is."
            ) from error


def find_uv() -> Path:
    """Find uv's command beside our own interpreter or on PATH. Raises ToolError."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("uv", path=f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if found is None:
        raise ToolError("uv is not there", hint="Install it: pip install uv.")
    return Path(found)
