"""Where things are on this machine: the state folder, and the Pythons."""

from pathlib import Path

import platformdirs

from wheelyard.executor.interpreters import MachineInterpreters


def state_path(given: Path | None) -> Path:
    """Return the state folder that was named, or the user's own."""
    if given is not None:
        return given.expanduser().absolute()
    return Path(platformdirs.user_state_dir("wheelyard"))


async def find_interpreters(state: Path) -> MachineInterpreters:
    """Find the Pythons of this machine; answers are remembered in the state folder."""
    return await MachineInterpreters.find(cache=state / "cache" / "interpreters.json")
