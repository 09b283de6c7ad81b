"""Apply a recipe's patches to an unpacked source.

``patch`` does the work where it is there, since it finds its place when lines have moved, and git's
command otherwise and for binary patches. Names are checked before either sees them.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.archive_entries import shown
from wheelyard.model.recipe import Patch

_SECONDS = 300
_NAME = re.compile(
    r"^(?:---|\+\+\+|rename from|rename to|copy from|copy to) (?P<name>\"(?:[^\"\\]|\\.)*\"|[^\t\n]+)",
    re.MULTILINE,
)
_GIT_NAMES = re.compile(r"^diff --git (?P<old>\S+) (?P<new>\S+)$", re.MULTILINE)
_INDEX_NAME = re.compile(r"^Index: (?P<name>[^\t\n]+)", re.MULTILINE)
_BINARY = "GIT binary patch"
_FAILED_HUNK = re.compile(r"^Hunk #(\d+) FAILED at (\d+)", re.MULTILINE)
_GIT_FAILED = re.compile(r"^error: patch failed: (.+):(\d+)$", re.MULTILINE)


def apply_patch(patch: Patch, folder: Path) -> None:
    """Change the files of a folder as a patch says.

    Raises ConfigurationError that names the hunk which does not fit, and ToolError where there is no
    program for it. A folder after a failure is not to be used.
    """
    for name in _names(patch.text):
        _check_name(patch, name, folder)
    text = patch.text if patch.text.endswith("\n") else f"{patch.text}\n"
    program = shutil.which("patch") if _BINARY not in text else None
    git = shutil.which("git")
    if program:
        command = [program, "--unified", "--force", "--binary", "--no-backup-if-mismatch"]
        command += ["--reject-file=-", f"--strip={patch.strip}"]
    elif git:
        command = [git, "apply", "--whitespace=nowarn", f"-p{patch.strip}", "-"]
    else:
        raise ToolError(
            f"the patch {patch.name!r} needs the program patch or git",
            hint="Install one of them, for example: apt install patch",
        )
    _run(command, patch, text, folder)


def _run(command: list[str], patch: Patch, text: str, folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            # Inside of another repository git would skip, without a word, what is not below its root.
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C.UTF-8",
                "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent),
            },
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(
            f"the patch {patch.name!r} was not applied within {_SECONDS} s",
            hint="Look at the patch.",
        ) from error
    if done.returncode:
        output = (done.stdout + done.stderr).decode("utf-8", "replace")
        raise ConfigurationError(
            f"the patch {patch.name!r} does not apply: {_reason(output)}",
            hint="Make the patch anew against this release, or check its strip level.",
        )


def _reason(output: str) -> str:
    """Find the first hunk that failed in what the program said."""
    if match := _FAILED_HUNK.search(output):
        before = output[: match.start()].splitlines()
        files = [line for line in before if line.startswith(("patching file", "checking file"))]
        file = files[-1].split(" ", 2)[2] if files else "a file"
        return f"hunk {match[1]} of {file} failed at line {match[2]}"
    if match := _GIT_FAILED.search(output):
        return f"the hunk of {match[1]} at line {match[2]} failed"
    if "can't find file to patch" in output:
        return "it names a file that is not there"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def _names(text: str) -> Iterator[str]:
    for pattern in (_NAME, _INDEX_NAME):
        for match in pattern.finditer(text):
            yield match["name"]
    for match in _GIT_NAMES.finditer(text):
        yield from (match["old"], match["new"])


def _check_name(patch: Patch, name: str, folder: Path) -> None:
    plain = name.strip().strip('"')
    if plain == "/dev/null":
        return
    parts = plain.split("/")
    inside = Path(*(parts[patch.strip :] or parts[-1:]))
    leaves = plain.startswith("/") or ".." in parts or "\\" in plain or "\0" in plain
    root = folder.resolve()
    if leaves or not (root / inside).resolve().is_relative_to(root):
        raise ConfigurationError(
            f"the patch {patch.name!r} names {shown(plain)}, which is not in the source's folder",
            hint="A patch may only change files of the source.",
        )
