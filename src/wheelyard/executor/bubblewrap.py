"""Command lines for bubblewrap: the world that a build sees.

Read-only, without network, with its own users, processes and devices; of the state folder only the
environment and the folders of jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BUILD = "/build"
JOBS = "/jobs"
ENVIRONMENT = "/env"
ENVIRONMENTS = "/environments"
INSIDE = "/wheelyard"
SHOWN = "/shown"
USER = 1000

# What compilers, linkers and TLS libraries read; never /etc as a whole, which holds secrets.
_ETC = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "ssl/certs",
    "pki/tls/certs", "mime.types", "services", "protocols", "fonts", "gcrypt", "crypto-policies",
)  # fmt: skip
_OWN = ("/tmp", "/dev/shm")  # noqa: S108 - places that each job has for itself
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is shown: each path is one of this machine.

    ``jobs`` appears writable at JOBS, or at BUILD where the sandbox is for one job; ``environment``
    at ENVIRONMENT. ``accounts`` holds the passwd, group and hosts that stand in for the machine's own.
    ``shown`` are seen where they are, /tmp included. ``network``: that of the machine is shared, with the addresses of its name servers.
    """

    bubblewrap: Path
    inside: Path
    accounts: Path
    environment: Path | None
    environments: Path
    jobs: Path
    readable: tuple[Path, ...]
    shown: tuple[Path, ...] = ()
    network: bool = False


def hidden(shown: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    """Return the folders that a job's own /tmp would hide: where each lies, and where it is to be seen."""
    return tuple(
        (f"{SHOWN}/{number}", str(path))
        for number, path in enumerate(shown)
        if any(path.is_relative_to(own) for own in _OWN)
    )


def warm_command(world: World) -> list[str]:
    """Return the command that starts a sandbox for a warm interpreter and its jobs."""
    return [
        *_shared(world),
        *("--dir", BUILD, "--bind", str(world.jobs), JOBS, "--tmpfs", "/tmp"),  # noqa: S108
        *("--remount-ro", "/", "--remount-ro", "/dev"),
    ]


def single_command(world: World, seccomp: int | None, temporary_bytes: int) -> list[str]:
    """Return the command that starts a sandbox for one job; ``seccomp`` is a descriptor."""
    return [
        *_shared(world),
        *("--as-pid-1", "--cap-drop", "ALL", "--bind", str(world.jobs), BUILD),
        *("--size", str(temporary_bytes), "--tmpfs", "/tmp"),  # noqa: S108
        *("--size", str(temporary_bytes), "--tmpfs", "/dev/shm"),  # noqa: S108
        *(word for _, path in hidden(world.shown) for word in ("--ro-bind", path, path)),
        *("--remount-ro", "/", "--remount-ro", "/dev"),
        *(() if seccomp is None else ("--seccomp", str(seccomp))),
    ]


def _shared(world: World) -> list[str]:
    command = [
        str(world.bubblewrap),
        *("--unshare-all", "--unshare-user", "--uid", str(USER), "--gid", str(USER)),
        *("--hostname", "wheelyard", "--die-with-parent", "--new-session"),
        *("--ro-bind", "/usr", "/usr"),
    ]
    for place in _SYSTEM:
        path = Path(place)
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), place]
        elif path.is_dir():
            command += ["--ro-bind", place, place]
    command += _network() if world.network else []
    for name in _ETC:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in ("passwd", "group", "hosts"):
        command += ["--ro-bind", str(world.accounts / name), f"/etc/{name}"]
    for path in _outermost(world.readable):
        command += ["--ro-bind", str(path), str(path)]
    for number, path in enumerate(world.shown):
        command += ["--ro-bind", str(path), f"{SHOWN}/{number}"]
        if not hidden((path,)):
            command += ["--ro-bind", str(path), str(path)]
    command += ["--ro-bind", str(world.inside), INSIDE]
    command += ["--ro-bind", str(world.environments), ENVIRONMENTS]
    if world.environment is not None:
        command += ["--ro-bind", str(world.environment), ENVIRONMENT]
    return [*command, "--proc", "/proc", "--dev", "/dev"]


def _network() -> list[str]:
    names = [f"/etc/{name}" for name in ("resolv.conf", "nsswitch.conf", "gai.conf")]
    return ["--share-net", *(word for name in names for word in ("--ro-bind-try", name, name))]


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Leave out what /usr or another of the paths shows already."""
    shown = [Path("/usr"), *(Path(place) for place in _SYSTEM)]
    chosen: list[Path] = []
    for path in sorted(set(paths)):
        if path.is_dir() and not any(path.is_relative_to(other) for other in (*shown, *chosen)):
            chosen.append(path)
    return chosen


def write_accounts(folder: Path) -> Path:
    """Write the passwd, group and hosts of the sandbox."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "passwd").write_text(
        f"root:x:0:0:root:/:/bin/sh\nbuilder:x:{USER}:{USER}:builder:{BUILD}/home:/bin/sh\n"
    )
    (folder / "group").write_text(f"root:x:0:\nbuilder:x:{USER}:\n")
    (folder / "hosts").write_text("127.0.0.1 localhost wheelyard\n::1 localhost\n")
    return folder
