"""What the tests of the house read: the tracked files of this tree."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every file of the tree that is or would be tracked; in an sdist: all that there are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        return [path for path in root.rglob("*") if path.is_file()]
    names = listed.stdout.decode().split("\0")
    return [root / name for name in names if name and (root / name).is_file()]
