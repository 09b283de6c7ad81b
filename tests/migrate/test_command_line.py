"""``wheelyard recipe migrate`` edits files, or prints; answers repeat an edit offline."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wheelyard.cli.app import app
from wheelyard.errors import WheelyardError

RECIPE = """\
{% set version = "1.0" %}
package:
  name: knurl
  version: {{ version }}
source:
  url: https://example.org/knurl-{{ version }}.tar.gz
  sha256: 3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b
build:
  number: 3
  script: python setup.py install
requirements:
  host:
    - python
    - pip
    - oldlib
"""
DIGEST = "b" * 64


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["recipe", *map(str, arguments)])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "knurl-feedstock" / "recipe" / "meta.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(RECIPE)
    (path.parent.parent / "conda-forge.yml").write_text("max_py_ver: 36\nbot:\n  automerge: true\n")
    return path


def test_files_are_edited_in_place(recipe: Path) -> None:
    root = recipe.parent.parent
    outcome = run(
        "migrate",
        root,
        "--migrator",
        "replacement:old=oldlib,new=newlib",
        "--migrator",
        "conda-forge-yml",
    )

    assert outcome.exit_code == 0, outcome.output
    assert recipe.read_text() == RECIPE.replace("oldlib", "newlib").replace(
        "number: 3", "number: 4"
    )
    assert (root / "conda-forge.yml").read_text() == "bot:\n  automerge: true\n"
    assert "replacement: done" in outcome.stderr


def test_printing_leaves_the_files_alone(recipe: Path) -> None:
    outcome = run("migrate", recipe, "--migrator", "use-pip", "--stdout")

    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == RECIPE.replace(
        "python setup.py install", "{{ PYTHON }} -m pip install . --no-deps -vv"
    )
    assert recipe.read_text() == RECIPE


def test_recorded_answers_repeat_an_edit(recipe: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    url = "https://example.org/knurl-2.0.tar.gz"
    answers.write_text(json.dumps({"hash": {url: DIGEST}, "pypi_files": {}}))

    outcome = run(
        "migrate",
        recipe,
        "--migrator",
        "version:to=2.0",
        "--migrator",
        "use-pip",
        "--answers",
        answers,
    )

    assert outcome.exit_code == 0, outcome.output
    text = recipe.read_text()
    assert DIGEST in text
    assert "number: 0" in text
    assert "-m pip install" in text


def test_clean_ups_ride_along(recipe: Path) -> None:
    outcome = run("migrate", recipe, "--migrator", "rebuild", "--clean-ups", "--json")

    said = json.loads(outcome.stdout)
    assert said["done"] == ["conda-forge-yml", "use-pip", "rebuild"]
    assert "cos7" in said["unwanted"]
    assert "number: 4" in recipe.read_text()
    assert "-m pip install" in recipe.read_text()


def test_a_version_that_a_recipe_has_is_nothing_to_do(recipe: Path) -> None:
    outcome = run("migrate", recipe, "--migrator", "version:to=1.0")
    assert outcome.exit_code == 0
    assert "nothing to do: version" in outcome.stderr


def test_only_files_of_recipes_are_read_beside_one(tmp_path: Path) -> None:
    (tmp_path / "meta.yaml").write_text(RECIPE.replace("    - oldlib\n", "    - qt\n"))
    (tmp_path / "diary").write_bytes(b"\xff")
    (tmp_path / "build.sh").write_bytes(b"\xff\n")

    outcome = run("migrate", tmp_path / "meta.yaml", "--migrator", "qt-main", "--json")

    assert outcome.exit_code == 0, outcome.output
    assert list(json.loads(outcome.stdout)["files"]) == ["recipe/meta.yaml"]
    assert "- qt-main" in (tmp_path / "meta.yaml").read_text()


def test_a_recipe_of_any_name_is_edited_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(
        "package:\n  name: a\nrequirements:\n  host:\n    - ${{ x }}\n    - qt\n"
    )

    outcome = run("migrate", "old.yaml", "--migrator", "qt-main")

    assert outcome.exit_code == 0, outcome.output
    assert "- qt-main" in Path("old.yaml").read_text()
    assert "written: old.yaml" in outcome.stderr


def test_pins_are_rebuilt_for(recipe: Path, tmp_path: Path) -> None:
    migration = tmp_path / "oldlib9.yaml"
    migration.write_text("__migrator:\n  kind: version\noldlib:\n  - '9'\n")

    outcome = run("migrate", recipe, "--pin", migration, "--json")

    assert outcome.exit_code == 0, outcome.output
    said = json.loads(outcome.stdout)
    assert said["done"] == ["pin"]
    assert set(said["files"]) == {"recipe/meta.yaml", ".ci_support/migrations/oldlib9.yaml"}
    copy = recipe.parent.parent / ".ci_support" / "migrations" / "oldlib9.yaml"
    assert copy.read_text() == migration.read_text()


def test_a_recipe_that_wants_nothing_is_left_alone(recipe: Path) -> None:
    outcome = run("migrate", recipe, "--migrator", "cdt")
    assert outcome.exit_code == 0
    assert "nothing to do: cdt" in outcome.stderr
    assert recipe.read_text() == RECIPE


def test_migrators_are_listed() -> None:
    text, listed = run("migrators"), run("migrators", "--json")
    assert "replacement" in text.stdout
    rows = {row["name"]: row for row in json.loads(listed.stdout)["migrators"]}
    assert rows["replacement"]["options"] == ["old", "new"]
    assert rows["use-pip"]["kind"] == "clean-up"


def test_a_changed_pin_file_says_what_it_starts(tmp_path: Path) -> None:
    old, new, folder = (tmp_path / name for name in ("old.yaml", "new.yaml", "migrations"))
    old.write_text("zlib:\n  - 1.2\n")
    new.write_text("zlib:\n  - 1.3\n")

    printed = run("pin-changes", old, new)
    written = run("pin-changes", old, new, "--folder", folder)

    assert "# zlib13.yaml\n__migrator:\n" in printed.stdout
    assert "zlib:\n- '1.3'\n" in (folder / "zlib13.yaml").read_text()
    assert written.exit_code == 0
    assert "no pin was changed" in run("pin-changes", old, old).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--migrator", "cdtt"], "there is no migrator 'cdtt'"),
        ([], "no migrator was named"),
        (["--migrator", "cdt", "--answers", "nowhere.json"], "'nowhere.json' cannot be read"),
        (["--pin", "nowhere.yaml"], "'nowhere.yaml' cannot be read"),
        (["--migrator", "version:to=0.9"], "0.9"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    recipe: Path, arguments: list[str], message: str
) -> None:
    outcome = run("migrate", recipe, *arguments)
    assert isinstance(outcome.exception, WheelyardError)
    assert message in outcome.exception.message
    assert recipe.read_text() == RECIPE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = run("migrate", tmp_path / "meta.yaml", "--migrator", "cdt")
    assert isinstance(outcome.exception, WheelyardError)
    assert "is not there" in outcome.exception.message
    empty = run("migrate", tmp_path, "--migrator", "cdt")
    assert isinstance(empty.exception, WheelyardError)
    assert "holds no recipe" in empty.exception.message
