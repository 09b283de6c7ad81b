"""Which of a machine's Pythons a builder builds for."""

from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError
from wheelyard.executor.interpreters import FoundInterpreter, MachineInterpreters
from wheelyard.targets.target import Target


def found(python: str) -> FoundInterpreter:
    return FoundInterpreter(
        executable=Path(f"/opt/{python}/bin/python"),
        target=Target.parse(f"{python}-manylinux_2_28_x86_64"),
        version="3",
        prefix=Path(f"/opt/{python}"),
        soabi="",
        bits=64,
        has_headers=True,
        has_ctypes=True,
        has_venv=True,
    )


ALL = MachineInterpreters(found=tuple(map(found, ("cp310", "cp312", "cp313"))))


def test_those_that_are_wanted_are_left() -> None:
    assert ALL.only(()) == ALL
    left = ALL.only(["cp313", "cp310"])
    assert [str(target.interpreter) for target in left.targets()] == ["cp310", "cp313"]
    assert left.interpreter(Target.parse("cp312-manylinux_2_28_x86_64")) is None


def test_one_that_is_not_here_is_said_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="no Python here builds for 'cp31'") as caught:
        ALL.only(["cp31"])
    assert "cp31" in caught.value.hint
    with pytest.raises(ConfigurationError) as caught:
        ALL.only(["pp39"])
    assert "cp310, cp312, cp313" in caught.value.hint
