"""Where results are printed: as wide as the terminal, or as wide as it takes.

What reads a pipe looks for whole lines, so nothing is folded there. Reasons and details hold words of
strangers, so that every line goes through ``say``.
"""

from rich.console import Console
from rich.text import Text

from wheelyard.cli.display.neutral import neutral

_UNFOLDED = 10_000


def results() -> Console:
    """Return the console of the standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=_UNFOLDED)


def say(console: Console, text: str, style: str = "", *, fold: bool = True) -> None:
    """Print text that means nothing but itself: no markup, no control sequences."""
    console.print(Text(neutral(text), style=style), highlight=False, soft_wrap=not fold)
