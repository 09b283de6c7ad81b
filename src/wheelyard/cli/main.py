"""The entry point: runs a command and prints errors in one place."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType

from wheelyard.errors import ExitCode, ToolError, WheelyardError


def run() -> None:
    """Run the command line and exit with a documented code."""
    _end_as_by_ctrl_c()
    sys.exit(execute(sys.argv[1:]))


def _end_as_by_ctrl_c() -> None:
    """Let a polite request to end clean up like Ctrl-C, where nobody asked to ignore it (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does, also where a shell that started us in its background has Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.default_int_handler(number, frame)
    signal.raise_signal(signal.SIGINT)


def _import_for_good(module: str) -> ModuleType:
    """Import all that a command needs, and let garbage collection leave it alone.

    Modules stay until the process ends. Walking through them again and again, and once more at the
    end, would take as long as importing them. Raises ToolError where one is not installed.
    """
    gc.disable()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "wheelyard":
            raise
        raise ToolError(
            f"{error.name} is not installed, which this command needs",
            hint="A builder's installation knows 'wheelyard builder' only; install wheelyard with all that it requires.",
        ) from error
    finally:
        gc.freeze()
        gc.enable()


def execute(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors of the family are printed, bugs are not caught."""
    try:
        _call(arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        return _interrupted() if code == ExitCode.INTERRUPTED else code
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except WheelyardError as error:
        return _report([error])
    except BaseExceptionGroup as group:
        known, rest = group.split(WheelyardError)
        if known is None or rest is not None:
            raise
        return _report(list(_leaves(known)))
    return ExitCode.OK


def _call(arguments: list[str]) -> None:
    if arguments[:1] == ["builder"] and not "".join(arguments[1:2]).strip().isalpha():
        # A builder runs where databases and web servers cannot be installed; its commands for
        # administration (a word after "builder") are the farm's.
        builder = _import_for_good("wheelyard.cli.builder")
        builder.app(args=arguments[1:], prog_name="wheelyard builder", standalone_mode=True)
        return
    every = _import_for_good("wheelyard.cli.app")
    every.app(args=arguments, prog_name="wheelyard", standalone_mode=True)


def _interrupted() -> int:
    _say("interrupted: what was finished is kept; run the same command to go on")
    return ExitCode.INTERRUPTED


def _leaves(group: BaseExceptionGroup[WheelyardError]) -> Iterator[WheelyardError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _report(errors: list[WheelyardError]) -> int:
    """Print errors, each once, and return the exit code of the first."""
    told = {}
    for error in errors:
        told[error.message, error.hint] = error
    for message, hint in told:
        _say(f"error: {message}")
        if hint:
            _say(f"  hint: {hint}")
    return errors[0].exit_code


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
