"""What the command line shows holds no passwords, and dates that are none are told as such."""

from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode
from wheelyard.model.secrets import is_secret


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_passwords_of_indexes_are_not_among_the_settings(
    more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "WHEELYARD_INDEX", "https://me:secret@a.invalid/simple?token=secret https://b.invalid"
    )

    assert execute(["config", *more]) == ExitCode.OK

    shown = capsys.readouterr().out
    assert "secret" not in shown
    assert "a.invalid" in shown


def test_secrets_of_a_value_that_is_wrong_are_not_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wheelyard.toml"
    file.write_text('[build]\nindex = { ours = "https://me:hush@a.invalid/simple?token=hush" }\n')

    assert execute(["--config", str(file), "config"]) == ExitCode.USAGE

    said = capsys.readouterr().err
    assert "hush" not in said
    assert "{'ours': 'https://a.invalid/simple'}" in said


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


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("GITHUB_TOKEN", True),
        ("npm_config__auth", True),
        ("AWS_SECRET_ACCESS", True),
        ("SIGNING_KEY", True),
        ("DB_PASSWORD", True),
        ("DB_PWD", True),
        ("CFLAGS", False),
        ("PATH", False),
    ],
)
def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret(name, "value") is secret


def test_an_address_with_a_password_is_secret_whatever_its_name() -> None:
    assert is_secret("PIP_INDEX", "https://me:hush@a.invalid/simple")
    assert not is_secret("PIP_INDEX", "https://a.invalid/simple")


def test_recipe_is_shown_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "six").mkdir()
    (tmp_path / "six" / "one.patch").write_text("--- a\n+++ b\n")
    (tmp_path / "six" / "recipe.toml").write_text(
        'patches = ["one.patch"]\nbuild-requires = ["cython<3", "numpy"]\n'
        'config-settings = { lib = ["mine", "yours"], mode = "fast" }\n'
    )

    assert execute(["recipe", "show", "six==1.0", "--recipes", str(tmp_path)]) == ExitCode.OK

    shown = capsys.readouterr().out
    assert "build-requires: cython<3, numpy" in shown
    assert "patches: one.patch" in shown
    assert "config-settings: lib=mine, lib=yours, mode=fast" in shown


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_secrets_of_a_recipe_are_not_shown(
    more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "six.toml").write_text(
        'environment = { CFLAGS = "-O1", API_TOKEN = "hush" }\n'
        'config-settings = { password = "hush", lib = "mine" }\n'
    )

    assert execute(["recipe", "show", "six==1.0", "--recipes", str(tmp_path), *more]) == ExitCode.OK

    shown = capsys.readouterr().out
    assert "hush" not in shown
    for word in ("-O1", "API_TOKEN", "…", "mine"):
        assert word in shown
