"""Proof that a wheel is for the machine that it was built for, by reading it alone.

A build for another machine can go wrong in ways that no compiler tells: an object of the build machine in
an archive, an extension that was left out, a symbol of a newer C library. What is found here is said by
name; any of it keeps a wheel from being published.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wheelyard.executor import static_library, webassembly
from wheelyard.executor.elf import MAGIC as ELF
from wheelyard.executor.elf import architecture, defined_symbols, loaded_bytes, read_elf
from wheelyard.executor.webassembly import WasmModule, mismatches, read_wasm
from wheelyard.executor.wheelfile import WheelFacts
from wheelyard.targets.platform import Platform, PlatformKind

_ELF_NAMES = {"armv7l": "arm", "armv6l": "arm"}
_TAGGED_SUFFIX = re.compile(r"\.(?:cpython|pypy)[^.]*\.so$")
_OTHER_MACHINES = re.compile(r"\.(?:pyd|dll|dylib|exe)$")
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
_MOST_NAMED = 5
_LARGEST = 1 << 30
_WASM = {PlatformKind.PYODIDE, PlatformKind.PYEMSCRIPTEN, PlatformKind.EMSCRIPTEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a wheel is held against.

    ``suffix`` is that of the target's extension modules. ``glibc`` is the version of the C library there, where
    the tag itself promises none. ``libraries`` are names that the target has. ``main`` is Pyodide's own module.
    ``foreign`` are paths of the build machine, ``compiled`` says that compilers were called for the package
    itself, ``pure`` that nothing compiled is wanted.
    """

    platform: Platform
    suffix: str
    glibc: tuple[int, int] | None = None
    libraries: frozenset[str] | None = None
    main: WasmModule | None = None
    foreign: tuple[str, ...] = ()
    compiled: bool = False
    pure: bool = False


@dataclass(slots=True)
class _Look:
    """One look through a wheel: what was found wrong, by kind."""

    promise: Promise
    own: frozenset[str] = frozenset()
    faults: dict[str, list[str]] = field(default_factory=dict)

    def say(self, fault: str, about: str) -> None:
        self.faults.setdefault(fault, []).append(about)


def faults_of(path: Path, facts: WheelFacts, promise: Promise) -> tuple[str, ...]:
    """Return what is wrong with a wheel, a sentence each; nothing where it keeps its promise."""
    own = frozenset(PurePosixPath(name).name for name in facts.files)
    look = _Look(promise, own)
    pure = all(tag.platform == "any" for tag in facts.tags)
    if pure and promise.compiled:
        look.say("compilers ran for it and it holds nothing that they made", facts.filename)
    if not pure and not facts.compiled and not promise.pure:
        look.say("it is tagged for one platform and holds nothing compiled", facts.filename)
    with zipfile.ZipFile(path) as archive:
        for name, content in _binaries(archive):
            # Pure wheels carry compiled files as data of tests; what is called a library is one.
            if not pure or ".so" in PurePosixPath(name).suffixes:
                _object(look, name, content)
    return tuple(f"{fault}: {_named(found)}" for fault, found in look.faults.items())


def _binaries(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    starts = (ELF, webassembly.MAGIC, static_library.MAGIC)
    for info in archive.infolist():
        if info.is_dir() or info.filename.endswith(".py") or info.file_size > _LARGEST:
            continue
        with archive.open(info) as member:
            if member.read(8).startswith(starts):
                yield info.filename, archive.read(info)


def _object(look: _Look, name: str, content: bytes) -> None:
    if content.startswith(static_library.MAGIC):
        for member, body in static_library.members(content):
            if body.startswith((ELF, webassembly.MAGIC)):
                _machine(look, f"{name}({member})", body)
        return
    _machine(look, name, content)
    _paths(look, name, content)
    if name.endswith(".so"):
        _suffix(look, name)
    kind = _wasm if content.startswith(webassembly.MAGIC) else _elf
    kind(look, name, content)


def _machine(look: _Look, name: str, content: bytes) -> None:
    platform = look.promise.platform
    if content.startswith(webassembly.MAGIC):
        found, wanted = "wasm32", "wasm32" if platform.kind in _WASM else ""
    else:
        found = architecture(content) or "unreadable"
        wanted = _ELF_NAMES.get(platform.arch, platform.arch)
    if found != wanted:
        look.say(f"not for {platform.arch}", f"{name} ({found})")


def _suffix(look: _Look, name: str) -> None:
    wanted = look.promise.suffix
    if _TAGGED_SUFFIX.search(name) and not name.endswith(wanted):
        look.say(f"named for another Python than {wanted}", name)


def _module(name: str) -> str:
    """Return the module that an extension is, by its name; nothing where it may be another library."""
    file = PurePosixPath(name).name
    tagged = _TAGGED_SUFFIX.search(file) or re.search(r"\.abi3\.so$", file)
    return file[: tagged.start()] if tagged else ""


def _elf(look: _Look, name: str, content: bytes) -> None:
    elf = read_elf(content)
    if elf is None:
        if name.endswith(".so"):
            look.say("cannot be read", name)
        return
    module = _module(name)
    if module and _lacks_start(module, content):
        look.say("has no function that starts the module", name)
    floor = _floor(look.promise)
    newest = max((_version(text) for text in elf.versions), default=(0, 0))
    if floor and newest > floor:
        look.say(f"needs a newer C library than {_dotted(floor)}", f"{name} ({_dotted(newest)})")
    libraries = look.promise.libraries
    missing = set(elf.needed) - look.own - (libraries or set(elf.needed))
    # auditwheel gives what it bundles a name with a digest in it.
    if libraries is not None and missing:
        look.say("needs libraries that the target does not have", f"{name} ({_named(missing)})")


def _floor(promise: Promise) -> tuple[int, int] | None:
    platform = promise.platform
    if platform.kind is PlatformKind.MANYLINUX:
        return (platform.floor[0], platform.floor[1])
    return promise.glibc


def _wasm(look: _Look, name: str, content: bytes) -> None:
    module = read_wasm(content)
    if module is None:
        look.say("cannot be read", name)
        return
    started = _module(name) or (PurePosixPath(name).stem if name.endswith(".so") else "")
    if _module(name) and not module.defined & _starts(started):
        look.say("has no function that starts the module", name)
    if look.promise.main is not None:
        for fault in mismatches(module, look.promise.main):
            look.say("would end with an error where it is called", f"{name}: {fault}")


def _lacks_start(module: str, content: bytes) -> bool:
    """Whether Python cannot start what is named like a module, and nothing else can call it, either."""
    defined = defined_symbols(content)
    return not is_called_by_ctypes(content) and not defined & _starts(module)


def is_called_by_ctypes(content: bytes) -> bool:
    """Whether an ELF file that is named like a module is a plain library, for ctypes or cffi to call (pycryptodome's)."""
    defined = defined_symbols(content) - {"_init", "_fini"}
    return bool(defined) and not any(name.startswith(("PyInit_", "PyInitU_")) for name in defined)


def _starts(module: str) -> frozenset[str]:
    encoded = module.encode("punycode").decode().replace("-", "_")
    return frozenset({f"PyInit_{module}", f"PyInitU_{encoded}"})


def _paths(look: _Look, name: str, content: bytes) -> None:
    if not any(path.encode() in content for path in look.promise.foreign):
        return
    # Debugging information names sources and headers by design, and nothing follows it.
    loaded = loaded_bytes(content) if content.startswith(ELF) else content
    for path in look.promise.foreign:
        if path.encode() in loaded:
            look.say(f"names {path}, which is the build machine's", name)


def _version(text: str) -> tuple[int, int]:
    found = _GLIBC.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _named(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(found[:_MOST_NAMED]) + more
