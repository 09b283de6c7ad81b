"""Numbers as people read them."""


def plural(count: int, noun: str) -> str:
    """Write how many there are: ``1 release``, ``2 releases``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
