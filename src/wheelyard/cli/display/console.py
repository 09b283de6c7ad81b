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
    shown = neutral(text)
    if _is_plain(console, shown, fold):
        # A run prints a line for each of its events, and the long way costs more than most of them.
        console.file.write(f"{shown}\n")
        console.file.flush()
        return
    console.print(Text(shown, style=style), highlight=False, soft_wrap=not fold)


def _is_plain(console: Console, text: str, fold: bool) -> bool:
    """Whether a line would come out as it is: no colours, no folding, nothing wide, no tabs."""
    if console.is_terminal or console.color_system is not None or console.record:
        return False
    return text.isascii() and text.isprintable() and not (fold and len(text) >= console.width)
