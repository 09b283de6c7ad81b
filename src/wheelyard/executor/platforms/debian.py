"""Packages of Debian for another machine, without touching this one's.

apt runs with lists, a status and a cache of its own, and with Debian's own keys, so that it resolves and verifies as
it does anywhere, but knows nothing of what is installed here and installs nothing.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import ToolError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_SECONDS = 900
_SETTING = "WHEELYARD_DEBIAN_MIRROR"
_SAID = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSource:
    """A release of Debian for an architecture, and the folder where apt keeps what it knows of it.

    ``mirror`` is an address; without it, what this machine's apt is told. ``keyring`` are the keys that sign the release.
    """

    architecture: str
    suite: str
    folder: Path
    mirror: str = ""
    keyring: Path = KEYRING

    def refresh(self) -> None:
        """Read what packages there are. Raises ToolError."""
        for name in ("lists/partial", "archives/partial", "nothing/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        signed = f"[signed-by={self.keyring} arch={self.architecture}]"
        # apt leaves files of a file: mirror where they are, and takes those of a copy: one.
        address = re.sub(r"^file:", "copy:", self.mirror or mirror())
        line = f"deb {signed} {address} {self.suite} main\n"
        (self.folder / "sources.list").write_text(line)
        self._apt("update", "-qq")

    def closure(self, packages: Sequence[str]) -> Mapping[str, str]:
        """Return the files of packages and of all that they depend on: file name to address. Raises ToolError."""
        # apt does not print what it has fetched before: it is shown a folder where nothing is.
        nothing = f"-oDir::Cache::archives={self.folder / 'nothing'}"
        said = self._apt(nothing, *self._install(packages), "--print-uris")
        rows = [line.split() for line in said.splitlines() if line.startswith("'")]
        return {row[1]: row[0].strip("'") for row in rows}

    def cxx_library(self) -> Sequence[str]:
        """Return the package with the C++ library of the release's own compiler: its name has a version. Raises ToolError."""
        names = {one.partition("_")[0] for one in self.closure(("g++",))}
        return sorted(one for one in names if re.fullmatch(r"libstdc\+\+-\d+-dev", one))

    def download(self, packages: Sequence[str]) -> Sequence[Path]:
        """Fetch packages and all that they depend on, verified by apt. Raises ToolError."""
        files = self.closure(packages)
        self._apt(*self._install(packages), "--download-only")
        found = [self.folder / "archives" / name for name in files]
        absent = [one.name for one in found if not one.is_file()]
        if absent:
            raise ToolError(f"apt-get did not fetch {absent[0]}", hint="Try it again.")
        return found

    @staticmethod
    def _install(packages: Sequence[str]) -> tuple[str, ...]:
        return ("-qq", "-y", "--no-install-recommends", "install", *packages)

    def _apt(self, *arguments: str) -> str:
        settings = {
            "Dir::State::Lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache::archives": self.folder / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::Etc::main": "-",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Get::Assume-Yes": "true",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Update::Error-Mode": "any",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "true",
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        return run(("apt-get", *options, *arguments), "apt-get", "Debian and Ubuntu have it.")


def mirror() -> str:
    """Return where Debian's packages are fetched from: as this machine's apt is told, or as the user says. Raises ToolError."""
    told = os.environ.get(_SETTING, "")
    if told:
        return told
    rows = run(
        (
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(ORIGIN)",
            "Created-By: Packages",
        ),
        "apt-get",
        "Debian and Ubuntu have it. Elsewhere, build with a -zig platform and headers of your own.",
    ).splitlines()
    for row in rows:
        address, _, rest = row.partition(" ")
        if rest.endswith(" Debian") and "security" not in address:
            return address.rstrip("/")
    raise ToolError(
        "this machine's apt knows no mirror of Debian",
        hint=f"Name one in {_SETTING}.",
    )


def unpack(files: Sequence[Path], root: Path) -> Mapping[str, str]:
    """Unpack packages into a folder; return their names and SHA-256 digests. Raises ToolError."""
    root.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        digests = list(pool.map(_digest, files))
    for one in files:
        run(("dpkg", "-x", str(one), str(root)), "dpkg", "Debian and Ubuntu have it.")
    return {one.name: digest for one, digest in zip(files, digests, strict=True)}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def run(command: Sequence[str], name: str, hint: str) -> str:
    """Run a program and return what it printed. Raises ToolError with the last it said."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name} is not installed", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} took too long", hint="Look whether the network works.") from error
    if done.returncode:
        last = " ".join(done.stderr.strip().splitlines()[-_SAID:]) or f"exit {done.returncode}"
        raise ToolError(
            f"{name} failed: {last}",
            hint="Look whether the network and the package names are right.",
        )
    return done.stdout
