"""The entry point: runs a command and prints errors in one place."""


def run() -> None:
    """Run the command line."""
    raise SystemExit(0)
