"""The libraries that a wheel expects from the system, and the packages that bring them.

Each library is looked for as the loader would (ld.so(8)): what the wheel bundles first, then the
system's folders. Nothing is loaded or run.
"""

import glob
import posixpath
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelyard.executor.elf import ElfFile, architecture, elf_members, read_elf

_LOADER = re.compile(
    r"ld(?:-linux[\w-]*|-musl-\w+|64)?\.so(?:\.\d+)*|linux-(?:vdso\d*|gate)\.so\.1"
)
_ORIGIN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\})")
_USUAL_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_LOADER_SETTINGS = Path("/etc/ld.so.conf")
_HEADER = 64
_DATA_PARTS = 3

BASE_PACKAGES = frozenset(
    {
        "libacl1",
        "libattr1",
        "libblkid1",
        "libbz2-1.0",
        "libc6",
        "libcap2",
        "libcrypt1",
        "libgcc-s1",
        "libgmp10",
        "liblz4-1",
        "liblzma5",
        "libmount1",
        "libpcre2-8-0",
        "libselinux1",
        "libstdc++6",
        "libtinfo6",
        "libudev1",
        "libuuid1",
        "libxxhash0",
        "libzstd1",
        "zlib1g",
    }
)
"""Libraries of every Debian, its smallest images too: dpkg, apt, bash and mount use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededLibrary:
    """A library that files in a wheel load; ``path`` is None where it was not found.

    ``packages`` own it; there are none for what was put there by hand.
    """

    name: str
    path: Path | None
    packages: tuple[str, ...]
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemLibraries:
    """What must be on a system for a wheel to load.

    ``install_line`` installs the packages that the base image has not got, if there are any.
    """

    libraries: tuple[NeededLibrary, ...] = ()
    packages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    install_line: str = ""


def dpkg_owner(path: Path) -> tuple[str, ...]:
    """Name the Debian packages that own a file; none where there is no dpkg."""
    spellings = {str(path), *_spellings(path), *_spellings(path.resolve())}
    command = ["dpkg-query", "--search", *sorted(map(_literal, spellings))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ()
    owners: set[str] = set()
    for line in done.stdout.splitlines():
        names, separator, _ = line.partition(": ")
        # ``diversion by`` lines name who moved another's file away.
        if separator and not names.startswith("diversion by"):
            owners |= {name.partition(":")[0] for name in names.split(", ")}
    return tuple(sorted(owners))


def system_libraries(
    wheel: Path,
    *,
    owner_of: Callable[[Path], tuple[str, ...]] = dpkg_owner,
    base: frozenset[str] = BASE_PACKAGES,
) -> SystemLibraries:
    """List what a wheel needs from the system; all of it is sorted."""
    with zipfile.ZipFile(wheel) as archive:
        read = ((_installed(name), read_elf(content)) for name, content in elf_members(archive))
        files = {name: elf for name, elf in read if elf is not None}
        bundled = {_installed(name) for name in archive.namelist()}
    found: dict[tuple[str, Path | None], set[str]] = {}
    folders = _system_folders()
    for name, elf in files.items():
        for library in elf.needed:
            if _LOADER.fullmatch(library) or _is_bundled(library, name, elf, bundled):
                continue
            path = _find(library, elf, folders)
            if path is None and _is_carried(library, files):
                continue
            found.setdefault((library, path), set()).add(name)
    return _told(found, owner_of, base)


def _told(
    found: Mapping[tuple[str, Path | None], set[str]],
    owner_of: Callable[[Path], tuple[str, ...]],
    base: frozenset[str],
) -> SystemLibraries:
    libraries = tuple(
        NeededLibrary(
            name=name,
            path=path,
            packages=owner_of(path) if path is not None else (),
            needed_by=tuple(sorted(found[name, path])),
        )
        for name, path in sorted(found, key=str)
    )
    packages = sorted({package for library in libraries for package in library.packages})
    wanted = [package for package in packages if package not in base]
    return SystemLibraries(
        libraries=libraries,
        packages=tuple(packages),
        missing=tuple(sorted({library.name for library in libraries if library.path is None})),
        install_line=f"apt install {' '.join(wanted)}" if wanted else "",
    )


def _installed(name: str) -> str:
    """Return where a member of a wheel lies once it is installed, relative to site-packages."""
    parts = name.split("/")
    if (
        len(parts) >= _DATA_PARTS
        and parts[0].endswith(".data")
        and parts[1] in {"platlib", "purelib"}
    ):
        parts = parts[2:]
    return "/".join(parts)


def _is_bundled(library: str, name: str, elf: ElfFile, bundled: Iterable[str]) -> bool:
    origin = posixpath.dirname(name)
    return any(
        posixpath.normpath(posixpath.join(_ORIGIN.sub(origin or ".", folder), library)) in bundled
        for folder in elf.folders
        if _ORIGIN.match(folder)
    )


def _is_carried(library: str, files: Mapping[str, ElfFile]) -> bool:
    """Tell whether a package brings a library itself and loads it before whoever needs it."""
    return any(library in {elf.soname, posixpath.basename(name)} for name, elf in files.items())


def _find(library: str, elf: ElfFile, folders: Iterable[str]) -> Path | None:
    own = [folder for folder in elf.folders if folder.startswith("/")]
    places = [Path(library)] if library.startswith("/") else []
    places += [Path(folder, library) for folder in (*own, *folders) if "/" not in library]
    return next((place for place in places if _fits(place, elf)), None)


def _fits(path: Path, elf: ElfFile) -> bool:
    # The folders of several processors may be listed; the loader passes over what is not for its own.
    try:
        with path.open("rb") as file:
            return architecture(file.read(_HEADER)) == elf.arch
    except OSError:
        return False


def _system_folders() -> tuple[str, ...]:
    """List where the loader looks; where /lib is /usr/lib, each folder once."""
    folders: dict[str, str] = {}
    for folder in (*_listed(_LOADER_SETTINGS), *_USUAL_FOLDERS):
        folders.setdefault(str(Path(folder).resolve()), folder)
    return tuple(folders)


def _listed(settings: Path, depth: int = 0) -> list[str]:
    try:
        lines = settings.read_text(errors="replace").splitlines()
    except OSError:
        return []
    folders: list[str] = []
    for line in (each.partition("#")[0].strip() for each in lines):
        if line.startswith("include ") and depth == 0:
            pattern = Path(settings.parent, line.removeprefix("include ").strip())
            for file in sorted(glob.glob(str(pattern))):  # noqa: PTH207 - the pattern is absolute
                folders += _listed(Path(file), depth + 1)
        elif line.startswith("/"):
            folders.append(line)
    return folders


def _spellings(path: Path) -> tuple[str, ...]:
    """Return the two names of a file in /lib: packages from before the merge list the short one."""
    text = str(path)
    short = text.removeprefix("/usr") if text.startswith("/usr/lib") else text
    return (short, f"/usr{short}") if short.startswith("/lib") else (text,)


def _literal(path: str) -> str:
    """Write a path so that dpkg-query sees no pattern in it."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)
