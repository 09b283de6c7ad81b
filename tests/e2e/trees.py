"""Source trees whose back end alone knows what they are, and back ends for them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from wheelyard.testing.sdists import SdistSpec

BACK_END = """
import base64, hashlib, os, subprocess, zipfile


def _git(*words):
    return subprocess.check_output(("git", *words), text=True).strip()


def version():
    if "TOLD_VERSION" in os.environ:
        return os.environ["TOLD_VERSION"]
    if os.path.exists("VERSION"):
        return open("VERSION").read().strip()
    told = _git("describe", "--tags", "--long", "--dirty").split("-")
    changed = told.pop() if told[-1] == "dirty" else ""
    tag, distance, _ = told
    return tag.lstrip("v") + ("" if distance == "0" else ".post" + distance) + ("+dirty" if changed else "")


def stem():
    return open("NAME").read().strip() + "-" + version()


def metadata():
    lines = ["Metadata-Version: 2.1", "Name: " + open("NAME").read().strip(), "Version: " + version()]
    lines += open("REQUIRES").read().splitlines() if os.path.exists("REQUIRES") else []
    return "\\n".join(lines) + "\\n"


def get_requires_for_build_wheel(config_settings=None):
    return open("ASKS").read().split() if os.path.exists("ASKS") else []


def _prepare(metadata_directory, config_settings=None):
    folder = stem() + ".dist-info"
    os.mkdir(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w") as stream:
        stream.write(metadata())
    return folder


if not os.path.exists("NO_HOOK"):
    prepare_metadata_for_build_wheel = _prepare


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    module, info = open("NAME").read().strip(), stem() + ".dist-info"
    files = {
        module + ".py": open("module.py").read(),
        info + "/METADATA": metadata(),
        info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += "%s,sha256=%s,%d\\n" % (path, digest, len(text.encode()))
    files[info + "/RECORD"] = record + info + "/RECORD,,\\n"
    filename = stem() + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return filename
"""
ON_INDEX = SdistSpec(name="tellback", body=BACK_END)
"""The same back end as a project of its own, which has to be built first."""


def write_tree(
    folder: Path,
    *,
    name: str = "told",
    files: Mapping[str, str] | None = None,
    in_tree: bool = True,
    static: str = "",
) -> Path:
    """Write a tree that says nothing about itself but what ``static`` puts into ``[project]``."""
    requires = [] if in_tree else ["tellback"]
    pyproject = f'[build-system]\nrequires = {json.dumps(requires)}\nbuild-backend = "tellback"\n'
    content = {"NAME": name, "module.py": "VALUE = 1\n"}
    if in_tree:
        pyproject += 'backend-path = ["."]\n'
        content["tellback.py"] = BACK_END
    content["pyproject.toml"] = pyproject + static
    for path, text in (content | dict(files or {})).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def git(folder: Path, *words: str) -> str:
    """Run git with an identity of its own."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=b")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, tag: str = "") -> str:
    """Commit everything, in a repository that is made if need be, and return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a change")
    if tag:
        git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")
