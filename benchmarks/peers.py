"""The other tools. A runner prepares (not measured) and then builds a group of releases (measured).

Each is run as its own documentation says, with its caches warm and from the same sdists.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.corpus import fresh, unpack
from benchmarks.measure import Usage, measure, total
from benchmarks.setting import Setting

from wheelyard.model.release import Release

Command = list[str | Path]


class Runner(Protocol):
    """Something that builds wheels from sdists."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def prepare(self, releases: Sequence[Release]) -> None:
        """Warm what a measured run finds warm."""
        ...

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build fresh wheels of releases below an empty folder and say what it took."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PipWheel:
    """``pip wheel --no-deps``, a run for each sdist."""

    setting: Setting
    name: str = "pip wheel"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill pip's HTTP cache."""
        self.build(releases, fresh(self.setting.cache / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other."""
        command: Command = [
            self.setting.programs() / "python",
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--quiet",
        ]
        return total(
            measure([*command, "--wheel-dir", folder / "out", path], log=folder / "log")
            for path in self.setting.corpus.sdists(releases).values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PypaBuild:
    """``python -m build --wheel``, a run for each unpacked sdist."""

    setting: Setting
    name: str = "python -m build"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill the cache of the pip that it calls."""
        self.build(releases, fresh(self.setting.cache / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other; unpacking is not measured."""
        command: Command = [self.setting.programs() / "python", "-m", "build", "--wheel"]
        trees = [
            unpack(path, folder / path.name)
            for path in self.setting.corpus.sdists(releases).values()
        ]
        return total(
            measure([*command, "--outdir", folder / "out", tree], log=folder / "log")
            for tree in trees
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UvBuild:
    """``uv build --wheel``, a run for each sdist."""

    setting: Setting
    name: str = "uv build"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill uv's cache."""
        self.build(releases, fresh(self.setting.cache / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other."""
        command: Command = [
            self.setting.programs() / "uv",
            "build",
            "--wheel",
            "--python",
            self.setting.python,
        ]
        return total(
            measure([*command, "--out-dir", folder / "out", path], log=folder / "log")
            for path in self.setting.corpus.sdists(releases).values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fromager:
    """``fromager build-sequence``, one run for all, with every build requirement built before."""

    setting: Setting
    name: str = "fromager build-sequence"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Bootstrap once, which builds all the build requirements, and keep that."""
        if not (self._bootstrapped / "work-dir" / "build-order.json").is_file():
            shutil.rmtree(self._bootstrapped, ignore_errors=True)
            self.bootstrap(releases, self._bootstrapped)

    @property
    def _bootstrapped(self) -> Path:
        return self.setting.cache / "fromager"

    def bootstrap(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build releases and all that it takes to build them, from the sdists that are cached."""
        downloads = folder / "sdists-repo" / "downloads"
        downloads.mkdir(parents=True)
        for path in tree_sdists(self.setting).glob("*.tar.gz"):
            shutil.copy(path, downloads)
        usage = self._run(["bootstrap", *map(str, releases)], folder)
        # What a first run had to fetch is there for the next one.
        shutil.copytree(downloads, tree_sdists(self.setting), dirs_exist_ok=True)
        return usage

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them in the order that the bootstrap found."""
        shutil.copytree(self._bootstrapped, folder, dirs_exist_ok=True)
        order_file = folder / "work-dir" / "build-order.json"
        wanted = {(str(release.project), str(release.version)) for release in releases}
        order = [
            entry
            for entry in json.loads(order_file.read_text())
            if (entry["dist"], entry["version"]) in wanted
        ]
        if len(order) != len(wanted):
            raise LookupError(f"the build order has {len(order)} of {len(wanted)} releases")
        order_file.write_text(json.dumps(order))
        return self._run(["build-sequence", "--force", str(order_file)], folder)

    def _run(self, arguments: Sequence[str], folder: Path) -> Usage:
        programs = self.setting.programs()
        # It calls uv by name.
        environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        command: Command = [programs / "fromager", "--output-dir", folder, *arguments]
        (folder / "overrides").mkdir(parents=True, exist_ok=True)
        return measure(command, log=folder / "log", cwd=folder, environment=environment)


def tree_sdists(setting: Setting) -> Path:
    """Return the folder with the sdists of everything that the whole tree takes."""
    folder = setting.cache / "tree-sdists"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
