"""What the pages on migrators say is so: the example works, and every name and key is there."""

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from wheelyard.campaigns.migrators import GROUP, known_migrators
from wheelyard.migrate.builtin import BUILTIN
from wheelyard.migrate.migrator import make, options_of
from wheelyard.migrate.pins.keys import MIGRATOR_KEYS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    page = (DOCS / "how-to" / "write-a-migrator.md").read_text("utf-8")
    return [body for word, body in FENCE.findall(page) if word == language]


def test_the_migrator_that_is_shown_works(monkeypatch: pytest.MonkeyPatch) -> None:
    code, test = blocks("python")
    before, after = blocks("yaml")
    module = ModuleType("knurl_migrators")
    monkeypatch.setitem(sys.modules, "knurl_migrators", module)
    exec(compile(code, "knurl_migrators.py", "exec"), module.__dict__)  # noqa: S102 - our own page
    shown: dict[str, object] = {}
    exec(compile(test, "test_knurl_migrators.py", "exec"), shown)  # noqa: S102 - our own page

    run = shown["test_new_runner"]
    assert callable(run)
    run(before, after)

    (name, value) = re.findall(r'^([\w-]+) = "(.+)"$', blocks("text")[0], re.MULTILINE)[0]
    known = known_migrators((EntryPoint(name=name, value=value, group=GROUP),))
    assert make(known[name], {"new": "knurl-pytest"}).name == name


def test_a_package_that_is_installed_brings_its_migrator(tmp_path: Path) -> None:
    (tmp_path / "knurl_migrators.py").write_text(blocks("python")[0], "utf-8")
    described = tmp_path / "knurl_migrators-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: knurl-migrators\nVersion: 1.0\n"
    )
    declared = blocks("text")[0].replace('"', "").replace("project.entry-points.", "")
    (described / "entry_points.txt").write_text(declared)
    recipe = tmp_path / "meta.yaml"
    before, after = blocks("yaml")
    recipe.write_text(before, "utf-8")

    command = [sys.executable, "-m", "wheelyard", "recipe", "migrate", str(recipe)]
    outcome = subprocess.run(
        [*command, "--migrator", "new-runner"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stderr
    assert "new-runner: done" in outcome.stderr
    assert recipe.read_text("utf-8") == after


def test_every_migrator_and_every_key_is_on_its_page() -> None:
    page = (DOCS / "reference" / "migrators.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|$", page, re.MULTILINE))
    for name, kind in BUILTIN.items():
        options = " ".join(f"`{each}`" for each in options_of(kind))
        assert rows[name] == f"{options} | {kind.summary}"  # type: ignore[attr-defined]
    keys = page.partition("## Migrations of pins")[2]
    assert re.findall(r"^\| `(\w+)` \|", keys, re.MULTILINE) == list(MIGRATOR_KEYS)
