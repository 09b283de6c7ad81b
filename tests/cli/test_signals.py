"""A process that is asked to end does so, whoever started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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

# As a campaign's farm: it starts programs, one after the other, for ever.
STARTING = """
import asyncio, sys
from wheelyard.cli import main
from wheelyard.cli.interruptible import run_interruptibly

async def work():
    try:
        print("starts", flush=True)
        while True:
            process = await asyncio.create_subprocess_exec("true", stdout=asyncio.subprocess.PIPE)
            await process.communicate()
    finally:
        print("cleans up", flush=True)

main._call = lambda arguments: run_interruptibly(work)
main.run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_work_that_is_asked_to_end_cleans_up_and_says_so_in_a_line(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(wheelyard.__file__).parent.parent), "PATH": os.defpath},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        try:
            told, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, told) == (ExitCode.INTERRUPTED, "cleans up\n")
    assert said.startswith("interrupted: ")
    assert len(said.splitlines()) == 1


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
