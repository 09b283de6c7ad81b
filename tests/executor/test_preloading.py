"""What a warm interpreter loads before it forks."""

import sys
from pathlib import Path

import pytest

import wheelyard.executor
from wheelyard.executor.channel import Channel
from wheelyard.executor.hosts import Started, View, WarmInterpreter, start_process
from wheelyard.executor.preload import modules_of

pytestmark = pytest.mark.anyio

_START = Path(wheelyard.executor.__file__).with_name("inside") / "start.py"


async def loaded(names: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Start a warm interpreter that loads these, and return the files of what it has."""
    channel, far = Channel.pair()
    with far:
        command = [sys.executable, "-S", str(_START), str(far.fileno()), "warm"]
        process = start_process(command, {"PYTHONPATH": str(folder)}, (far.fileno(),))
    view = View(build="", environment="", environments="", contained=False)
    host = WarmInterpreter(Started(process), channel, folder, view)
    try:
        assert await host.greet(names)
    finally:
        await host.destroy()
    return host.modules


async def test_what_is_not_there_keeps_nothing_else_from_being_loaded(tmp_path: Path) -> None:
    names = ("no_such_plugin", "colorsys:no_such_function:x", "sched")

    files = await loaded(names, tmp_path)

    assert {"colorsys.py", "sched.py"} <= {Path(file).name for file in files}


async def test_a_function_that_keeps_its_result_is_called(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(
        "import importlib\ndef load(name): importlib.import_module(name)\n"
    )

    files = await loaded(("kept:load:sched",), tmp_path)

    assert "sched.py" in {Path(file).name for file in files}


def test_a_back_end_is_loaded_before_what_it_loads_late() -> None:
    assert modules_of("setuptools.build_meta:__legacy__")[0] == "setuptools.build_meta"
    assert modules_of("anybody.s.own") == ("anybody.s.own",)
