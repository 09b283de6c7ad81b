"""The platforms that this machine builds for without being one, and the ways there."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from wheelyard.cross.description import Crossing
from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms import crossings, debian, missing
from wheelyard.executor.platforms.crossings import Sources
from wheelyard.executor.platforms.description import Description, Kind, known, named, python_of
from wheelyard.executor.platforms.ready import LinuxPlatform, python_in
from wheelyard.executor.platforms.sysroot import PYTHON_HEADERS, Sysroot, Sysroots
from wheelyard.executor.platforms.wasm import WebAssembly
from wheelyard.executor.platforms.zig import REQUIREMENT, Zig, floor_of
from wheelyard.executor.reached import ReadyPlatform
from wheelyard.model.reach import Reach, order_for
from wheelyard.model.way import Way, WayKind
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target

DESCRIPTIONS = "descriptions"


class KnownPlatforms:
    """Those that come with wheelyard and those of a user, with all that they take in one folder."""

    def __init__(self, folder: Path, mirror: str = "") -> None:
        self._folder = folder
        self._sysroots = Sysroots(folder, mirror)
        self._zig = Zig(folder=folder / "zig")
        self._wasm = WebAssembly(folder)

    def descriptions(self) -> Mapping[str, Description]:
        """Return all platforms by name. Raises ConfigurationError."""
        return known(self.own)

    @property
    def own(self) -> Path:
        """The folder with the descriptions that a user added."""
        return self._folder / DESCRIPTIONS

    @property
    def checks(self) -> Path:
        """The folder in which checks compile."""
        return self._folder / "checks"

    def sysroots(self, platform: Description) -> Sequence[Sysroot]:
        """Return the sysroots that were made for a platform so far. Raises ToolError."""
        return self._sysroots.made(platform)

    def reaches(self, build: str) -> tuple[Reach, ...]:
        """Return the platforms for which nothing is missing here, for whoever plans elsewhere. This blocks.

        ``build`` is the platform of this machine.
        """
        found = sorted(self.descriptions().values(), key=lambda one: one.name)
        return tuple(
            Reach(
                platform=one.name,
                architecture=one.architecture,
                build=build,
                pythons=tuple(one.pythons),
                tag=one.tag if one.kind is Kind.EMSCRIPTEN else "",
                any_floor=one.kind is Kind.ZIG,
                emulates=bool(missing.emulator(one)),
                # No version of a compiler: like a builder's own, it is told apart by nobody who plans.
                toolchain=f"{one.name} {_described(one)}",
                compilers=_compilers(one),
            )
            for one in found
            if not missing.of_all(one)
        )

    def to_fetch(self, platform: Description) -> tuple[str, ...]:
        """Return the programs of a platform that are fetched when it is first used."""
        if platform.kind is Kind.ZIG and not self._zig.program.is_file():
            return (REQUIREMENT,)
        return self._wasm.to_fetch(platform) if platform.kind is Kind.EMSCRIPTEN else ()

    async def ways(self, target: Target, build: Target) -> tuple[Way, ...]:
        """Return the ways to a target, the best first; none where no platform is that machine.

        Raises ToolError and ConfigurationError, which say what is missing.
        """
        return await asyncio.to_thread(self._ways, target, build)

    async def ready(self, way: Way, target: Target, packages: tuple[str, ...]) -> ReadyPlatform:
        """Have all that a way takes: compilers, sysroots, an emulator. Raises ToolError and ConfigurationError."""
        return await asyncio.to_thread(self.made_ready, way.platform, target, packages)

    def made_ready(self, name: str, target: Target, packages: Sequence[str]) -> ReadyPlatform:
        """Do that for a platform's name, in this thread."""
        platform, python = named(name, self.descriptions()), python_of(target)
        absent = (
            *(*missing.of_compilers(platform), *missing.of_fetching(platform)),
            *missing.of_sysroots(platform),
        )
        if absent:
            raise _cannot(platform, absent)
        if platform.kind is Kind.EMSCRIPTEN:
            return self._wasm.ready(platform, python, tuple(packages))
        base = self._sysroots.python(platform, python)
        sources = Sources(
            platform=platform,
            python=python,
            base=base,
            libraries=self._sysroots.libraries(platform, python, packages),
        )
        if platform.kind is Kind.ZIG:
            return self._with_zig(sources, target)
        return self._linux(sources)

    def _ways(self, target: Target, build: Target) -> tuple[Way, ...]:
        machines = [one for one in self.descriptions().values() if one.is_machine(target)]
        python = python_of(target)
        if not machines or not python:
            return ()
        having = [one for one in machines if python in one.pythons]
        if not having:
            there = ", ".join(sorted({version for one in machines for version in one.pythons}))
            raise ConfigurationError(
                f"Python {python} for {machines[0].architecture} is not to be had from Debian: there are {there}",
                hint="Say in a description of your own where its headers are: wheelyard platform add.",
            )
        usable = sorted(
            (one for one in having if not missing.of_compilers(one)),
            key=lambda one: order_for(target, any_floor=one.kind is Kind.ZIG, name=one.name),
        )
        if not usable:
            raise _cannot(having[0], missing.of_compilers(having[0]))
        crossed = [self._way(one, WayKind.CROSS, build) for one in usable[:1]]
        emulated = [
            self._way(one, WayKind.EMULATED, build) for one in usable[:1] if missing.emulator(one)
        ]
        return (*crossed, *emulated)

    def _way(self, platform: Description, kind: WayKind, build: Target) -> Way:
        return Way(
            kind=kind,
            # Under an emulator all that runs is the target's own.
            build=build if kind is WayKind.CROSS else None,
            platform=platform.name,
            toolchain=self._toolchain(platform),
            why=_compilers(platform)
            if kind is WayKind.CROSS
            else f"its own Python under {Path(missing.emulator(platform)).name}",
        )

    def _toolchain(self, platform: Description) -> str:
        """Name what shapes a compiled file: the description, and the compilers' version."""
        described = _described(platform)
        if platform.kind is Kind.GNU:
            said = debian.run((missing.compiler(platform, "gcc"), "-dumpfullversion"), "gcc", "")
            return f"{platform.name} {described} gcc {said.strip()}"
        if platform.kind is Kind.EMSCRIPTEN:
            # The release of Debian and the version of Pyodide, which its description names.
            return f"{platform.name} {described}"
        return f"{platform.name} {described} {REQUIREMENT}"

    def _with_zig(self, sources: Sources, target: Target) -> LinuxPlatform:
        platform, tag = sources.platform, Platform.parse(target.platform)
        named_floor = (tag.floor[0], tag.floor[1]) if tag.kind is PlatformKind.MANYLINUX else None
        floor = floor_of(platform.architecture, named_floor)
        self._zig.install()
        cache = self._zig.warm(f"{platform.zig_target}.{floor[0]}.{floor[1]}")
        crossing = crossings.zig(sources, self._zig.program, floor)
        return self._linux(sources, crossing, cache=cache)

    def _linux(
        self,
        sources: Sources,
        crossing: Crossing | None = None,
        cache: Path | None = None,
    ) -> LinuxPlatform:
        platform, python = sources.platform, python_in(sources)
        roots = sources.layers
        emulator, root = missing.emulator(platform), str(sources.base.root)
        runs = bool(emulator) and python.executable.exists()
        headers = sources.base.root / PYTHON_HEADERS / python.headers.name
        return LinuxPlatform(
            host_platform=f"linux-{platform.architecture}",
            sysconfigdata=python.sysconfigdata,
            suffix=python.suffix,
            headers=headers if platform.kind is Kind.ZIG else python.headers,
            python=(emulator, "-L", root, str(python.executable)) if runs else (),
            environment={},
            shown=(self._folder,),
            libraries=tuple(Path(one) for one in sources.library_folders(roots)),
            glibc=sources.base.glibc,
            crossing=crossing or crossings.gnu(sources),
            state=self._folder,
            cache=cache,
        )


def _compilers(platform: Description) -> str:
    whose = {Kind.GNU: "GNU compilers", Kind.ZIG: "zig", Kind.EMSCRIPTEN: "Emscripten"}
    return f"{whose[platform.kind]} for {platform.triple}"


def _described(platform: Description) -> str:
    return hashlib.sha256(msgspec.json.encode(platform)).hexdigest()[:16]


def _cannot(platform: Description, absent: Sequence[missing.Missing]) -> ToolError:
    names = ", ".join(one.what for one in absent)
    return ToolError(
        f"the platform {platform.name} cannot be used: {names} {'is' if len(absent) == 1 else 'are'} not there",
        hint=f"{missing.how_to_have(absent)}; 'wheelyard platform check {platform.name}' says more.",
    )
