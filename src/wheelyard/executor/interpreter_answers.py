"""What a Python says about itself, asked once by running it and remembered in a file.

Only what cannot change while the file stays the same is remembered: headers and ``venv`` come and go
with other packages of a distribution, so an answer says where they would be and others look there.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from wheelyard.errors import InterpreterError
from wheelyard.executor.interpreter_places import Candidate

_QUESTION = r"""
import json, os, struct, sys, sysconfig

def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        pass
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                loader = line.split()[-1]
                if os.path.basename(loader).startswith("ld-musl-"):
                    import subprocess
                    process = subprocess.Popen(
                        [loader], stderr=subprocess.PIPE, universal_newlines=True
                    )
                    words = process.communicate()[1].split()
                    return "musl " + words[words.index("Version") + 1]
    except (OSError, IndexError, ValueError):
        pass
    return ""

def macos():
    if sys.platform != "darwin":
        return ""
    import platform
    return platform.mac_ver()[0]

def imports(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True

paths = sysconfig.get_paths()
include = [sysconfig.get_config_var("INCLUDEPY"), paths["include"], paths.get("platinclude")]
print(json.dumps({
    "implementation": sys.implementation.name,
    "build": " ".join(sys.version.split()),
    "version": list(sys.version_info[:3]),
    "release_level": sys.version_info[3],
    "release_serial": sys.version_info[4],
    "abi_flags": getattr(sys, "abiflags", ""),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "platform": sysconfig.get_platform(),
    "libc": libc(),
    "macos": macos(),
    "machine": os.uname()[4],
    "bits": struct.calcsize("P") * 8,
    "prefix": sys.base_prefix,
    "include": [folder for folder in include if folder],
    "standard_library": paths["stdlib"],
    "has_ctypes": imports("_ctypes"),
}))
"""

_CACHE_FORMAT = sha256(_QUESTION.encode()).hexdigest()[:16]
_MOST_OUTPUT = 1 << 16
_SHOWN = 200
_DRAIN_SECONDS = 2


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the question, as the interpreter gave it; paths may not exist."""

    implementation: str
    version: tuple[int, int, int]
    release_level: str
    release_serial: int
    abi_flags: str
    free_threaded: bool
    soabi: str
    platform: str
    libc: str
    macos: str
    machine: str
    bits: int
    prefix: str
    include: tuple[str, ...]
    standard_library: str
    has_ctypes: bool
    build: str = ""


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    modified_ns: int
    size: int
    answer: Answer


class _Cache(msgspec.Struct, kw_only=True):
    format: str = _CACHE_FORMAT
    answers: dict[str, _Remembered] = {}


async def ask_all(
    asked: tuple[Candidate, ...], *, cache: Path | None, timeout_seconds: float
) -> dict[Path, Answer | InterpreterError]:
    """Ask every candidate, at most a few at once; what was asked before is taken from the cache."""
    known = _Cache() if cache is None else await asyncio.to_thread(_read, cache)
    remembered = {candidate.path: _recall(known, candidate) for candidate in asked}
    new = [candidate for candidate in asked if remembered[candidate.path] is None]
    answers: dict[Path, Answer | InterpreterError] = {
        path: answer for path, answer in remembered.items() if answer is not None
    }
    answers |= await _ask_new(new, timeout_seconds)
    if cache is not None and new:
        for candidate in new:
            _remember(known, candidate, answers[candidate.path])
        # A cache that cannot be written costs a second, not the run.
        with suppress(OSError):
            await asyncio.to_thread(_write, cache, known)
    return answers


async def _ask_new(
    new: list[Candidate], timeout_seconds: float
) -> dict[Path, Answer | InterpreterError]:
    slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))

    async def ask_in_turn(path: Path) -> Answer | InterpreterError:
        async with slots:
            try:
                return await ask(path, timeout_seconds=timeout_seconds)
            except InterpreterError as error:
                return error

    found = await asyncio.gather(*(ask_in_turn(candidate.path) for candidate in new))
    return {candidate.path: answer for candidate, answer in zip(new, found, strict=True)}


async def ask(path: Path, *, timeout_seconds: float) -> Answer:
    """Run an interpreter, without its site packages, and read its answer. Raises InterpreterError."""
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            *("-I", "-S", "-c", _QUESTION),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_quiet(os.environ),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise _broken(path, f"it cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout_seconds):
            output, errors = await _read_both(process)
            code = await process.wait()
    except TimeoutError:
        raise _broken(path, f"it did not answer within {timeout_seconds:g} seconds") from None
    finally:
        await _end(process)
    if code:
        raise _broken(path, f"it ended with status {code}: {_last_line(errors)}")
    try:
        return msgspec.json.decode(output, type=Answer)
    except msgspec.MsgspecError:
        raise _broken(path, f"it answered {_last_line(output)!r}") from None


async def _read_both(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Read both streams to their ends, and keep so much of them as an answer can have."""
    output, errors = process.stdout, process.stderr
    if output is None or errors is None:
        return b"", b""
    first, second = await asyncio.gather(_read_some(output), _read_some(errors))
    return first, second


async def _read_some(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while chunk := await stream.read(_MOST_OUTPUT):
        kept = (kept + chunk)[:_MOST_OUTPUT]
    return kept


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and what it started; a wrapper may have children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # asyncio sees the end of a process only after that of its pipes, and these end only when they
    # are read. Somebody who left the process group may hold them open for ever.
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            await _read_both(process)
            await process.wait()


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what makes macOS's launcher answer as another Python."""
    return {key: value for key, value in environment.items() if key != "__PYVENV_LAUNCHER__"}


def _broken(path: Path, why: str) -> InterpreterError:
    return InterpreterError(
        f"'{path}' does not work as a Python: {why}",
        hint="Repair or remove it; the other Pythons of this machine are used meanwhile.",
    )


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:_SHOWN] if lines else "nothing"


def _recall(known: _Cache, candidate: Candidate) -> Answer | None:
    entry = known.answers.get(str(candidate.path))
    if entry is None or (entry.modified_ns, entry.size) != (candidate.modified_ns, candidate.size):
        return None
    return entry.answer


def _remember(known: _Cache, candidate: Candidate, answer: Answer | InterpreterError) -> None:
    # A broken one may work as soon as a library is installed that is not part of its file.
    if isinstance(answer, Answer):
        known.answers[str(candidate.path)] = _Remembered(
            modified_ns=candidate.modified_ns, size=candidate.size, answer=answer
        )


def _read(cache: Path) -> _Cache:
    try:
        known = msgspec.json.decode(cache.read_bytes(), type=_Cache)
    except (OSError, msgspec.MsgspecError):
        return _Cache()
    return known if known.format == _CACHE_FORMAT else _Cache()


def _write(cache: Path, known: _Cache) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=cache.parent, prefix=f".{cache.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(known))
        Path(name).replace(cache)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
