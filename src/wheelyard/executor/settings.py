"""What the executor is told when it is made."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Sandbox(StrEnum):
    """How much isolation is wanted."""

    AUTO = "auto"
    REQUIRE = "require"
    OFF = "off"


class CompilerCache(StrEnum):
    """What remembers compiled objects between builds of one project."""

    NONE = "none"
    CCACHE = "ccache"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """``state`` holds environments, jobs and caches; ``uv`` is uv's command, found on PATH if None.

    ``warm`` is how many interpreters are kept started, ``parallel`` what one build may use of the
    machine's processors. ``fork`` false gives every job a sandbox that is made for it alone.
    ``readable`` are more folders that builds may read, compilers outside of /usr for example;
    their ``bin`` is put on PATH. ``shown`` are seen, too, but not put there. ``temporary_bytes`` limits /tmp of one job. ``scratch`` is where
    jobs have their folders, ``state/jobs`` if None; one in memory makes builds of many small files
    cheaper, and large ones need its room. ``network``: a command that asks for the network is given it.
    """

    state: Path
    sandbox: Sandbox = Sandbox.AUTO
    compiler_cache: CompilerCache = CompilerCache.NONE
    warm: int = 8
    parallel: int = 1
    fork: bool = True
    uv: Path | None = None
    scratch: Path | None = None
    readable: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()
    temporary_bytes: int = 1 << 30
    network: bool = False
