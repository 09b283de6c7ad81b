"""What isolation this machine can give, found out by trying."""

import functools
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import SandboxError
from wheelyard.executor import bubblewrap, seccomp
from wheelyard.executor.cgroups import Groups
from wheelyard.executor.settings import CompilerCache, ExecutorSettings, Sandbox

_TRIAL_SECONDS = 20
# Namespaces inside of the sandbox's own: what lets one warm interpreter serve jobs apart.
_NESTED = (
    "import ctypes, sys; c = ctypes.CDLL(None, use_errno=True);"
    "sys.exit(0 if c.unshare(0x7C020000) == 0 else 3)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What is in force; ``bubblewrap`` is None where builds are plain processes."""

    bubblewrap: Path | None
    nested: bool
    groups: Groups
    why_not: str = ""
    compiler_cache: Path | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Say it for a person."""
        if self.bubblewrap is None:
            said = [
                "no sandbox" + (f" ({self.why_not})" if self.why_not else ""),
                "resource limits",
            ]
        else:
            said = ["bubblewrap", "own user", "no network", "read-only world"]
            said += ["warm fork" if self.nested else "a sandbox for each job"]
            said += ["seccomp"] if seccomp.program() else []
        said += [f"cgroup {kind}" for kind in self.groups.kinds]
        if self.compiler_cache is not None:
            said.append("compiler cache ccache, one for each source and platform")
        return tuple(said)


def find_isolation(settings: ExecutorSettings) -> Isolation:
    """Try what can be had. Raises SandboxError where it is less than what is required."""
    found, why_not = _wanted_bubblewrap(settings)
    nested = found is not None and settings.fork and _nests(found)
    return Isolation(
        bubblewrap=found,
        nested=nested,
        groups=Groups.find(),
        why_not=why_not,
        compiler_cache=_compiler_cache(settings),
    )


def kind_of_isolation(settings: ExecutorSettings) -> str:
    """Name it for the build key: whether a build sees more of the machine than is meant for it.

    Raises SandboxError where it is less than what is required.
    """
    found, _ = _wanted_bubblewrap(settings)
    return "plain process" if found is None else "bubblewrap"


def _wanted_bubblewrap(settings: ExecutorSettings) -> tuple[Path | None, str]:
    if settings.sandbox is Sandbox.OFF:
        return None, "off"
    found, why_not = _find_bubblewrap()
    if found is None and settings.sandbox is Sandbox.REQUIRE:
        raise SandboxError(
            f"A sandbox is required, and there is none: {why_not}",
            hint="Install bubblewrap and allow user namespaces, or set the sandbox to 'auto'.",
        )
    return found, why_not


def _compiler_cache(settings: ExecutorSettings) -> Path | None:
    if settings.compiler_cache is CompilerCache.NONE:
        return None
    found = shutil.which("ccache")
    if found is None:
        raise SandboxError(
            "The compiler cache 'ccache' is asked for, and it is not there",
            hint="Install ccache, or set the compiler cache to 'none'.",
        )
    return Path(found).absolute()


def _find_bubblewrap() -> tuple[Path | None, str]:
    name = shutil.which("bwrap")
    if name is None:
        return None, "bwrap is not installed"
    found = Path(name)
    # Where one nests in another, there is one.
    if _try(*_trial(found), *_within(found)) == "":
        return found, ""
    why_not = _try(*_trial(found), "/usr/bin/env", "true")
    return (None, why_not) if why_not else (found, "")


def _nests(found: Path) -> bool:
    """Whether a sandbox can be made within one: by bubblewrap itself, or else as a warm interpreter does it."""
    if _try(*_trial(found), *_within(found)) == "":
        return True
    return _try(*_trial(found), sys.executable, "-I", "-S", "-c", _NESTED) == ""


def _within(found: Path) -> list[str]:
    command = [str(found), "--unshare-all", "--unshare-user", "--bind", "/", "/"]
    return [*command, "--tmpfs", "/tmp", "--", "/usr/bin/env", "true"]  # noqa: S108


def _trial(found: Path) -> list[str]:
    command = [str(found), "--unshare-all", "--unshare-user"]
    command += ["--uid", str(bubblewrap.USER), "--gid", str(bubblewrap.USER)]
    return [*command, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]


@functools.cache
def _try(*command: str) -> str:
    """Run a command; return nothing where it worked, else why not. A process asks once."""
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
