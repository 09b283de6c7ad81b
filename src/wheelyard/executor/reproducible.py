"""How two wheels of the same build differ."""

import zipfile
from pathlib import Path

_FILES = 20
_LINE = 160


def difference(first: Path, second: Path) -> str:
    """Say which files differ, and where first; nothing where the wheels are the same bytes."""
    if first.name != second.name:
        return f"the file names are {first.name} and {second.name}"
    if first.read_bytes() == second.read_bytes():
        return ""
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        ours, theirs = set(one.namelist()), set(other.namelist())
        said = [f"only in the first: {name}" for name in sorted(ours - theirs)]
        said += [f"only in the second: {name}" for name in sorted(theirs - ours)]
        for name in sorted(ours & theirs):
            if name.endswith(".dist-info/RECORD"):
                continue  # it repeats the digests of the others
            found = _where(one.read(name), other.read(name))
            if found:
                said.append(f"{name}: {found}")
    return "\n".join(said[:_FILES]) or "the archives differ in their order, times or modes only"


def _where(one: bytes, other: bytes) -> str:
    if one == other:
        return ""
    if b"\0" not in one + other:
        for number, (ours, theirs) in enumerate(
            zip(one.splitlines(), other.splitlines(), strict=False), 1
        ):
            if ours != theirs:
                return f"line {number}: {_text(ours)} / {_text(theirs)}"
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    near = slice(at, at + 16)
    return f"byte {at}: {one[near].hex()} / {other[near].hex()} (of {len(one)} and {len(other)})"


def _text(line: bytes) -> str:
    return repr(line[:_LINE].decode(errors="replace"))
