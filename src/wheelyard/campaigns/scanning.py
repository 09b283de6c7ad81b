"""Recipes read into the graph, each again only when it changed.

What was read is kept with what tells whether it changed: the commit of a repository, or size and time of the
files of a folder. Reading takes processor time, so that many are read by several processes.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec

from wheelyard.campaigns.feedstocks import PATTERNS, feedstock_of, package_in, package_name_of
from wheelyard.errors import BusyError, ConfigurationError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.graph.packages import Package, PackageGraph
from wheelyard.migrate.reading import package_of
from wheelyard.ports import Memory

_KIND = "scanned-recipes"
_FORMAT = "1"
_RECIPES = frozenset({"meta.yaml", "recipe.yaml"})
_SKIPPED = frozenset({".git", "node_modules", "__pycache__", ".ci_support", ".pixi"})
_DEEPEST = 6
_MANY = 200
_AT_ONCE = 50
_GITS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """One recipe as it was read. ``place`` is its repository or folder, ``stamp`` what tells that it changed."""

    place: str
    stamp: str
    package: Package


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All recipes of a place. ``read``: how many were read for it, the others being as they were before."""

    scanned: tuple[Scanned, ...]
    read: int = 0

    @property
    def graph(self) -> PackageGraph:
        """The packages as a graph."""
        return PackageGraph(one.package for one in self.scanned)

    @property
    def places(self) -> dict[str, str]:
        """Where each package comes from."""
        return {one.package.name: one.place for one in self.scanned}

    @property
    def broken(self) -> list[Scanned]:
        """Those that cannot be read."""
        return [one for one in self.scanned if one.package.broken]


class Scanner:
    """Reads recipes; ``memory`` keeps what was read."""

    def __init__(self, *, memory: Memory, processes: int = 0) -> None:
        self._memory = memory
        self._processes = processes or min(4, os.cpu_count() or 1)

    async def folder(self, folder: Path) -> Scan:
        """Read all recipes below a folder, be it of feedstocks or a monorepo. Raises ConfigurationError."""
        stamps = await asyncio.to_thread(_stamps, folder)
        if not stamps:
            raise ConfigurationError(
                f"there is no recipe below {str(folder)!r}",
                hint="Name a folder that has meta.yaml or recipe.yaml files in it, or git repositories of such.",
            )

        async def read(paths: Sequence[str]) -> list[Package]:
            return await self._spread(_read_files, paths)

        return await self._renewed(f"folder:{folder}", stamps, read)

    async def forge(self, forge: Forge) -> Scan:
        """Read the recipe of each repository that a forge looks after; one that is gone is told as broken."""
        turn = asyncio.Semaphore(_GITS_AT_ONCE)
        names = await forge.repositories()
        tips = await asyncio.gather(*(_tip(forge, name, turn) for name in names))

        async def read(repositories: Sequence[str]) -> list[Package]:
            return list(
                await asyncio.gather(*(_read_repository(forge, one, turn) for one in repositories))
            )

        return await self._renewed("forge", dict(zip(names, tips, strict=True)), read)

    async def _renewed(
        self,
        name: str,
        stamps: Mapping[str, str],
        read: Callable[[Sequence[str]], Awaitable[list[Package]]],
    ) -> Scan:
        known = await self._known(name)
        stale = [
            place
            for place, stamp in stamps.items()
            if not stamp or known.get(place, ("",))[0] != stamp
        ]
        packages = dict(zip(stale, await read(stale), strict=True))
        found = {
            place: (stamp, packages[place] if place in packages else known[place][1])
            for place, stamp in stamps.items()
        }
        if packages or known.keys() != found.keys():
            await self._memory.keep(_KIND, name, await asyncio.to_thread(_encoded, found))
        scanned = tuple(
            Scanned(place=place, stamp=stamp, package=package)
            for place, (stamp, package) in found.items()
        )
        return Scan(scanned=scanned, read=len(packages))

    async def _known(self, name: str) -> dict[str, tuple[str, Package]]:
        kept = await self._memory.recall(_KIND, name)
        if kept is None:
            return {}
        try:
            form, known = await asyncio.to_thread(
                msgspec.msgpack.decode, kept, type=tuple[str, dict[str, tuple[str, Package]]]
            )
        except msgspec.MsgspecError:
            return {}
        return known if form == _FORMAT else {}

    async def _spread(
        self, work: Callable[[list[str]], list[Package]], paths: Sequence[str]
    ) -> list[Package]:
        if len(paths) < _MANY or self._processes == 1:
            return await asyncio.to_thread(work, list(paths))
        parts = [list(paths[at : at + _AT_ONCE]) for at in range(0, len(paths), _AT_ONCE)]
        loop = asyncio.get_running_loop()
        try:
            with ProcessPoolExecutor(self._processes, mp_context=get_context("spawn")) as pool:
                read = await asyncio.gather(
                    *(loop.run_in_executor(pool, work, part) for part in parts)
                )
        except BrokenProcessPool:
            # Another process may not be had (a program that is no file, too little memory): then it takes longer.
            return await asyncio.to_thread(work, list(paths))
        return [package for part in read for package in part]


def _encoded(found: Mapping[str, tuple[str, Package]]) -> bytes:
    return msgspec.msgpack.encode((_FORMAT, found))


def _stamps(folder: Path) -> dict[str, str]:
    """Find the recipes below a folder, each with the sizes and times of the files beside it."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"{str(folder)!r} is no folder", hint="Name one that has recipes in it."
        )
    found: dict[str, str] = {}
    stack = [(str(folder), 0)]
    while stack:
        path, depth = stack.pop()
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        recipe = next((one for one in entries if one.name in _RECIPES and one.is_file()), None)
        if recipe is not None:
            found[recipe.path] = _stamp(recipe)
        if depth < _DEEPEST:
            stack += [(one.path, depth + 1) for one in entries if _is_worth_a_look(one)]
    return dict(sorted(found.items()))


def _is_worth_a_look(entry: "os.DirEntry[str]") -> bool:
    return entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False)


def _stamp(entry: "os.DirEntry[str]") -> str:
    told = entry.stat()
    return f"{told.st_mtime_ns}:{told.st_size}"


def _read_files(paths: list[str]) -> list[Package]:
    return [_read_file(Path(path)) for path in paths]


def _read_file(path: Path) -> Package:
    folder = path.parent.parent if path.parent.name == "recipe" else path.parent
    name = package_name_of(folder.name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Package(name=name, broken=f"{path}: {error}")
    return package_of(name, text, path=path.name)


async def _tip(forge: Forge, repository: str, turn: asyncio.Semaphore) -> str:
    async with turn:
        try:
            return await forge.tip(repository)
        except WheelyardError:
            return ""


async def _read_repository(forge: Forge, repository: str, turn: asyncio.Semaphore) -> Package:
    async with turn:
        try:
            tree = await forge.look(repository, PATTERNS)
        except BusyError:
            raise
        except WheelyardError as error:
            return Package(name=package_name_of(repository), broken=error.message)
    return await asyncio.to_thread(lambda: package_in(feedstock_of(tree)))


def joined(scans: Iterable[Scan]) -> Scan:
    """Return several scans as one; of two packages of one name the first counts."""
    found: dict[str, Scanned] = {}
    read = 0
    for scan in scans:
        read += scan.read
        for one in scan.scanned:
            found.setdefault(one.package.name, one)
    return Scan(scanned=tuple(found.values()), read=read)
