"""The newest commit of a branch, read from a repository's own files: the question that is asked all the time.

What is not written in the way that git has always done it (reftables, links, work trees) is git's to tell.
"""

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SYMBOLIC = "ref: refs/heads/"
_LONGEST = 1024


def tip_of(path: Path, branch: str) -> str:
    """Return the commit of a branch, of the default one where it is empty; nothing where git has to be asked."""
    try:
        bare = path if (path / "HEAD").is_file() else path / ".git"
        if (bare / "reftable").exists() or not bare.is_dir():
            return ""
        name = branch or _default(bare)
        return _loose(bare, name) or _packed(bare, name) if name else ""
    except OSError:
        return ""


def _default(bare: Path) -> str:
    text = (bare / "HEAD").read_text("utf-8", "replace")[:_LONGEST].strip()
    return text.removeprefix(_SYMBOLIC) if text.startswith(_SYMBOLIC) else ""


def _loose(bare: Path, branch: str) -> str:
    file = bare / "refs" / "heads" / branch
    if ".." in branch or file.is_symlink() or not file.is_file():
        return ""
    text = file.read_text("utf-8", "replace")[:_LONGEST].strip()
    return text if _COMMIT.fullmatch(text) else ""


def _packed(bare: Path, branch: str) -> str:
    file = bare / "packed-refs"
    if not file.is_file():
        return ""
    ending = f" refs/heads/{branch}"
    for line in file.read_text("utf-8", "replace").splitlines():
        if line.endswith(ending) and _COMMIT.fullmatch(line.removesuffix(ending)):
            return line.removesuffix(ending)
    return ""
