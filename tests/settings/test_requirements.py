"""Requirements are read as users write them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError, InvalidNameError
from wheelyard.settings.direct import DirectRequirement
from wheelyard.settings.requirements import read_constraints, read_file, read_line, read_overrides

SIX = "https://example.org/six-1.0.tar.gz"


def test_names_paths_and_urls_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()

    assert read_line("sqlalchemy<2.1; python_version>'3.8'", tmp_path).lines
    for text, reference in (
        ("./pkg", str(tmp_path / "pkg")),
        ("pkg/", str(tmp_path / "pkg")),
        (".", str(tmp_path)),
        ("dist/six-1.0.tar.gz", str(tmp_path / "dist/six-1.0.tar.gz")),
        ("git+https://example.org/a@v1", "git+https://example.org/a@v1"),
        (f"six @ {SIX}", f"six @ {SIX}"),
    ):
        assert read_line(text, tmp_path).direct == (DirectRequirement(reference=reference),)


@pytest.mark.parametrize(
    ("text", "reference", "extras", "marker"),
    [
        ("./pkg[b,A]", "{here}/pkg", ("a", "b"), ""),
        (".[dev]", "{here}", ("dev",), ""),
        ("./pkg; python_version < '3.12'", "{here}/pkg", (), 'python_version < "3.12"'),
        ("./pkg[a] ; os_name == 'nt'", "{here}/pkg", ("a",), 'os_name == "nt"'),
        ("six-1.0.tar.gz[a]", "{here}/six-1.0.tar.gz", ("a",), ""),
        ("./odd[name]", "{here}/odd[name]", (), ""),
        ("git+https://h/r@v1#egg=six[a]", "git+https://h/r@v1#egg=six", ("a",), ""),
        ("git+https://h/r;a ; os_name == 'nt'", "git+https://h/r;a", (), 'os_name == "nt"'),
        ("six[a] @ https://h/six-1.0.zip", "six @ https://h/six-1.0.zip", ("a",), ""),
        (
            "six @ git+https://h/r ; python_version < '3.12'",
            "six @ git+https://h/r",
            (),
            'python_version < "3.12"',
        ),
        ("file:///pkg[a]", "file:///pkg", ("a",), ""),
    ],
)
def test_extras_and_markers_stand_beside_a_place(
    tmp_path: Path, text: str, reference: str, extras: tuple[str, ...], marker: str
) -> None:
    for name in ("pkg", "odd[name]"):
        (tmp_path / name).mkdir()
    (found,) = read_line(text, tmp_path).direct
    assert found.reference == reference.replace("{here}", str(tmp_path))
    assert (found.extras, found.marker) == (extras, marker)


@pytest.mark.parametrize(
    "text",
    [
        "six @ https://me:secret@h/six-1.0.zip?token=secret and more",
        "https://me:secret@h/six-1.0.zip?token=secret ; nonsense",
        "git+https://secret@h/r?token=secret ; nonsense",
    ],
)
def test_secrets_of_an_address_are_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        read_line(text, tmp_path)
    assert "secret" not in caught.value.message + caught.value.hint
    assert "h/" in caught.value.message


@pytest.mark.parametrize("read", [read_constraints, read_overrides])
def test_secrets_of_a_line_that_is_out_of_place_are_not_quoted(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    (tmp_path / "lines.txt").write_text("six @ https://me:hush@h/six-1.0.zip?token=hush\n")
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / "lines.txt")
    assert "hush" not in caught.value.message
    assert "'six @ https://h/six-1.0.zip'" in caught.value.message


def test_secrets_of_a_requirement_are_not_written_out() -> None:
    wanted = DirectRequirement(reference="six @ https://me:secret@h/s.zip?t=secret", extras=("a",))
    assert str(wanted) == "six @ https://h/s.zip[a]"


def test_requirement_file_brings_its_includes_and_constraints(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich\n")
    (tmp_path / "limits.txt").write_text("flask<4  # not yet\n")
    (tmp_path / "all.txt").write_text(
        "# comment\nflask \\\n  >=2 --hash=sha256:aa\n-r more.txt\n-c limits.txt\n-e ./own\n"
    )

    wanted = read_file(tmp_path / "all.txt")

    assert wanted.lines == ("flask>=2", "rich")
    assert wanted.constraints == ("flask<4",)
    assert wanted.direct == (DirectRequirement(reference=str(tmp_path / "own")),)


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
