"""git's command as a forge runs it: no terminal, no hooks, few protocols, nothing of the caller's repository.

What is secret goes to git in its environment, where other users of the machine do not see it.
"""

import asyncio
import base64
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from wheelyard.errors import ForgeError, GoneError, ToolError
from wheelyard.model.secrets import without_secrets

_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
    "push.followTags=false",
    "i18n.commitEncoding=utf-8",
    "i18n.logOutputEncoding=utf-8",
    "log.showSignature=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_KEPT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSH", "GIT_SSH_COMMAND")
_MISSING = (
    "does not appear to be a git repository",
    "not found",
    "does not exist",
    "No such file or directory",
    "not a git repository",
    "Repository unavailable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a repository lies: its address without secrets, and what is told to its server alone.

    ``token`` is sent as the password of ``user`` to that server. ``path`` is set for a folder of this
    machine.
    """

    address: str
    path: Path | None = None
    user: str = "x-access-token"
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """In what a command runs: the repository, what it reads, its variables, and the codes that are no failure."""

    within: Path | None = None
    given: bytes = b""
    variables: Mapping[str, str] = field(default_factory=dict)
    allowed: frozenset[int] = frozenset({0})


_PLAIN = Setting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command of git ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed, without the last line's end."""
        return self.out.decode("utf-8", "replace").removesuffix("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCommand:
    """Runs git; ``seconds`` is how long one command may take."""

    seconds: float = 120

    async def run(self, place: Place, arguments: Sequence[str], setting: Setting = _PLAIN) -> Ran:
        """Run a command. Raises ForgeError where it fails."""
        options = [part for option in _OPTIONS for part in ("-c", option)]
        where = [f"--git-dir={setting.within}"] if setting.within else []
        process = await _start(
            ["git", *options, *where, *arguments], {**environment_for(place), **setting.variables}
        )
        try:
            async with asyncio.timeout(self.seconds):
                out, err = await process.communicate(setting.given)
        except TimeoutError as error:
            raise ForgeError(
                f"git {arguments[0]} of {place.address} took more than {self.seconds:g} s",
                hint="Try again later.",
            ) from error
        finally:
            await _end(process)
        ran = Ran(code=process.returncode or 0, out=out, err=err.decode("utf-8", "replace"))
        if ran.code not in setting.allowed:
            raise _refused(place, arguments[0], ran)
        return ran


async def _start(
    command: Sequence[str], variables: Mapping[str, str]
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=variables,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(
            f"git cannot be run: {error.strerror}", hint="Install git 2.38 or newer."
        ) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill git and what it started, where it still runs."""
    if process.returncode is None:
        # It may have ended, and asyncio not have heard of it yet.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def environment_for(place: Place) -> dict[str, str]:
    """Return the environment that git runs in."""
    # GIT_DIR and its kin, set by a hook that we run in, would send us to another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    kept |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": _protocols(place),
    }
    if place.token:
        secret = base64.b64encode(f"{place.user}:{place.token}".encode()).decode()
        kept |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{place.address}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
        }
    return kept


def _protocols(place: Place) -> str:
    """Return what git may speak: what a repository says must not lead it to this machine's files."""
    if place.path:
        return "file"
    # Nothing is told over plain http but to this machine itself.
    host = urlsplit(place.address).hostname
    return "http" if host in {"127.0.0.1", "localhost", "::1"} else "https:ssh"


def _refused(place: Place, command: str, ran: Ran) -> ForgeError:
    lines = ran.err.strip().splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", " !"))]
    reason = without_secrets(" ".join((told or lines)[:3]))[:400] or "it did not say why"
    if any(phrase in ran.err for phrase in _MISSING) and command in {"ls-remote", "fetch", "push"}:
        return GoneError(
            f"There is no repository at {place.address}, or none that may be seen: {reason}",
            hint="Check its address and your access; it may have been renamed or archived.",
        )
    return ForgeError(
        f"git {command} of {place.address} failed: {reason}",
        hint="Check the address and your access; git asks no questions here.",
    )
