"""What the rehearsal says as it goes, and the table in the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

PATIENCE_SECONDS = 240.0


class RehearsalError(Exception):
    """Something was not as it has to be; the text is for people."""


@dataclass(frozen=True)
class Shown:
    """What one step showed."""

    title: str
    good: bool
    seconds: float
    found: str


class Teller:
    """Says things, carries steps out, and remembers how they ended."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown: list[Shown] = []

    def say(self, text: str) -> None:
        """Print a line with the time since the beginning."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        print(f"{minutes:3}:{seconds:02}  {text}", flush=True)

    def step(self, title: str, work: Callable[[], str]) -> bool:
        """Carry a step out; ``work`` returns what was found, and raises RehearsalError."""
        print(f"\n== {title}", flush=True)
        began = time.monotonic()
        try:
            found, good = work(), True
        except RehearsalError as error:
            found, good = str(error), False
        self._shown.append(Shown(title, good, time.monotonic() - began, found))
        self.say(f"{'so it is' if good else 'FAILED'}: {found}")
        return good

    def end(self) -> int:
        """Print the table and return the exit code."""
        table = Table(title="What was shown", title_justify="left", box=None, pad_edge=False)
        for column in ("", "step", "s", "found"):
            table.add_column(column, justify="right" if column == "s" else "left")
        for one in self._shown:
            table.add_row(
                "ok" if one.good else "FAILED", one.title, f"{one.seconds:.0f}", one.found
            )
        print()
        Console(width=150).print(table)
        failed = sum(not one.good for one in self._shown)
        self.say(f"{len(self._shown) - failed} of {len(self._shown)} steps as they should be")
        return int(failed > 0)


def demand(so: object, otherwise: str) -> None:
    """Raise RehearsalError where something is not so."""
    if not so:
        raise RehearsalError(otherwise)


def wait(so: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until something is so, and return after how many seconds. Raises RehearsalError."""
    began = time.monotonic()
    while not so():
        if time.monotonic() - began > seconds:
            raise RehearsalError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.2)
    return time.monotonic() - began
