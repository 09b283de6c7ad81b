"""wheelyard itself, as its users run it: one run for a whole group of releases."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import fresh
from benchmarks.measure import Usage, measure
from benchmarks.peers import tree_sdists
from benchmarks.setting import Setting

from wheelyard.model.release import Release

# tomli's own build is pure unless it is asked for more; no peer looks at that.
_CONFIGURATION = """\
[checks]
pure-but-upstream-is-binary = "warn"
missing-extension = "warn"
"""
_UPSTREAM_TOOLS = ("--from-source", "requested")


def wheelyard(
    setting: Setting,
    arguments: Sequence[str | Path],
    *,
    state: Path,
    log: Path | None = None,
    program: Sequence[str] = (),
) -> Usage:
    """Run ``wheelyard build`` on a state folder; what it prints goes to ``log``.

    ``program`` stands for the command where something else is to be ``wheelyard``.
    """
    configuration = setting.cache / "wheelyard.toml"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(_CONFIGURATION)
    own = program or (str(Path(sys.executable).with_name("wheelyard")),)
    command = [*own, "--config", configuration, "build", *arguments, *setting.options]
    return measure([*command, "--state", state], log=log or state.with_name(f"{state.name}.log"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheelyard:
    """``wheelyard build``, one run for all, on a state that knows sources and build tools.

    Build tools are upstream's wheels, as they are for pip, build and uv; every requested release is
    built anew, and nothing else: a tool that requires a newer release of what is measured (hatchling
    of packaging) is given the measured one, which would be a job of its own else. ``options`` go to
    every run, so that compiler caches and the like compare.
    """

    setting: Setting
    name: str = "wheelyard build"
    targets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def prepare(self, releases: Sequence[Release]) -> None:
        """Build everything once, which fetches sources, tools and what else is kept.

        Where another version did that before, all is built again: what this one keeps beyond is added.
        """
        self._template.parent.mkdir(parents=True, exist_ok=True)
        self._build(releases, self._template)
        self._build(releases, self._template, "--rebuild")

    @property
    def _template(self) -> Path:
        return self.setting.cache / "-".join(["state", *self._targets, *self.options[1::2]])

    @property
    def _targets(self) -> tuple[str, ...]:
        return self.targets or (self.setting.target,)

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them anew on a copy of the prepared state."""
        return self._build(releases, self._copy(folder), "--rebuild")

    def _copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self._template, folder / "state", symlinks=True))

    def _build(
        self, releases: Sequence[Release], state: Path, *more: str, program: Sequence[str] = ()
    ) -> Usage:
        targets = [word for target in self._targets for word in ("--target", target)]
        measured = self.setting.cache / "measured.txt"
        measured.write_text("".join(f"{release}\n" for release in releases))
        arguments = [*map(str, releases), *_UPSTREAM_TOOLS, *targets, *self.options, *more]
        arguments += ["--build-constraint", str(measured)]
        return wheelyard(self.setting, arguments, state=state, program=program)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromJobStart(Wheelyard):
    """What the jobs of ``wheelyard build`` cost: a run that builds, less one that finds all built.

    What is left out is the start of the program, planning and looking up, which a farm does once.
    """

    name: str = "wheelyard, from job start"

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them anew, and take away what the same run costs without a job."""
        state = self._copy(folder)
        # The first run on a copy looks at much anew that is remembered by where it lies; no job pays for that.
        self._build(releases, state)
        idle = self._build(releases, state)
        return self._build(releases, state, "--rebuild") - idle


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTree:
    """The corpus and all that it takes to build it, from a folder of sdists alone."""

    setting: Setting

    @property
    def kept(self) -> Path:
        """The state in which everything is built."""
        return self.setting.cache / "state-of-the-tree"

    def build(self, state: Path) -> Usage:
        """Build what a state does not have yet."""
        sources = ["--index", str(tree_sdists(self.setting)), "--from-source", "all"]
        names = map(str, self.setting.corpus.everything)
        return wheelyard(
            self.setting, [*names, *sources, "--target", self.setting.target], state=state
        )

    def build_anew(self) -> Usage:
        """Build everything from nothing, and keep the state that this leaves."""
        state = fresh(self.setting.run_folder() / "state")
        usage = self.build(state)
        shutil.rmtree(self.kept, ignore_errors=True)
        state.rename(self.kept)
        return usage
