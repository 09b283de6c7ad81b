"""What people do to bare repositories: they commit, merge, close, in clones of their own."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

PERSON = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    **{f"GIT_{who}_NAME": "maintainer" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "maintainer@example.org" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person does."""
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, env=PERSON, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def create(bare: Path, files: Mapping[str, bytes]) -> None:
    """Make a bare repository with one commit."""
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    commit(bare, files, "Begin")


def commit(bare: Path, files: Mapping[str, bytes | None], title: str) -> None:
    """Change files on main."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git(folder, "clone", "--quiet", str(bare), ".")
        git(folder, "checkout", "--quiet", "-B", "main")
        for path, content in files.items():
            if content is None:
                (folder / path).unlink()
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        git(folder, "add", "--all", "--force")
        git(folder, "commit", "--quiet", "-m", title)
        git(folder, "push", "--quiet", "origin", "main")


def merge(bare: Path, branch: str, *, squash: bool = False) -> None:
    """Merge a branch into main; with ``squash`` as one commit of one's own, which names nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git(folder, "clone", "--quiet", str(bare), ".")
        if squash:
            git(folder, "merge", "--quiet", "--squash", f"origin/{branch}")
            git(folder, "commit", "--quiet", "-m", "Rebuild, by hand")
        else:
            git(folder, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{branch}")
        git(folder, "push", "--quiet", "origin", "main")


def is_offered(bare: Path, branch: str) -> bool:
    """Whether a repository has a branch: a look at git's file, for that is done all the time."""
    return (bare / "refs" / "heads" / branch).is_file()


def close(bare: Path, branch: str) -> None:
    """Turn a proposal down."""
    git(bare, "branch", "-D", branch)


def reopen(bare: Path, branch: str) -> None:
    """Take that back."""
    git(bare, "branch", branch, branch.replace("wheelyard/", "refs/wheelyard/proposals/", 1))
