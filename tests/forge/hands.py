"""What people do to a bare repository with git's own command, as they would from a clone."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

PEOPLE = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_AUTHOR_NAME": "maintainer",
    "GIT_AUTHOR_EMAIL": "maintainer@example.org",
    "GIT_COMMITTER_NAME": "maintainer",
    "GIT_COMMITTER_EMAIL": "maintainer@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, env=PEOPLE, input=given, capture_output=True, check=False
    )
    assert ran.returncode == 0, (arguments, ran.stdout, ran.stderr)
    return ran.stdout.decode().strip()


def create(bare: Path, files: Mapping[str, bytes]) -> str:
    """A bare repository with one commit on main."""
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    return change(bare, files, "Begin")


def change(
    bare: Path, files: Mapping[str, bytes | None], title: str, *, branch: str = "main"
) -> str:
    """Commit to a branch in a clone, and push that."""
    with clone(bare, branch) as folder:
        return commit(Path(folder), files, title, branch)


def clone(bare: Path, branch: str) -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory()
    place = Path(folder.name)
    git(place, "clone", "--quiet", str(bare), ".")
    branches = git(place, "branch", "--remotes", "--format=%(refname)")
    if f"refs/remotes/origin/{branch}" in branches.split("\n"):
        git(place, "checkout", "--quiet", "-B", branch, f"origin/{branch}")
    else:
        git(place, "checkout", "--quiet", "-B", branch)
    return folder


def commit(folder: Path, files: Mapping[str, bytes | None], title: str, branch: str) -> str:
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", title)
    git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return git(folder, "rev-parse", "HEAD")


def merge(bare: Path, branch: str, *, squash: bool = False, ref: str = "") -> str:
    """Merge a branch (or what else ``ref`` names, maybe of another repository) into main as people do."""
    with clone(bare, "main") as name:
        folder = Path(name)
        git(folder, "fetch", "--quiet", "origin", f"+{ref or f'refs/heads/{branch}'}:offered")
        if squash:
            git(folder, "merge", "--quiet", "--squash", "offered")
            git(folder, "commit", "--quiet", "-m", "Do as the bot wants (squashed)")
        else:
            git(folder, "merge", "--quiet", "--no-ff", "--no-edit", "offered")
        git(folder, "push", "--quiet", "origin", "main")
        return git(folder, "rev-parse", "HEAD")


def read(bare: Path, path: str, branch: str = "main") -> bytes:
    ran = subprocess.run(
        ["git", "show", f"{branch}:{path}"], cwd=bare, env=PEOPLE, capture_output=True, check=True
    )
    return ran.stdout
