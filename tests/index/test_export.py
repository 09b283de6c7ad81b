"""The exported folder: what readers find in it, and when."""

import asyncio
from pathlib import Path

from index.shelf import Shelf
from wheelyard.index.export import ExportResult, export


def run_export(shelf: Shelf, output: Path, **options) -> ExportResult:
    return asyncio.run(export(shelf.artifacts, shelf.blobs, output, **options))


def test_smoke(shelf, tmp_path):
    shelf.put("tiny", "1.0")
    result = run_export(shelf, tmp_path / "out")
    print(result)
    for p in sorted((tmp_path / "out").rglob("*")):
        print(p)
    print((tmp_path / "out/simple/tiny/index.html").read_text())
    print((tmp_path / "out/simple/tiny/index.json").read_text())
    assert run_export(shelf, tmp_path / "out").written == 0
