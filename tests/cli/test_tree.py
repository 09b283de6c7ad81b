"""What of the options of ``build`` goes with --git, and what does not."""

from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.cli.tree import TreeSelection, request_of
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.needs import Needs
from wheelyard.model.builder import FactValue
from wheelyard.wiring.facts import check_needs

BUILD = ["build", "--git", "nowhere"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("six",), "'six' is asked for beside --git"),
        (("-t", "cp312"), "--target says nothing about a command on a git tree"),
        (("-r", "x.txt"), "--requirement says nothing about a command"),
        (("-c", "x.txt"), "--constraint says nothing about a command"),
        (("--jobs", "2"), "--jobs says nothing about a command"),
        (("--index", "x"), "--index says nothing about a command"),
        (("--from-source", "all"), "--from-source says nothing about a command"),
        (("--plan", "x"), "--plan says nothing about a command"),
        (("--pylock", "x"), "--pylock says nothing about a command"),
        (("--option", "opt"), "'opt' is not an option"),
        (("--job-file", "nowhere.toml"), "'nowhere.toml' cannot be read"),
    ],
)
def test_what_says_nothing_about_a_command_is_refused(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*BUILD, *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "hint:" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--command", "make"),
        ("--revision", "1"),
        ("--range", "1"),
        ("--option", "a=b"),
        ("--artifact", "x"),
        ("--needs", "os=linux"),
        ("--name", "x"),
        ("--job-file", "x"),
        ("--network",),
    ],
)
def test_what_says_nothing_about_wheels_is_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["build", "six", *words]) == 2
    assert f"{words[0]} says nothing about wheels" in capsys.readouterr().err


def test_a_command_line_becomes_a_request(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text("name = 'x'", "utf-8")
    request = request_of(
        TreeSelection(
            git="https://git.example/x",
            revision="main",
            tolerance=3,
            command="make",
            options=["a=b=c", "empty="],
            artifacts=["dist/*"],
            needs=["os=linux", 'memory_gb=">=8"'],
            job_file=tmp_path / "job.toml",
        )
    )
    assert request.options == (("a", "b=c"), ("empty", ""))
    assert request.needs == 'os=linux,memory_gb=">=8"'
    assert (request.tolerance, request.line, request.job_file) == (3, "make", "name = 'x'")


@pytest.mark.parametrize(
    ("needs", "message", "hint"),
    [
        ('memory_gb=">=8"', 'lacks memory_gb=">=8"', "It has 4."),
        ("python=cp313", "lacks python=cp313", "It has cp311, cp312."),
        ("memory=8", "lacks memory=8", "Did you mean 'memory_gb'?"),
        ("zebra=1", "lacks zebra=1", "It says of itself: memory_gb, python."),
    ],
)
def test_a_machine_that_lacks_something_is_told_what(needs: str, message: str, hint: str) -> None:
    facts: dict[str, FactValue] = {"memory_gb": 4, "python": ("cp311", "cp312")}
    with pytest.raises(ConfigurationError) as caught:
        check_needs(Needs.parse(needs), facts)
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_a_machine_that_has_what_is_needed_is_told_nothing() -> None:
    check_needs(Needs.parse('memory_gb=">=4",python=cp312'), {"memory_gb": 4, "python": "cp312"})
