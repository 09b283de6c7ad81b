"""What a recipe takes out of a wheel, and where what it puts in lies."""

import re
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from wheelyard.executor.wheel_archive import open_wheel
from wheelyard.model.recipe import Recipe

_TEST_FOLDERS = frozenset({"test", "tests"})
_TEST_FILE = re.compile(r"(?:test_\w*|\w*_test|conftest)\.py")


def without_tests(wheel: Path, folder: Path, recipe: Recipe) -> Path:
    """Write a wheel without its tests, but for what the recipe keeps; whoever asks normalises it next."""
    if not recipe.drop_tests:
        return wheel
    trimmed = folder / "trimmed" / wheel.name
    trimmed.parent.mkdir()
    with open_wheel(wheel) as archive, zipfile.ZipFile(trimmed, "w") as written:
        for info in archive.infolist():
            if not _is_test(info.filename) or _is_kept(info.filename, recipe.keep):
                written.writestr(info, archive.read(info), compress_type=zipfile.ZIP_STORED)
    return trimmed


def _is_test(name: str) -> bool:
    path = PurePosixPath(name)
    if path.parts[0].endswith((".dist-info", ".data")):
        return False
    return bool(_TEST_FOLDERS & set(path.parts[:-1]) or _TEST_FILE.fullmatch(path.name))


def _is_kept(name: str, patterns: Sequence[str]) -> bool:
    file = PurePosixPath(name).name
    return any(fnmatchcase(name, pattern) or fnmatchcase(file, pattern) for pattern in patterns)


def vendored(project: Path, patterns: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders of a source, built by now, with the shared libraries that go into its wheel."""
    found = {path.parent for pattern in patterns for path in project.glob(pattern)}
    inside = project.resolve()
    return tuple(sorted(one for one in found if one.resolve().is_relative_to(inside)))
