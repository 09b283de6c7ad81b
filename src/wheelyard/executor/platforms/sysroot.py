"""Sysroots: headers and libraries of another machine, in the state folder.

One with a Python and the C library for each release of Debian, and beside it a layer for each set of named
libraries, which holds nothing of the C library: zig must not see the target's. A sysroot appears whole or not at
all; its ``packages.json`` keeps the digests of what it was made of.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms import debian
from wheelyard.executor.platforms.debian import KEYRING, PackageSource
from wheelyard.executor.platforms.description import Description

PYTHON_HEADERS = "python-headers"
_LOCK = "packages.json"
_LINKS = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?")
_C_LIBRARY = re.compile(
    r"libc6|libc6-dev|libc-dev-bin|linux-libc-dev|libcrypt1|libcrypt-dev"
    r"|libgcc-s1|libgcc-\d+-dev|libstdc\+\+6|libstdc\+\+-\d+-dev|gcc-\d+-base"
)
_GLIBC = re.compile(r"^libc6_(\d+)\.(\d+)-")


class Made(msgspec.Struct, kw_only=True, frozen=True):
    """What a sysroot was made of: Debian's release, and the digest of each package by its file name.

    ``wanted`` are the packages that were asked for; the others are what those need.
    """

    suite: str
    packages: dict[str, str]
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysroot:
    """A folder with the files of another machine."""

    root: Path
    made: Made

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The version of its C library, where it has one."""
        found = [match for name in self.made.packages if (match := _GLIBC.match(name))]
        return (int(found[0][1]), int(found[0][2])) if found else None


class Sysroots:
    """Makes sysroots and keeps them. Its methods block."""

    def __init__(self, folder: Path, mirror: str = "", keyring: Path = KEYRING) -> None:
        self._folder = folder
        self._mirror = mirror
        self._keyring = keyring

    def python(self, platform: Description, version: str) -> Sysroot:
        """Return the sysroot with a platform's Python. Raises ToolError and ConfigurationError."""
        origin = platform.pythons[version]
        if "/" in origin:
            return self._given(platform, version, Path(origin).expanduser())
        name = f"{platform.debian}-{origin}-python{version}"
        wanted = (
            *(f"libpython{version}-dev", f"libpython{version}-stdlib", f"python{version}-minimal"),
            *("libc6-dev", "libstdc++6"),
        )
        return self._made(name, self._source(platform, origin), wanted, cxx=True)

    def libraries(
        self, platform: Description, version: str, packages: Sequence[str]
    ) -> Sysroot | None:
        """Return the layer with named packages and what they need, without a C library; None where none is named."""
        origin = platform.pythons[version]
        if not packages:
            return None
        wrong = [one for one in packages if not _PACKAGE.fullmatch(one)]
        if wrong:
            raise ConfigurationError(
                f"{wrong[0]!r} is no name of a Debian package",
                hint="Write it as apt does: zlib1g-dev.",
            )
        if "/" in origin:
            raise ConfigurationError(
                f"{', '.join(packages)}: Python {version} of {platform.name} comes from {origin}, not from Debian",
                hint="Put the libraries there, too, and name none.",
            )
        names = ",".join(sorted(set(packages)))
        key = hashlib.sha256(names.encode()).hexdigest()[:12]
        source = self._source(platform, origin)
        name = f"{platform.debian}-{origin}-python{version}-with-{key}"
        return self._made(name, source, packages, without=_C_LIBRARY)

    def made(self, platform: Description) -> Sequence[Sysroot]:
        """Return those that were made for a platform so far: its Pythons', and the layers beside them. Raises ToolError."""
        names = [
            f"{platform.name}-python{version}-*"
            if "/" in origin
            else f"{platform.debian}-{origin}-python{version}*"
            for version, origin in platform.pythons.items()
        ]
        places = {place for name in names for place in (self._folder / "sysroots").glob(name)}
        return [_read(one) for one in sorted(places) if (one / _LOCK).is_file()]

    def _source(self, platform: Description, suite: str) -> PackageSource:
        if not platform.debian:
            raise ConfigurationError(
                f"the platform {platform.name} does not say what Debian calls it",
                hint="Say 'debian = \"arm64\"' or the like in its description.",
            )
        folder = self._folder / "apt" / f"{platform.debian}-{suite}"
        return PackageSource(
            architecture=platform.debian,
            suite=suite,
            folder=folder,
            mirror=self._mirror,
            keyring=self._keyring,
        )

    def _made(
        self,
        name: str,
        source: PackageSource,
        packages: Sequence[str],
        without: re.Pattern[str] | None = None,
        cxx: bool = False,
    ) -> Sysroot:
        root = self._folder / "sysroots" / name
        if (root / _LOCK).is_file():
            return _read(root)
        with (
            _alone(self._folder / "sysroots" / f"{name}.lock"),
            _alone(source.folder.with_suffix(".lock")),
        ):
            if (root / _LOCK).is_file():
                return _read(root)
            source.refresh()
            files = source.download((*packages, *(source.cxx_library() if cxx else ())))
            if without is not None:
                # Not all that is in the Python's sysroot: a link to a library leads nowhere without it.
                files = [one for one in files if not without.fullmatch(_package(one.name))]
            return _unpack(files, root, source.suite, packages)

    def _given(self, platform: Description, version: str, origin: Path) -> Sysroot:
        """Return a folder that a user gives, or what is in an archive."""
        if origin.is_dir():
            return Sysroot(root=origin, made=Made(suite="", packages={}))
        if not origin.is_file():
            raise ConfigurationError(
                f"{origin}, where Python {version} of {platform.name} should be, is not there",
                hint="Name a folder or an archive with usr/include/python… and usr/lib/python….",
            )
        with origin.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        root = self._folder / "sysroots" / f"{platform.name}-python{version}-{digest[:12]}"
        with _alone(root.with_name(f"{root.name}.lock")):
            if not (root / _LOCK).is_file():
                _appear(root, lambda new: _extract(origin, new, f"sha256:{digest}"))
        return _read(root)


def _extract(archive: Path, root: Path, digest: str) -> Made:
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(root, filter="tar")
    except (tarfile.TarError, OSError) as error:
        raise ConfigurationError(
            f"{archive} cannot be unpacked: {error}",
            hint="A tar archive is wanted, compressed or not.",
        ) from error
    return Made(suite="", packages={archive.name: digest})


def _package(filename: str) -> str:
    """Return the name of a package: between two looks at Debian its version may have changed."""
    return filename.partition("_")[0]


def _unpack(files: Sequence[Path], root: Path, suite: str, wanted: Sequence[str]) -> Sysroot:
    def fill(new: Path) -> Made:
        made = dict(sorted(debian.unpack(files, new).items()))
        return Made(suite=suite, packages=made, wanted=tuple(sorted(wanted)))

    return _appear(root, fill)


def _appear(root: Path, fill: Callable[[Path], Made]) -> Sysroot:
    """Fill a new folder, say in it what it is made of, and give it its name."""
    new = root.with_name(f".{root.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    made = fill(new)
    mend_links(new)
    _set_python_apart(new)
    (new / _LOCK).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2))
    shutil.rmtree(root, ignore_errors=True)
    new.rename(root)
    return Sysroot(root=root, made=made)


def _set_python_apart(root: Path) -> None:
    """Link Python's headers into a folder without a C library's, for compilers that bring their own."""
    headers = root / "usr" / "include"
    # Python.h of 3.9 includes crypt.h, which is in a package of its own and not in every C library.
    own = (*headers.glob("python3*"), *headers.glob("*/python3*"), *headers.glob("crypt.h"))
    for found in own:
        place = root / PYTHON_HEADERS / found.relative_to(headers)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(found, place.parent))


def _read(root: Path) -> Sysroot:
    try:
        made = msgspec.json.decode((root / _LOCK).read_bytes(), type=Made)
    except (OSError, msgspec.MsgspecError) as error:
        raise ToolError(
            f"{root / _LOCK} cannot be read: {error}",
            hint=f"Remove the folder {root}; it is made anew.",
        ) from error
    return Sysroot(root=root, made=made)


def mend_links(root: Path) -> None:
    """Add the links of a release that has everything in usr, and let no link lead out of the folder."""
    for name in _LINKS:
        if (root / "usr" / name).is_dir() and not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink():
                leads, inside = path.readlink(), _inside(root, path)
                if leads.is_absolute() or not Path(
                    os.path.normpath(path.parent / leads)
                ).is_relative_to(root):
                    path.unlink()
                    path.symlink_to(os.path.relpath(inside, folder))


def _inside(root: Path, link: Path) -> Path:
    """Return where a link leads to on a machine whose root folder this is: above it there is nothing."""
    seen = Path("/", link.parent.relative_to(root), link.readlink())
    return root / os.path.normpath(seen).lstrip("/")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let no other process make the same at the same time."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
