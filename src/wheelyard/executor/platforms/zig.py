"""zig: one compiler for many machines, with a C library of any version; fetched from upstream, kept in the state folder."""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import ToolError
from wheelyard.executor.environments import find_uv
from wheelyard.executor.platforms import debian

REQUIREMENT = "ziglang==0.15.2"
_FIRST_GLIBC = {"riscv64": (2, 27)}
_PROBE = {
    "c": "int main(void) { return 0; }\n",
    "cc": "#include <string>\nint main() { return std::string().size(); }\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Zig:
    """zig's program, and the folder with all that it keeps. Its methods block."""

    folder: Path

    @property
    def program(self) -> Path:
        """The compiler."""
        return self.folder / "ziglang" / "zig"

    def install(self) -> str:
        """Fetch it where it is not there; return its version. Raises ToolError."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.program.is_file():
                new = self.folder.with_name(f".{self.folder.name}.new")
                shutil.rmtree(new, ignore_errors=True)
                command = (
                    str(find_uv()),
                    "pip",
                    "install",
                    "--quiet",
                    "--target",
                    str(new),
                    REQUIREMENT,
                )
                debian.run(command, "uv", "It comes with wheelyard.")
                shutil.rmtree(self.folder, ignore_errors=True)
                new.rename(self.folder)
        return debian.run((str(self.program), "version"), "zig", "").strip()

    def warm(self, target: str) -> Path:
        """Build what zig builds of a target's C and C++ libraries, once; return the cache that has it. Raises ToolError."""
        cache = self.folder / f"cache-{target}"
        with (self.folder / f"cache-{target}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not cache.is_dir():
                new = cache.with_name(f".{cache.name}.new")
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                for ending, text in _PROBE.items():
                    self._compile(target, new, ending, text)
                new.rename(cache)
        return cache

    def _compile(self, target: str, cache: Path, ending: str, text: str) -> None:
        source = cache / f"probe.{ending}"
        source.write_text(text)
        word = "c++" if ending == "cc" else "cc"
        variables = [f"ZIG_GLOBAL_CACHE_DIR={cache}", f"ZIG_LOCAL_CACHE_DIR={cache}"]
        for more in ((), ("-shared", "-fPIC")):
            command = ("env", *variables, str(self.program), word, "-target", target, "-O2", *more)
            debian.run((*command, str(source), "-o", str(cache / "probe")), "zig", "")


def copy_cache(warm: Path, place: Path) -> None:
    """Give a build a cache of its own: results are shared by links, what zig writes into is copied."""
    for source in warm.iterdir():
        if source.is_dir():
            copy = shutil.copy2 if source.name == "h" else _linked
            shutil.copytree(source, place / source.name, copy_function=copy, dirs_exist_ok=True)


def _linked(source: str, place: str) -> None:
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)


def floor_of(architecture: str, wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return the C library to build for: what a tag names, else the oldest that is sensible. Raises ToolError."""
    first = _FIRST_GLIBC.get(architecture, (2, 17))
    floor = wanted or first
    if floor < first:
        raise ToolError(
            f"there is no glibc {floor[0]}.{floor[1]} for {architecture}",
            hint=f"The first is {first[0]}.{first[1]}: name manylinux_{first[0]}_{first[1]}_{architecture} or a later one.",
        )
    return floor
