"""The example of a command as a repository with revisions."""

import shutil
import subprocess
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_IDENTITY = (
    *("-c", "user.name=A", "-c", "user.email=a@example.org"),
    *("-c", "init.defaultBranch=main"),
)


def git(folder: Path, *words: str) -> str:
    return subprocess.check_output(["git", *_IDENTITY, *words], cwd=folder, text=True).strip()


def repository(folder: Path, *, revisions: int) -> Path:
    """Write the C project, and commit it so often."""
    shutil.copytree(EXAMPLES / "c-project", folder)
    git(folder, "init", "-q")
    for number in range(1, revisions + 1):
        (folder / "NEWS").write_text(f"revision {number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"revision {number}")
    return folder
