"""Whoever looks at what was built looks where the configuration had it built."""

import json
from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode


@pytest.fixture
def configured(tmp_path: Path) -> list[str]:
    """Options that name a wheelyard.toml whose state folder is ``here``."""
    file = tmp_path / "wheelyard.toml"
    file.write_text(f'[build]\nstate = "{tmp_path / "here"}"\njobs = 2\n')
    return ["--config", str(file)]


@pytest.mark.parametrize("words", [("job", "list"), ("state", "show"), ("index", "list")])
def test_commands_that_look_back_take_the_state_folder_of_the_file(
    words: tuple[str, ...], configured: list[str], tmp_path: Path
) -> None:
    assert execute([*configured, *words]) == ExitCode.OK
    assert (tmp_path / "here").is_dir()


def test_option_goes_before_the_file(
    configured: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(tmp_path / "there")

    assert execute([*configured, "state", "show", "--json", "--state", there]) == ExitCode.OK

    assert json.loads(capsys.readouterr().out)["state"] == there
