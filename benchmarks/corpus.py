"""What is built: twelve real sdists, fetched once into a cache folder and then only read."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import parse_sdist_filename

from wheelyard.model.release import Release

PURE = (
    Release.of("six", "1.17.0"),
    Release.of("idna", "3.20"),
    Release.of("certifi", "2026.10.18"),
    Release.of("click", "8.5.1"),
    Release.of("packaging", "26.3"),
    Release.of("attrs", "26.1.0"),
    Release.of("tomli", "2.5.0"),
    Release.of("rich", "15.0.0"),
)
COMPILED = (
    Release.of("markupsafe", "3.0.4"),
    Release.of("pyyaml", "6.0.3"),
    Release.of("msgpack", "1.2.4"),
    Release.of("cffi", "2.1.1"),
)
GROUPS = {"pure": PURE, "compiled": COMPILED}


def cache_folder() -> Path:
    """Return where sdists, peers and their caches lie: outside of the tree."""
    base = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache")
    return base / "wheelyard-benchmarks"


def sdists(releases: Sequence[Release]) -> dict[Release, Path]:
    """Return the sdists of releases, after fetching what is missing as pip is set up to."""
    folder = cache_folder() / "sdists"
    folder.mkdir(parents=True, exist_ok=True)
    here = _present(folder)
    missing = [release for release in releases if release not in here]
    if missing:
        names = ",".join(str(release.project) for release in missing)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", names, "--dest", str(folder)]
        subprocess.run([*command, *map(str, missing)], check=True)
        here = _present(folder)
    return {release: here[release] for release in releases}


def _present(folder: Path) -> dict[Release, Path]:
    found = {}
    for path in folder.glob("*.tar.gz"):
        name, version = parse_sdist_filename(path.name)
        found[Release.of(name, str(version))] = path
    return found


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist into a fresh folder and return its root."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root
