"""Run as ``python -m wheelyard``."""

from wheelyard.cli.main import run

if __name__ == "__main__":
    run()
