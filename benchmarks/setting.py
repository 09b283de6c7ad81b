"""What all parts of a run are told."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import Corpus, fresh

PEERS = ("fromager>=0.40", "build>=1.2", "pip", "uv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured, how often, and where.

    ``python`` is the interpreter of ``target``, for which everybody builds; ``targets`` begins with it and has the
    others. ``only`` are beginnings of the names of those that are measured; none means all. ``options`` go to
    every ``wheelyard build``. ``peers`` has the programs of the other tools; they are installed into an environment
    below ``cache`` where it is not given. ``planned`` is how many releases the large plan has.
    """

    cache: Path
    corpus: Corpus
    python: Path
    target: str
    targets: tuple[str, ...]
    only: tuple[str, ...] = ()
    repeat: int = 3
    options: tuple[str, ...] = ()
    peers: Path | None = None
    planned: int = 5000

    def wants(self, name: str) -> bool:
        """Whether a runner is to be measured."""
        return not self.only or name.startswith(self.only)

    def run_folder(self) -> Path:
        """Return an empty folder for one measurement."""
        return fresh(self.cache / "work")

    def programs(self) -> Path:
        """Return the folder with the programs of the peers, which is made on the first call."""
        if self.peers is not None:
            return self.peers
        version = subprocess.check_output(
            [self.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
        ).strip()
        folder = self.cache / f"peers-{version}"
        if not (folder / "bin" / "fromager").exists():
            subprocess.run(["uv", "venv", "--quiet", "--python", self.python, folder], check=True)
            install: list[str | Path] = ["uv", "pip", "install", "--quiet"]
            install += ["--python", folder / "bin" / "python"]
            subprocess.run([*install, *PEERS], check=True)
        return folder / "bin"
