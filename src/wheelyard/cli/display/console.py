"""Where results are printed: as wide as the terminal, or as wide as it takes.

What reads a pipe looks for whole lines, so nothing is folded there.
"""

from rich.console import Console

_UNFOLDED = 10_000


def results() -> Console:
    """Return the console of the standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=_UNFOLDED)
