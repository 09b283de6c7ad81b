"""What failed imports say about a wheel.

A wheel whose own package cannot be imported is of no use, and one whose binary does not load was not
built well. But wheels also bring modules that only work with something optional, on another system or
with a display, or look for a library of the system that is not on this one: those are told, and
stop nobody.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wheelyard.jobs.system_libraries import library_of_name
from wheelyard.model.release import ProjectName

_NOT_BUILT_WELL = re.compile(
    r"undefined symbol|cannot open shared object file|\.so\b|dynamic module does not define"
    r"|compiled against|binary incompatib"
)
_FOREIGN_NAME = re.compile(r"ImportError: cannot import name '\w+' from '(?P<module>\w+)")
_NOT_HERE = re.compile(
    r"\$?\bDISPLAY\b|[Bb]ad display name|no display|X server|X connection"
    r"|\bwindll\b|\bWinDLL\b|WINFUNCTYPE"
    r"|(?:only|not) (?:\w+ ){0,2}on (?:this |the )?(?:platform|linux|windows|mac ?os)"
    r"|not (?:\w+ ){0,2}support (?:this |the )?(?:platform|linux)",
    re.IGNORECASE,
)
_LIBRARY_NOT_HERE = re.compile(
    r"librar(?:y|ies) (?:was |were |is )?not (?:be )?found|no library called"
    r"|(?:unable to|failed to|cannot|can't|could not|couldn't) (?:find|load|locate) "
    r"(?:.{0,60}\blibrary\b|(?:or load )?lib\w)"
    r"|^OSError: lib[^/]{1,80}: cannot open shared object file",
    re.IGNORECASE,
)
"""What packages say that open a library themselves; an extension that does not load is an ImportError."""
_MODULES_OF_OTHER_SYSTEMS = frozenset(
    {
        *("msvcrt", "nt", "winreg", "winsound", "_winapi", "_winreg", "_scproxy", "_overlapped"),
        *("win32api", "win32con", "win32file", "win32gui", "pythoncom", "pywintypes"),
        *("AppKit", "Cocoa", "Foundation", "Quartz", "objc"),
        # Interpreters are often built without Tk.
        *("_tkinter", "tkinter"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFailure:
    """A module that could not be imported, and the module, if any, that it missed."""

    module: str
    message: str
    missing: str = ""

    def __str__(self) -> str:
        """Say what failed."""
        return f"import {self.module} failed: {self.message}"

    @property
    def hint(self) -> str:
        """Say what to do about it."""
        if self.message.startswith(("SyntaxError:", "TabError:", "IndentationError:")):
            return (
                "Its code is for another Python: build another version, or leave this target out."
            )
        if _LIBRARY_NOT_HERE.search(self.message):
            return f"It takes along a library of the system. {_library_hint(self.message)}"
        if "version mismatch" in self.message:
            return (
                "It was built with another version of a library than a wheel that it requires: "
                "build that one from source, too (--from-source all)."
            )
        foreign = _FOREIGN_NAME.match(self.message)
        if foreign and foreign["module"] != self.module.partition(".")[0]:
            return (
                f"It was written for another version of {foreign['module']}: narrow that one with "
                "--constraint, or build a newer version of this."
            )
        if not self.missing:
            return ""
        return (
            f"Nothing that it requires brings {self.missing}: add that to its requirements with a "
            "patch, or name the modules to import in a recipe (imports; an empty list imports none)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportVerdict:
    """Which failures a wheel is refused for, and which are only told."""

    fatal: tuple[ImportFailure, ...] = ()
    told: tuple[ImportFailure, ...] = ()


def judge_imports(
    failures: Iterable[ImportFailure],
    *,
    modules: tuple[str, ...],
    own: frozenset[str],
    as_upstream: bool = False,
    pure: bool = False,
) -> ImportVerdict:
    """Sort the failures of importing ``modules`` by what they mean; ``own`` are those that must work.

    ``as_upstream``: the wheel holds all that upstream's does, which then misses the same modules.
    ``pure``: it is for every system, and so cannot have brought the library that it looks for.
    """
    failures = tuple(failures)
    elsewhere = {
        failure.module
        for failure in failures
        if _is_elsewhere(failure)
        or (as_upstream and _misses_another(failure, modules))
        or (pure and _LIBRARY_NOT_HERE.search(failure.message))
    }
    if {failure.module for failure in failures} - elsewhere == set(modules):
        return ImportVerdict(fatal=failures)
    fatal = tuple(
        failure
        for failure in failures
        if failure.module not in elsewhere and _is_fatal(failure, own, modules)
    )
    told = tuple(failure for failure in failures if failure not in fatal)
    return ImportVerdict(fatal=fatal, told=told)


def own_modules(project: ProjectName, modules: tuple[str, ...]) -> frozenset[str]:
    """Return those of a wheel's modules that its project is named after; none may be."""
    names = _names(project)
    return frozenset(
        module for module in modules if not module.startswith("_") and _names(module) & names
    )


def _library_hint(message: str) -> str:
    found = (library_of_name(name) for name in re.findall(r"\blib(\w{1,60})", message))
    debian = next((f" (Debian: apt install {one.debian})" for one in found if one), "")
    return f"Install it{debian} and build again."


def _names(name: str) -> set[str]:
    """Return a name's letters, with and without what says no more than that it is Python's."""
    plain = re.sub(r"[-_.]+", "", name).lower()
    return {plain, re.sub(r"^(?:python|py)|(?:python|py)$", "", plain)} - {""}


def _is_elsewhere(failure: ImportFailure) -> bool:
    top = failure.missing.partition(".")[0]
    return top in _MODULES_OF_OTHER_SYSTEMS or bool(_NOT_HERE.search(failure.message))


def _misses_another(failure: ImportFailure, modules: tuple[str, ...]) -> bool:
    """Whether what it misses is no part of the wheel."""
    return bool(failure.missing) and not any(
        f"{failure.missing}.".startswith(f"{module}.") for module in modules
    )


def _is_fatal(failure: ImportFailure, own: frozenset[str], modules: tuple[str, ...]) -> bool:
    if failure.module in own or _NOT_BUILT_WELL.search(failure.message):
        return True
    if failure.missing:
        return not _misses_another(failure, modules)
    # Where no name tells which module is the project's own, only an honest excuse counts.
    return not own and not failure.message.startswith("SystemExit")
