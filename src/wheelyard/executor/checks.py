"""Checks of a built wheel: what a green build may still have got wrong.

A check looks and tells, it decides nothing; CheckPolicy says what its finding does. Whatever the
wheel holds, no check fails.
"""

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import InvalidNameError
from wheelyard.executor.abi3 import abi3_violations
from wheelyard.executor.check_policy import DEFAULT_VERDICTS, CheckPolicy
from wheelyard.executor.elf import architecture, elf_members, loaded_bytes
from wheelyard.executor.upstream_files import is_library, missing
from wheelyard.executor.wheelfile import WheelFacts
from wheelyard.model.job import Finding
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target
from wheelyard.targets.wheelname import WheelName

__all__ = ["CheckPolicy", "check_wheel"]

_LINUX = {PlatformKind.LINUX, PlatformKind.MANYLINUX, PlatformKind.MUSLLINUX}
_ELF_NAMES = {"armv7l": "arm", "armv6l": "arm"}
# The path must be a whole one: addresses and relative paths hold it, too.
_BUILD_PATH = re.compile(rb"(?<![\w.~/-])/build/source/[\w.+-]+[\w.+/-]*")
_LARGEST_TEXT = 16 << 20
_MOST_NAMED = 5
_TEST_FOLDERS = {"tests", "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheel:
    path: Path
    facts: WheelFacts
    platform: Platform
    upstream_filename: str
    upstream_files: tuple[str, ...] | None
    upstream_portable: bool

    @property
    def platforms(self) -> frozenset[str]:
        return frozenset(tag.platform for tag in self.facts.tags)

    @property
    def pure_where_upstream_is_not(self) -> bool:
        """Whether it is for any platform, and the wheel that upstream has for the target is not."""
        try:
            tags = WheelName.parse(self.upstream_filename).tags
        except InvalidNameError:
            return False
        return self.platforms == {"any"} and not any(tag.platform == "any" for tag in tags)


def check_wheel(  # noqa: PLR0913 - the wheel, its job and upstream's, by name
    path: Path,
    facts: WheelFacts,
    *,
    target: Target,
    upstream_filename: str,
    upstream_files: tuple[str, ...] | None,
    upstream_portable: bool = False,
    policy: CheckPolicy,
) -> tuple[Finding, ...]:
    """Run every check. ``upstream_filename`` is empty where upstream has no wheel for the target.

    ``upstream_portable``: it also has one for any platform.
    """
    wheel = _Wheel(
        path=path,
        facts=facts,
        platform=Platform.parse(target.platform),
        upstream_filename=upstream_filename,
        upstream_files=upstream_files,
        upstream_portable=upstream_portable,
    )
    return tuple(
        Finding(check=name, message=message, verdict=policy.verdict(name))
        for name in DEFAULT_VERDICTS
        if (message := _CHECKS[name](wheel))
    )


def _pure_but_upstream_is_binary(wheel: _Wheel) -> str:
    if not wheel.pure_where_upstream_is_not or wheel.upstream_portable:
        return ""
    return (
        f"{wheel.facts.filename} is pure; upstream's {wheel.upstream_filename} is for one platform"
    )


def _optional_extension_left_out(wheel: _Wheel) -> str:
    if not wheel.pure_where_upstream_is_not or not wheel.upstream_portable:
        return ""
    return f"it is pure, as one of upstream's wheels is; {wheel.upstream_filename} may be faster"


def _missing_extension(wheel: _Wheel) -> str:
    if wheel.pure_where_upstream_is_not and wheel.upstream_portable:
        return ""
    absent = missing(wheel.upstream_files or (), wheel.facts.files).compiled
    return f"upstream's wheel has, and this one lacks, {_named(absent)}" if absent else ""


def _missing_files(wheel: _Wheel) -> str:
    absent = missing(wheel.upstream_files or (), wheel.facts.files).others
    return f"upstream's wheel has, and this one lacks, {_named(absent)}" if absent else ""


def _platform_tag_without_binary(wheel: _Wheel) -> str:
    if "any" in wheel.platforms or wheel.facts.compiled:
        return ""
    return f"it is tagged {_named(sorted(wheel.platforms))} and holds nothing that is compiled"


def _unsupported_platform_tag(wheel: _Wheel) -> str:
    if wheel.platforms & {"any", *wheel.platform.tags()}:
        return ""
    return f"it is tagged {_named(sorted(wheel.platforms))}, which does not run on {wheel.platform}"


def _foreign_architecture(wheel: _Wheel) -> str:
    if wheel.platform.kind not in _LINUX:
        return ""
    arch = _ELF_NAMES.get(wheel.platform.arch, wheel.platform.arch)
    # In a pure wheel only what is called a library is one; the rest is data.
    names = [
        name for name in wheel.facts.compiled if "any" not in wheel.platforms or is_library(name)
    ]
    if not names:
        return ""
    with zipfile.ZipFile(wheel.path) as archive:
        foreign = [
            f"{name} ({found})"
            for name, content in elf_members(archive, names)
            if (found := architecture(content)) not in {arch, None}
        ]
    return f"not for {wheel.platform.arch}: {_named(foreign)}" if foreign else ""


def _abi3_violation(wheel: _Wheel) -> str:
    if not any(tag.abi == "abi3" for tag in wheel.facts.tags) or not wheel.facts.compiled:
        return ""
    return _named(abi3_violations(wheel.path, wheel.facts.tags, wheel.facts.compiled), "; ")


def _build_path_leak(wheel: _Wheel) -> str:
    if not wheel.facts.naming_build:
        return ""
    compiled = set(wheel.facts.compiled)
    leaks = []
    with zipfile.ZipFile(wheel.path) as archive:
        for name in wheel.facts.naming_build:
            if name not in compiled and archive.getinfo(name).file_size > _LARGEST_TEXT:
                continue
            content = archive.read(name)
            # Debugging information names the sources by design, and nothing follows it.
            searched = loaded_bytes(content) if name in compiled else content
            match = _BUILD_PATH.search(searched)
            if match:
                leaks.append(f"{match[0].decode()} in {name}")
    return f"paths of the build: {_named(leaks)}" if leaks else ""


def _tests_at_top_level(wheel: _Wheel) -> str:
    own = wheel.facts.project.replace("-", "_")
    folders = {
        name.split("/", 1)[0] for name in wheel.facts.files if "/" in name and name.endswith(".py")
    }
    found = sorted(folders & _TEST_FOLDERS - {own})
    return f"it installs {_named(found)} for everybody to import" if found else ""


def _named(names: Iterable[str], separator: str = ", ") -> str:
    names = list(names)
    rest = len(names) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return separator.join(names[:_MOST_NAMED]) + more


_CHECKS: Mapping[str, Callable[[_Wheel], str]] = {
    "pure-but-upstream-is-binary": _pure_but_upstream_is_binary,
    "optional-extension-left-out": _optional_extension_left_out,
    "missing-extension": _missing_extension,
    "missing-files": _missing_files,
    "platform-tag-without-binary": _platform_tag_without_binary,
    "unsupported-platform-tag": _unsupported_platform_tag,
    "foreign-architecture": _foreign_architecture,
    "abi3-violation": _abi3_violation,
    "build-path-leak": _build_path_leak,
    "tests-at-top-level": _tests_at_top_level,
}
