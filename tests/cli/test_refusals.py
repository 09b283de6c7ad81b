"""What cannot be meant is refused before anything is done, and what has no solution is no success."""

from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.cli.request import Selection, limits
from wheelyard.errors import ConfigurationError, ExitCode


def test_requirements_beside_a_recorded_plan_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = execute(["build", "six", "--plan", "plan.json", "--state", str(tmp_path)])

    assert code == ExitCode.USAGE
    assert "'six' is asked for beside a recorded plan" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["wall_limit", "silence_limit", "memory_limit", "disk_limit"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="lets no build begin"):
        limits(Selection(**{name: "0"}))  # type: ignore[arg-type]


def test_a_plan_without_what_was_asked_for_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    index.mkdir()

    code = execute(["plan", "nowhere", "--index", str(index), "--state", str(tmp_path / "state")])

    assert code == ExitCode.BUILDS_FAILED
    assert "left out: nowhere" in capsys.readouterr().out
