"""Other processes on the same state folder, and small or read-only file systems for them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import wheelyard

SOURCES = Path(wheelyard.__file__).parent.parent
TESTS = Path(__file__).parent.parent

_START = """
import asyncio, json, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[1])
from store.things import *
from wheelyard.errors import *
from wheelyard.store.folder import StateFolder
from wheelyard.blobs.folder import FolderBlobs

def say(*words):
    print(*words, flush=True)

async def main(path, *words):
{body}

try:
    asyncio.run(main(Path(sys.argv[2]), *sys.argv[3:]))
except StoreError as error:
    say(type(error).__name__, error.message, "|", error.hint)
"""


def command(body: str, path: Path, *words: str) -> list[str]:
    """Return the command of a process that runs ``body`` over a path."""
    import json

    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    code = _START.replace("{body}", lines)
    return [sys.executable, "-c", code, json.dumps([str(SOURCES), str(TESTS)]), str(path), *words]


def start(body: str, path: Path, *words: str) -> "subprocess.Popen[str]":
    """Start a process that talks on its pipes."""
    return subprocess.Popen(
        command(body, path, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def confined(body: str, path: Path, *mount: str) -> str:
    """Run a process that sees everything read-only but for ``mount``; return what it said."""
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        pytest.skip("bubblewrap is not installed")
    words = [bubblewrap, "--ro-bind", "/", "/", "--dev", "/dev", *mount, *command(body, path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if "bwrap:" in ended.stderr:
        pytest.skip(f"bubblewrap does not work here: {ended.stderr}")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
