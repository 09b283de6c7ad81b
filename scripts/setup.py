"""Sets up ``.venv`` and the programs that wheelyard uses, once: a stamp says for what it was done.

Standard library only, because nothing is installed yet. A program that is missing is installed by
apt-get where we are root and may; else it is named, and only a continuous integration stops for it.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "wheelyard-setup"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@dataclass(frozen=True)
class Part:
    """A program of the system: its Debian package, what for, and whether it is there."""

    package: str
    purpose: str
    present: Callable[[], bool]


def on_path(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) is not None for name in names)


def has_headers() -> bool:
    """Whether the system's own Python can build extensions; other Pythons bring their headers."""
    if Path(sys.base_prefix) != Path("/usr"):
        return True
    return (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file()


def has_nginx() -> bool:
    """Whether nginx is there; Debian keeps it where only root's PATH may lead."""
    return shutil.which("nginx") is not None or Path("/usr/sbin/nginx").is_file()


def has_emulator() -> bool:
    names = ("qemu-aarch64-static", "qemu-aarch64")
    return any(shutil.which(name) is not None for name in names)


PARTS = (
    Part("bubblewrap", "shuts builds in", on_path("bwrap")),
    Part("gcc", "compiles C extensions", on_path("cc", "gcc")),
    Part("g++", "compiles C++ extensions", on_path("g++")),
    Part("libc6-dev", "headers of the C library", Path("/usr/include/stdio.h").is_file),
    Part("python3-dev", "headers of the system's Python", has_headers),
    Part("patchelf", "repairs wheels that need system libraries", on_path("patchelf")),
    Part("ccache", "keeps what compilers made", on_path("ccache")),
    Part(
        "g++-aarch64-linux-gnu",
        "builds wheels for aarch64",
        on_path("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"),
    ),
    Part("qemu-user-static", "runs what was built for other machines", has_emulator),
    Part("git", "fetches git sources", on_path("git")),
    Part("chromium", "looks at the site in tests", on_path("chromium")),
    Part("nginx", "serves an exported index in tests", has_nginx),
    Part("nats-server", "carries messages between the machines of a farm", on_path("nats-server")),
)


def main() -> int:
    os.chdir(ROOT)
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted and (VENV / "bin" / "wheelyard").is_file():
        return 0
    if not provide_parts():
        return 1
    if not make_environment() or not install():
        return 1
    STAMP.write_text(wanted)
    say("ready: .venv/bin/wheelyard --help")
    return 0


def fingerprint() -> str:
    digest = hashlib.sha256()
    for path in (ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    # An environment that was moved has the old place in its scripts.
    digest.update(f"{VENV} {IN_CI}".encode())
    return digest.hexdigest()


def provide_parts() -> bool:
    """Install or name the missing programs; False where one is missing in a continuous integration."""
    missing = [part for part in PARTS if not part.present()]
    if missing and may_install():
        packages = [part.package for part in missing]
        say(f"installing {', '.join(packages)} with apt-get")
        apt_get(packages)
        missing = [part for part in PARTS if not part.present()]
    for part in missing:
        say(f"missing: {part.package} ({part.purpose})")
    if missing:
        names = " ".join(part.package for part in missing)
        say(f"  Debian, Ubuntu: sudo apt-get install {names}")
    return not (missing and IN_CI)


def may_install() -> bool:
    forbidden = os.environ.get("SYSTEM_PACKAGES", "").lower() in {"no", "0", "false"}
    return not forbidden and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_get(packages: list[str]) -> bool:
    """Install packages one by one if they cannot be had together; say what apt-get said."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    quiet(["apt-get", "update", "-qq"], environment)
    if quiet([*install, *packages], environment):
        return True
    return all([quiet([*install, package], environment) for package in packages])  # noqa: C419 - try all


def quiet(command: list[str], environment: dict[str, str] | None = None) -> bool:
    """Run a command and show what it printed only where it fails."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        say(f"failed: {' '.join(command)}")
        sys.stderr.write(done.stdout[-4000:])
    return done.returncode == 0


def make_environment() -> bool:
    python = VENV / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0:
        return True
    say(f"making .venv with {sys.executable} ({sys.version.split()[0]})")
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv and quiet([uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)]):
        return True
    if importlib.util.find_spec("ensurepip") is None and not provide_ensurepip():
        return False
    return quiet([sys.executable, "-m", "venv", "--clear", str(VENV)])


def provide_ensurepip() -> bool:
    """Debian keeps ensurepip in a package of its own."""
    package = f"python3.{sys.version_info.minor}-venv"
    if may_install() and apt_get([package]):
        return True
    say(f"error: {sys.executable} cannot make environments")
    say(f"  hint: apt-get install {package} (or python3-venv), or install uv; then again")
    return False


def install() -> bool:
    """Install the project and its tools, by uv where there is one, else by pip, as they are set up."""
    say("installing the project and its tools into .venv")
    python = str(VENV / "bin" / "python")
    what = ["--editable", ".", "--group", "dev"]
    uv = shutil.which("uv")
    if uv and quiet([uv, "pip", "install", "--quiet", "--python", python, *what]):
        return True
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # pip understands --group since 25.1; what Python brings may be older.
    return quiet([*pip, "pip>=25.1"]) and quiet([*pip, *what])


def say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
