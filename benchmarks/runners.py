"""Who is measured. A runner prepares (not measured) and then builds a group of releases (measured).

Each peer is run as its own documentation says, with its caches warm and from the same sdists.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.corpus import cache_folder, sdists, unpack
from benchmarks.measure import Usage, measure, total

from wheelyard.model.release import Release

Command = list[str | Path]
# tomli's own build is pure unless it is asked for more; no peer looks at that.
_SETTINGS = """\
[checks]
pure-but-upstream-is-binary = "warn"
missing-extension = "warn"
"""
_UPSTREAM_TOOLS = ("--from-source", "requested")


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

    python: Path
    name: str = "pip wheel"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill pip's HTTP cache."""
        self.build(releases, fresh(cache_folder() / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other."""
        command: Command = [
            peers(self.python) / "python",
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--quiet",
        ]
        return total(
            measure([*command, "--wheel-dir", folder / "out", path], log=folder / "log")
            for path in sdists(releases).values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PypaBuild:
    """``python -m build --wheel``, a run for each unpacked sdist."""

    python: Path
    name: str = "python -m build"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill the cache of the pip that it calls."""
        self.build(releases, fresh(cache_folder() / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other; unpacking is not measured."""
        command: Command = [peers(self.python) / "python", "-m", "build", "--wheel"]
        trees = [unpack(path, folder / path.name) for path in sdists(releases).values()]
        return total(
            measure([*command, "--outdir", folder / "out", tree], log=folder / "log")
            for tree in trees
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UvBuild:
    """``uv build --wheel``, a run for each sdist."""

    python: Path
    name: str = "uv build"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Fill uv's cache."""
        self.build(releases, fresh(cache_folder() / "warm"))

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them one after the other."""
        command: Command = [peers(self.python) / "uv", "build", "--wheel", "--python", self.python]
        return total(
            measure([*command, "--out-dir", folder / "out", path], log=folder / "log")
            for path in sdists(releases).values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fromager:
    """``fromager build-sequence``, one run for all, with every build requirement built before."""

    python: Path
    name: str = "fromager build-sequence"

    def prepare(self, releases: Sequence[Release]) -> None:
        """Bootstrap once, which builds all the build requirements, and keep that."""
        if not (self._bootstrapped / "work-dir" / "build-order.json").is_file():
            shutil.rmtree(self._bootstrapped, ignore_errors=True)
            self.bootstrap(releases, self._bootstrapped)

    @property
    def _bootstrapped(self) -> Path:
        return cache_folder() / "fromager"

    def bootstrap(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build releases and all that it takes to build them, from the sdists that are cached."""
        downloads = folder / "sdists-repo" / "downloads"
        downloads.mkdir(parents=True)
        for path in tree_sdists().glob("*.tar.gz"):
            shutil.copy(path, downloads)
        usage = self._run(["bootstrap", *map(str, releases)], folder)
        # What a first run had to fetch is there for the next one.
        shutil.copytree(downloads, tree_sdists(), dirs_exist_ok=True)
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
        programs = peers(self.python)
        # It calls uv by name.
        environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        command: Command = [programs / "fromager", "--output-dir", folder, *arguments]
        (folder / "overrides").mkdir(parents=True, exist_ok=True)
        return measure(command, log=folder / "log", cwd=folder, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheelyard:
    """``wheelyard build``, one run for all, on a state that knows sources and build tools.

    Build tools are upstream's wheels, as they are for pip, build and uv; every requested release is
    built anew. ``options`` go to every run, so that sandbox, compiler cache and the like compare.
    """

    target: str
    name: str = "wheelyard build"
    options: tuple[str, ...] = ()

    def prepare(self, releases: Sequence[Release]) -> None:
        """Build everything once, which fetches sources, tools and what else is kept."""
        if not self._template.is_dir():
            started = fresh(self._template.with_name("wheelyard-state-partial"))
            self._run(["build", *map(str, releases), *_UPSTREAM_TOOLS], started)
            started.rename(self._template)

    @property
    def _template(self) -> Path:
        return cache_folder() / "-".join(["wheelyard-state", *self.options[1::2]])

    def build(self, releases: Sequence[Release], folder: Path, more: Sequence[str] = ()) -> Usage:
        """Build them anew on a copy of the prepared state."""
        state = folder / "state"
        shutil.copytree(self._template, state, symlinks=True)
        names = map(str, releases)
        return self._run(["build", *names, *_UPSTREAM_TOOLS, "--rebuild", *more], state)

    def tree(self, releases: Sequence[Release], folder: Path) -> tuple[Usage, Usage]:
        """Build them and every tool from a folder of sdists alone, then ask for the same again."""
        sources = ["--index", str(tree_sdists()), "--from-source", "all"]
        command = ["build", *map(str, releases), *sources]
        state = folder / "state"
        return self._run(command, state), self._run(command, state)

    def _run(self, arguments: Sequence[str], state: Path) -> Usage:
        settings = cache_folder() / "wheelyard.toml"
        settings.write_text(_SETTINGS)
        command: Command = ["wheelyard", "--config", settings, *arguments]
        command += ["--target", self.target, "--state", str(state)]
        return measure([*command, *self.options], log=state.with_name(f"{state.name}.log"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FromJobStart(Wheelyard):
    """What the jobs of ``wheelyard build`` cost: a run that builds, less one that finds all built.

    What is left out is the start of the program, planning and looking up, which a farm does once.
    """

    name: str = "wheelyard, from job start"

    def build(self, releases: Sequence[Release], folder: Path, more: Sequence[str] = ()) -> Usage:
        """Build them anew, and take away what the same run costs without a job."""
        state = folder / "state"
        shutil.copytree(self._template, state, symlinks=True)
        command = ["build", *map(str, releases), *_UPSTREAM_TOOLS, *more]
        idle = self._run(command, state)
        return self._run([*command, "--rebuild"], state) - idle


def peers(python: Path) -> Path:
    """Return the programs of an environment with all peers in it, made on the first call."""
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    ).strip()
    folder = cache_folder() / f"peers-{version}"
    if not (folder / "bin" / "fromager").exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", python, folder], check=True)
        what = ["fromager>=0.40", "build>=1.2", "pip", "uv"]
        install: Command = [
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            folder / "bin" / "python",
        ]
        subprocess.run([*install, *what], check=True)
    return folder / "bin"


def tree_sdists() -> Path:
    """Return the folder with the sdists of everything that the whole tree takes."""
    folder = cache_folder() / "tree-sdists"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fresh(folder: Path) -> Path:
    """Empty a folder and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
