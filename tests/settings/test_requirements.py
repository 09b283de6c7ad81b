"""Requirements are read as users write them."""

from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError, InvalidNameError
from wheelyard.settings.requirements import read_constraints, read_file, read_line


def test_names_paths_and_urls_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()

    assert read_line("sqlalchemy<2.1; python_version>'3.8'", tmp_path).lines
    assert read_line("./pkg", tmp_path).direct == (str(tmp_path / "pkg"),)
    assert read_line("dist/six-1.0.tar.gz", tmp_path).direct == (
        str(tmp_path / "dist/six-1.0.tar.gz"),
    )
    assert read_line("git+https://example.org/a@v1", tmp_path).direct
    assert read_line("six @ https://example.org/six-1.0.tar.gz", tmp_path).direct == (
        "six @ https://example.org/six-1.0.tar.gz",
    )


@pytest.mark.parametrize("more", ["[socks]", " ; python_version < '3.9'"])
def test_what_would_be_lost_beside_an_address_is_refused(tmp_path: Path, more: str) -> None:
    extras, marker = (more, "") if more.startswith("[") else ("", more)
    with pytest.raises(InvalidNameError, match="cannot be followed"):
        read_line(f"six{extras} @ https://me:secret@example.org/six-1.0.tar.gz{marker}", tmp_path)


def test_requirement_file_brings_its_includes_and_constraints(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich\n")
    (tmp_path / "limits.txt").write_text("flask<4  # not yet\n")
    (tmp_path / "all.txt").write_text(
        "# comment\nflask \\\n  >=2 --hash=sha256:aa\n-r more.txt\n-c limits.txt\n-e ./own\n"
    )

    wanted = read_file(tmp_path / "all.txt")

    assert wanted.lines == ("flask>=2", "rich")
    assert wanted.constraints == ("flask<4",)
    assert wanted.direct == (str(tmp_path / "own"),)


@pytest.mark.parametrize("text", ["fl ask", "flask=1", "==1", "flask[", "\x00"])
def test_nonsense_is_refused_with_an_example(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        read_line(text, tmp_path)
    assert "sqlalchemy<2.1" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [("--index-url x\n", ":1:"), ("six\nfl ask\n", ":2:"), ("-r self.txt\n", "includes itself")],
)
def test_requirement_file_that_cannot_be_followed_names_the_line(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "self.txt").write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        read_file(tmp_path / "self.txt")


def test_constraint_is_never_a_path(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("./own\n")

    with pytest.raises(ConfigurationError, match="no constraint"):
        read_constraints(tmp_path / "limits.txt")
