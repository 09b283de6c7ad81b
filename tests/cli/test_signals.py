"""A process that is asked to end does so, whoever started it."""

import signal
import subprocess
import sys
from pathlib import Path

import wheelyard
from wheelyard.errors import ExitCode

WAITING = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
from wheelyard.cli import main
main.execute = lambda arguments: (print("waits", flush=True), signal.pause())
main.run()
"""


IMPORTING = """
import importlib, signal
from wheelyard.cli import main
importlib.import_module = lambda module: (print("imports", flush=True), signal.pause())
main.run()
"""


def test_who_is_asked_to_end_while_it_still_begins_says_so_and_nothing_else() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(wheelyard.__file__).parent.parent)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == ExitCode.INTERRUPTED
    assert said.startswith("interrupted: ")
    assert len(said.splitlines()) == 1


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
