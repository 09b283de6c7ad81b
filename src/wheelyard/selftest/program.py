"""One process of wheelyard: started, listened to, stopped, killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import wheelyard
from wheelyard.selftest.verdict import NotSurvivedError, until

_SOURCES = Path(wheelyard.__file__).parent.parent
_OURS = ("WHEELYARD_", "UV_", "PIP_", "PYTEST_")
_START_SECONDS = 180.0
_END_SECONDS = 40.0


class Program:
    """A ``wheelyard`` process whose output goes to a file, which later processes of the same name append to."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._output = folder / f"{name}.out"
        self._process: asyncio.subprocess.Process | None = None
        self._heard_from = 0

    @property
    def runs(self) -> bool:
        """Whether it is there still."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def said(self) -> str:
        """What all processes of this name printed."""
        return self._output.read_text("utf-8", "replace") if self._output.exists() else ""

    @property
    def says(self) -> str:
        """What the last process of this name printed so far."""
        return self.said[self._heard_from :]

    async def start(self, *words: str | Path, failpoints: str = "", **more: str) -> None:
        """Start it; ``more`` are variables of its environment."""
        self._heard_from = len(self.said)
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wheelyard", *map(str, words)),
                cwd=self._folder,
                env={**_environment(self._folder), "WHEELYARD_FAILPOINTS": failpoints, **more},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # An interrupt from the terminal is for the suite, which ends what it started.
                start_new_session=True,
            )

    async def hear(self, text: str, *, seconds: float = _START_SECONDS) -> None:
        """Wait until it has printed something. Raises NotSurvivedError."""

        async def heard() -> bool:
            if text in self.says:
                return True
            if not self.runs:
                raise NotSurvivedError(f"{self.name} ended: {self.says.strip()[-300:]}")
            return False

        await until(heard, f"{self.name} says {text!r}", seconds=seconds, every=0.05)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self.runs:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a loss of power would."""
        self.send(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> None:
        """Ask it to end, twice where it takes its time."""
        if not self.runs:
            return
        self.send(signal.SIGCONT)
        for _ in range(2):
            self.send(signal.SIGTERM)
            try:
                await self.ended(seconds=_END_SECONDS / 2)
            except NotSurvivedError:
                continue
            return
        await self.kill()

    async def ended(self, *, seconds: float = _END_SECONDS) -> int:
        """Wait until it has ended, and return its code. Raises NotSurvivedError."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                return await self._process.wait()
        except TimeoutError:
            raise NotSurvivedError(f"{self.name} did not end within {seconds:.0f} s") from None


def _environment(folder: Path) -> Mapping[str, str]:
    """Return an environment that holds nothing of this process's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PYTHONPATH": str(_SOURCES), "XDG_STATE_HOME": str(folder / "home")}
