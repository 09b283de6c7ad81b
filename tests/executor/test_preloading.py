"""What a warm interpreter loads before it forks."""

import py_compile
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import wheelyard.executor
from wheelyard.executor.channel import Channel
from wheelyard.executor.hosts import Started, View, WarmInterpreter, start_process
from wheelyard.executor.preload import modules_of

pytestmark = pytest.mark.anyio

_START = Path(wheelyard.executor.__file__).with_name("inside") / "start.py"


async def loaded(names: Sequence[str], folder: Path, *more: str) -> list[set[str]]:
    """Start a warm interpreter that loads these, and ``more`` after them; return what it says each time."""
    channel, far = Channel.pair()
    with far:
        command = [sys.executable, "-S", str(_START), str(far.fileno()), "warm"]
        variables = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        process = start_process(command, variables, (far.fileno(),))
    view = View(build="", environment="", environments="", contained=False)
    host = WarmInterpreter(Started(process), channel, folder, view)
    said = []
    try:
        for asked in (names, more):
            assert await host.load([*names, *asked])
            said.append({Path(file).name for file in host.modules})
    finally:
        await host.destroy()
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with modules that have no bytecode."""
    (tmp_path / "early.py").write_text("")
    (tmp_path / "late.py").write_text("")
    (tmp_path / "kept.py").write_text(
        "import importlib\ndef load(name): importlib.import_module(name)\n"
    )
    return tmp_path


async def test_what_is_not_there_keeps_nothing_else_from_being_loaded(folder: Path) -> None:
    files, _ = await loaded(("no_such_plugin", "early:no_such_function:x", "late"), folder)

    assert {"early.py", "late.py"} <= files


async def test_more_can_be_loaded_later(folder: Path) -> None:
    before, after = await loaded(("early",), folder, "late")

    assert "early.py" in before
    assert "late.py" not in before
    assert "late.py" in after


async def test_only_what_has_no_bytecode_is_to_be_compiled(folder: Path) -> None:
    py_compile.compile(str(folder / "early.py"))

    files, _ = await loaded(("early", "late"), folder)

    assert "early.py" not in files
    assert "late.py" in files


async def test_a_function_that_keeps_its_result_is_called(folder: Path) -> None:
    files, _ = await loaded(("kept:load:late",), folder)

    assert "late.py" in files


def test_a_back_end_is_loaded_before_what_it_loads_late() -> None:
    assert modules_of("setuptools.build_meta:__legacy__")[0] == "setuptools.build_meta"
    assert modules_of("anybody.s.own") == ("anybody.s.own",)
    assert len(modules_of("poetry.core.masonry.api", project_table=True)) > len(
        modules_of("poetry.core.masonry.api")
    )
