"""Files and functions stay small enough to be read at once (docs/style.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50

LONGER_FUNCTIONS: frozenset[str] = frozenset()
"""``path:function`` of what may be longer, each with its reason beside it. None so far."""


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def too_long(paths: list[Path], root: Path) -> list[str]:
    found = []
    for path in paths:
        where = path.relative_to(root).as_posix()
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES_OF_A_FILE:
            found.append(f"{where}: {lines} lines")
        found += [
            f"{where}:{name}: {size} lines"
            for name, size in functions(path)
            if size > MOST_LINES_OF_A_FUNCTION and f"{where}:{name}" not in LONGER_FUNCTIONS
        ]
    return found


def test_files_and_functions_stay_small(tracked: list[Path], root: Path) -> None:
    parts = [root / name for name in ("src", "scripts", "benchmarks", "tests")]
    sources = [
        path
        for path in tracked
        if path.suffix == ".py" and any(path.is_relative_to(part) for part in parts)
    ]
    assert sources
    assert too_long(sources, root) == []


def test_what_is_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def endless():\n" + "    pass\n" * 400)
    assert too_long([path], tmp_path) == ["long.py: 401 lines", "long.py:endless: 401 lines"]
