"""A process that is asked to end does so, whoever started it."""

import signal
import subprocess
import sys
from pathlib import Path

import wheelyard

WAITING = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
from wheelyard.cli import main
main.execute = lambda arguments: (print("waits", flush=True), signal.pause())
main.run()
"""


def test_what_a_shell_started_in_its_background_ends_when_asked_to() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(Path(wheelyard.__file__).parent.parent)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=20) != 0
        finally:
            process.kill()
