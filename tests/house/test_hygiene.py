"""Nothing in the tree speaks of one machine, or of one registry's address."""

import re
from pathlib import Path

import pytest

# Written with a class around one letter, so that this file holds none of them itself.
REGISTRY = re.compile(
    r"\b(?:py[p]i\.(?:org|io|python\.org)|python[h]osted\.org|npm[j]s\.org|deb\.[d]ebian\.org)\b"
)
MACHINE = re.compile(
    r"(?<![\w.$}*-])/(?:r[o]ot/(?!\.ssh)\.?\w|h[o]me/(?!me/|me\b)\w|w[o]rk/(?:main|shared)|tmp/w[t]/)"
)
ALLOWED_PATHS: dict[str, tuple[str, ...]] = {}
"""Paths that a file may hold all the same, by file, each with its reason. None so far."""


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def found(pattern: re.Pattern[str], paths: list[Path], root: Path) -> list[str]:
    hits = []
    for path in paths:
        where = path.relative_to(root).as_posix()
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            if pattern.search(line) and not any(s in line for s in ALLOWED_PATHS.get(where, ())):
                hits.append(f"{where}:{number}: {line.strip()[:100]}")
    return hits


def test_no_registry_is_named(tracked: list[Path], root: Path) -> None:
    assert found(REGISTRY, tracked, root) == []


def test_no_path_of_a_machine_is_named(tracked: list[Path], root: Path) -> None:
    assert found(MACHINE, tracked, root) == []


@pytest.mark.parametrize(
    "line",
    ["https://py" + "pi.org/simple", "files.python" + "hosted.org/packages", "test.py" + "pi.org"],
)
def test_the_address_of_a_registry_is_seen(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.md").write_text(f"see {line} for more")
    assert found(REGISTRY, [tmp_path / "a.md"], tmp_path)


def test_the_path_of_a_machine_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('PYTHON = "/ro' + 'ot/bin/python"')
    assert found(MACHINE, [tmp_path / "a.py"], tmp_path)
