"""Where the recorded cases lie, and reading recipes in tests."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Case = dict[str, Any]


@pytest.fixture
def cases(root: Path) -> Callable[[str], list[Case]]:
    def read(name: str) -> list[Case]:
        path = root.parent / "shared" / "cases" / name
        if not path.is_file():
            pytest.skip(f"{path} is not there: the recorded cases lie beside the checkout")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    return read


@pytest.fixture
def root() -> Path:
    return Path(__file__).resolve().parents[2]
