"""What is built: twelve real sdists, fetched once into a cache folder and then only read."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Releases to build, and the folder in which their sdists lie."""

    folder: Path
    pure: tuple[Release, ...] = PURE
    compiled: tuple[Release, ...] = COMPILED

    @property
    def everything(self) -> tuple[Release, ...]:
        """All of them."""
        return self.pure + self.compiled

    @property
    def subjects(self) -> Mapping[str, tuple[Release, ...]]:
        """The groups that are measured, by name."""
        return {"pure": self.pure, "compiled": self.compiled, "all": self.everything}

    def sdists(self, releases: Sequence[Release]) -> dict[Release, Path]:
        """Return the sdists of releases, after fetching what is missing as pip is set up to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        here = sdists_in(self.folder)
        missing = [release for release in releases if release not in here]
        if missing:
            names = ",".join(str(release.project) for release in missing)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--no-binary", names, "--dest", str(self.folder)]
            subprocess.run([*command, *map(str, missing)], check=True)
            here = sdists_in(self.folder)
        return {release: here[release] for release in releases}


def sdists_in(folder: Path) -> dict[Release, Path]:
    """Return the sdists that lie in a folder."""
    found = {}
    for path in sorted(folder.glob("*.tar.gz")):
        name, version = parse_sdist_filename(path.name)
        found[Release.of(name, str(version))] = path
    return found


def cache_folder() -> Path:
    """Return where sdists, peers and their caches lie: outside of the tree."""
    base = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache")
    return base / "wheelyard-benchmarks"


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist into a fresh folder and return its root."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


def fresh(folder: Path) -> Path:
    """Empty a folder and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
