"""The Rust that the user has, where it is not the system's.

rustup keeps toolchains in the user's home, which no build sees, and puts stand-ins on PATH that need
that home. A build is shown the toolchain itself.
"""

import shutil
from pathlib import Path

from wheelyard.executor.asking import said_by
from wheelyard.executor.surroundings import SYSTEM_PATH


async def find_rust() -> Path | None:
    """Return the folder of the Rust that is first on PATH; None where that is the system's, or none."""
    found = shutil.which("rustc")
    if found is None or str(Path(found).parent) in SYSTEM_PATH:
        return None
    # In the root, so that no rust-toolchain.toml of where we are chooses another one.
    output = await said_by((found, "--print", "sysroot"), folder=Path("/"))
    folder = Path(output.strip())
    return folder if folder.is_absolute() and (folder / "bin" / "rustc").is_file() else None
