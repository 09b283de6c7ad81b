"""One run of ``uv pip compile``, told everything and finding nothing by itself.

No configuration, credentials, proxies or interpreters of the user's are read, and nothing is built.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import NoSolutionError, ToolError
from wheelyard.model.resolution import Prereleases

_PASSED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")


@dataclass(frozen=True, slots=True, kw_only=True)
class UvInput:
    """The texts of one question; ``preferences`` are ``name==version`` lines."""

    index_url: str
    requirements: str
    constraints: str
    overrides: str
    preferences: str
    prereleases: Prereleases


@dataclass(frozen=True, slots=True, kw_only=True)
class UvOutput:
    """What uv answered: the pins, a line each, or its complaint."""

    succeeded: bool
    pins: str
    complaint: str


def find_uv() -> str:
    """Return uv's executable. Raises ToolError."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise ToolError("uv is not installed", hint="Install it: pip install uv.")
    return found


class UvCommand:
    """Runs uv with a cache of its own, where it keeps what it learned about the interpreter."""

    def __init__(self, *, executable: str, cache: Path, seconds: float) -> None:
        self._executable = executable
        self._cache = cache
        self._seconds = seconds

    async def run(self, question: UvInput) -> UvOutput:
        """Ask uv. Raises ToolError where it cannot be run, NoSolutionError where it takes too long."""
        folder = await asyncio.to_thread(self._prepare, question)
        try:
            code, output, complaint = await self._call(self._arguments(question), folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return UvOutput(succeeded=code == 0, pins=output, complaint=complaint)

    def _prepare(self, question: UvInput) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="resolve-", dir=self._cache))
        (folder / "requirements.in").write_text(question.requirements, encoding="utf-8")
        (folder / "constraints.txt").write_text(question.constraints, encoding="utf-8")
        (folder / "overrides.txt").write_text(question.overrides, encoding="utf-8")
        (folder / "pins.txt").write_text(question.preferences, encoding="utf-8")
        return folder

    def _arguments(self, question: UvInput) -> list[str]:
        return [
            *(self._executable, "pip", "compile", "requirements.in"),
            *("--constraints", "constraints.txt", "--overrides", "overrides.txt"),
            *("--output-file", "pins.txt", "--no-header", "--no-annotate"),
            *("--default-index", question.index_url, "--keyring-provider", "disabled"),
            *("--prerelease", question.prereleases.value, "--no-build"),
            # The target needs no interpreter here: its markers are decided before uv sees them.
            *("--python", sys.executable, "--no-python-downloads"),
            *("--cache-dir", str(self._cache / "uv"), "--no-config"),
            *("--color", "never", "--no-progress"),
        ]

    def _environment(self) -> Mapping[str, str]:
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        return {**passed, "HOME": str(self._cache), "NO_PROXY": "127.0.0.1", "LC_ALL": "C.UTF-8"}

    async def _call(self, arguments: list[str], folder: Path) -> tuple[int, str, str]:
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                cwd=folder,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise ToolError(
                f"{self._executable!r} cannot be run: {error.strerror}", hint="Reinstall uv."
            ) from error
        try:
            async with asyncio.timeout(self._seconds):
                output, complaint = await process.communicate()
        except TimeoutError:
            raise NoSolutionError(
                f"no solution was found within {self._seconds:g} seconds",
                hint="Narrow the requirements: give versions or constraints.",
            ) from None
        finally:
            await _end(process)
        code = process.returncode or 0
        return code, output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
