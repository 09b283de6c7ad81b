"""Setting up finds a Python that works, whatever else has its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Path:
    """A tree whose setup.py only says which Python it was handed to."""
    folder = tmp_path / "tree"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(root / "scripts" / "setup.sh", folder / "scripts")
    (folder / "scripts" / "setup.py").write_text(
        "import sys; print(sys.argv[0], sys.version_info[:2])"
    )
    return folder


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def set_up(tree: Path, *folders: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in folders)
    return subprocess.run(
        [shutil.which("bash") or "bash", tree / "scripts" / "setup.sh"],
        env={"PATH": path, "HOME": str(tree), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """What the script needs beside a Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("dirname", "bash"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def test_a_broken_shim_and_an_old_python_are_passed_over(tree: Path, tools: Path) -> None:
    shims, old, good = (tree / name for name in ("shims", "old", "good"))
    program(shims, "python3", "echo 'command not found' >&2; exit 127")
    program(old, "python3", "exit 1")
    program(good, "python3.12", f'exec {sys.executable} "$@"')
    done = set_up(tree, shims, old, good, tools)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scripts/setup.py")


def test_a_python_of_pyenv_is_found_without_its_shims(tree: Path, tools: Path) -> None:
    versions = tree / "pyenv" / "versions" / "3.11.0"
    versions.mkdir(parents=True)
    program(versions / "bin", "python", f'exec {sys.executable} "$@"')
    done = set_up(tree, tools, PYENV_ROOT=str(tree / "pyenv"))
    assert done.returncode == 0, done.stderr


def test_no_python_at_all_is_said_with_what_to_do(tree: Path, tools: Path) -> None:
    done = set_up(tree, tools)
    assert done.returncode == 1
    assert "no Python of 3.11 or newer" in done.stderr
    assert "python3-venv" in done.stderr


def test_a_python_that_was_named_is_not_replaced(tree: Path, tools: Path) -> None:
    named = program(tree / "named", "python", "exit 1")
    done = set_up(tree, tools, PYTHON=str(named))
    assert done.returncode == 1
    assert str(named) in done.stderr
