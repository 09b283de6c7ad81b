"""A platform as data: what a TOML file says of a machine that this one is not.

Those that wheelyard knows lie beside this module; a user's lie in the state folder and win over one of the
same name.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.model.reach import is_machine_of
from wheelyard.targets.platform import LINUX_ARCHITECTURES
from wheelyard.targets.target import Target

FOLDER = "descriptions"
_NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
_WASM = "wasm32"


class Kind(StrEnum):
    """Whose compilers a platform has."""

    GNU = "gnu"
    """Debian's GNU cross compilers, with a sysroot."""
    ZIG = "zig"
    """zig cc, which brings a C library of any version."""
    EMSCRIPTEN = "emscripten"
    """emcc, for WebAssembly in Pyodide."""


class Description(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, rename="kebab"
):
    """A platform.

    ``architecture`` is its processor as platform tags call it, ``triple`` the machine as its compilers do, ``multiarch`` as
    Debian's folders and ``debian`` as Debian's packages do. ``pythons`` says of each version (``3.11``) where its headers come
    from: a release of Debian, or the path of a folder or archive. ``emulator`` are programs that run what was built, the first
    that is there. ``flags`` are added to each call of a compiler.
    """

    name: Annotated[str, msgspec.Meta(pattern=_NAME)]
    kind: Kind
    architecture: str
    triple: str
    pythons: dict[str, str]
    multiarch: str = ""
    debian: str = ""
    zig_target: str = ""
    tag: str = ""
    emulator: tuple[str, ...] = ()
    cpu_family: str = ""
    cpu: str = ""
    endian: str = "little"
    compilers: dict[str, str] = {}
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if self.architecture not in (*LINUX_ARCHITECTURES, _WASM):
            known = nearest(self.architecture, LINUX_ARCHITECTURES)
            raise ValueError(f"{self.architecture!r} is no architecture of a tag. {known}".strip())
        if self.endian not in {"little", "big"}:
            raise ValueError(f"endian is 'little' or 'big', not {self.endian!r}")
        wrong = [one for one in self.pythons if not re.fullmatch(r"\d+\.\d+", one)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no version of Python, as 3.13 is")
        self._check_compilers()
        for version, origin in self.pythons.items():
            # A file is copied into the state folder, from where a relative path leads elsewhere.
            if self.kind is Kind.EMSCRIPTEN and re.fullmatch(r"\d+(\.\d+)+", origin):
                continue
            if not re.fullmatch(r"[a-z][a-z0-9-]*|~?/.*", origin):
                raise ValueError(
                    f"{origin!r}, of Python {version}, is neither a release of Debian nor a path that begins with / or ~/"
                )

    def _check_compilers(self) -> None:
        if not re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)+", self.triple):
            raise ValueError(f"{self.triple!r} is no triple, as aarch64-linux-gnu is")
        if self.kind is Kind.ZIG and not self.zig_target:
            raise ValueError("kind = 'zig' wants 'zig-target', as zig calls the machine")
        if self.kind is Kind.EMSCRIPTEN and not self.tag:
            raise ValueError("kind = 'emscripten' wants 'tag', the platform tag of its wheels")
        if (self.kind is Kind.EMSCRIPTEN) is not (self.architecture == _WASM):
            raise ValueError(f"kind = '{self.kind}' is not for {self.architecture}")

    @property
    def libraries(self) -> str:
        """The folder of Debian's for libraries and headers of this machine."""
        return self.multiarch or self.triple

    def is_machine(self, target: Target) -> bool:
        """Whether a target is this machine."""
        tag = self.tag if self.kind is Kind.EMSCRIPTEN else ""
        return is_machine_of(target, self.architecture, tag)


def python_of(target: Target) -> str:
    """Return the version of a target's Python, ``3.13``; nothing where it is none that platforms have."""
    interpreter = target.interpreter
    plain = interpreter.implementation == "cp" and not interpreter.flags
    return interpreter.python_version if plain else ""


def targets_of(platform: Description) -> Sequence[Target]:
    """Return the targets that a platform is for, one for each of its Pythons."""
    tag = platform.tag or f"linux_{platform.architecture}"
    names = (version.replace(".", "") for version in platform.pythons)
    return [Target.parse(f"cp{name}-{tag}") for name in names]


def read(text: bytes, origin: str) -> Description:
    """Read a description. Raises ConfigurationError, which names its place."""
    try:
        return msgspec.toml.decode(text, type=Description)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        keys = [name.replace("_", "-") for name in Description.__struct_fields__]
        unknown = re.search(r"unknown field `([^`]+)`", str(error))
        near = f" {nearest(unknown[1], keys)}" if unknown else ""
        raise ConfigurationError(
            f"{origin} is no description of a platform: {error}",
            hint=f"docs/reference/platforms.md says what stands in one.{near}".rstrip(),
        ) from error


def shipped() -> Mapping[str, Description]:
    """Return those that come with wheelyard, by name."""
    folder = resources.files("wheelyard.executor.platforms") / FOLDER
    files = sorted(
        (one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda f: f.name
    )
    found = [read(one.read_bytes(), one.name) for one in files]
    return {one.name: one for one in found}


def known(own: Path) -> Mapping[str, Description]:
    """Return all, a user's own among them, which lie in a folder. Raises ConfigurationError."""
    found = dict(shipped())
    for path in sorted(own.glob("*.toml")) if own.is_dir() else ():
        description = read(path.read_bytes(), str(path))
        found[description.name] = description
    return found


def named(name: str, all_of_them: Mapping[str, Description]) -> Description:
    """Return one by its name. Raises ConfigurationError."""
    if name not in all_of_them:
        near = nearest(name, all_of_them)
        raise ConfigurationError(
            f"there is no platform {name!r}",
            hint=f"{near} 'wheelyard platform list' shows them all.".strip(),
        )
    return all_of_them[name]
