"""What the command line shows holds no passwords, and dates that are none are told as such."""

from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_passwords_of_indexes_are_not_among_the_settings(
    more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHEELYARD_INDEX", "https://me:secret@a.invalid/simple https://b.invalid")

    assert execute(["config", *more]) == ExitCode.OK

    shown = capsys.readouterr().out
    assert "secret" not in shown
    assert "a.invalid" in shown


@pytest.mark.parametrize("text", ["2026-13-01", "never-ever", "soon"])
def test_a_date_that_is_none_is_refused_with_an_example(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = execute(["job", "list", "--since", text, "--state", str(tmp_path)])

    assert code == ExitCode.USAGE
    assert "is not a date" in capsys.readouterr().err


def test_a_retry_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["job", "retry", "--state", str(tmp_path)]) == ExitCode.OK

    assert "no job" in capsys.readouterr().err
