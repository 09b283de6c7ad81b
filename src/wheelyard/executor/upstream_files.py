"""Files of upstream's wheel that ours lacks, by what they are to whoever installs them.

How an extension module's file is called depends on the interpreter, where a file lies in the wheel
on the back end; neither matters.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_EXTENSION = re.compile(
    r"(?P<stem>[^.]+)(?:\.[\w-]+)?\.(?:so|pyd|dylib)|(?P<library>lib[^/]+?)\.so(?:\.\d+)+"
)
_IGNORED_FOLDERS = re.compile(r".*\.(?:dist-info|egg-info|libs|dylibs)|__pycache__")
_LICENCE = re.compile(r"(?:licen[cs]es?|copying|notice|authors)\b.*", re.IGNORECASE)
_FEWEST_PARTS_OF_DATA = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What ours lacks: modules and libraries that were compiled, and other files."""

    compiled: tuple[str, ...]
    others: tuple[str, ...]


def missing(upstream: Iterable[str], ours: Iterable[str]) -> Missing:
    """Compare the paths in two wheels; the answer spells them as upstream does."""
    present = {_place(path) for path in ours}
    absent = [path for path in sorted(upstream) if _counts(path) and _place(path) not in present]
    return Missing(
        compiled=tuple(path for path in absent if is_library(path)),
        others=tuple(path for path in absent if not is_library(path)),
    )


def is_library(path: str) -> bool:
    """Tell whether a file is called as extension modules and libraries are."""
    return _EXTENSION.fullmatch(path.rpartition("/")[2]) is not None


def _counts(path: str) -> bool:
    *folders, name = path.split("/")
    return not (
        name == ""
        or name.endswith((".pyc", ".pyo"))
        or _LICENCE.fullmatch(name)
        or any(_IGNORED_FOLDERS.fullmatch(folder) for folder in folders)
    )


def _place(path: str) -> str:
    """Return where a file is installed, with one spelling of an extension module's name."""
    parts = path.split("/")
    if parts[0].endswith(".data") and len(parts) >= _FEWEST_PARTS_OF_DATA:
        parts = parts[2:] if parts[1] in {"purelib", "platlib"} else [".data", *parts[1:]]
    match = _EXTENSION.fullmatch(parts[-1])
    if match:
        parts[-1] = (match["stem"] or match["library"]) + ".so"
    return "/".join(parts)
