"""``wheelyard watch`` as people use it, on recipes and an index of this machine."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from wheelyard.campaign_ports import SeenVersion
from wheelyard.store.folder import StateFolder
from wheelyard.testing.sdists import SdistSpec, write_sdist

RECIPE = """\
package:
  name: thing
  version: "1.0"
source:
  url: https://files.example.invalid/packages/source/t/thing/thing-1.0.tar.gz
build:
  noarch: python
requirements:
  host:
    - python
  run:
    - python
"""


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    (tmp_path / "index").mkdir()
    for version in ("1.0", "1.1", "2.0rc1"):
        write_sdist(
            SdistSpec(name="thing", version=version, requires=("six>=1.5",)), tmp_path / "index"
        )
    recipe = tmp_path / "feedstocks" / "thing-feedstock" / "recipe" / "meta.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(RECIPE)
    return tmp_path


def run(yard: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "wheelyard", "watch", *words]
    more = ["--index", str(yard / "index"), "--state", str(yard / "state")]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False, cwd=yard)


async def shown_on_the_site(state: Path) -> Sequence[SeenVersion]:
    async with await StateFolder.open(state) as folder:
        return await folder.campaigns.versions()


def test_new_versions_of_a_folder_of_feedstocks_and_why_not_the_others(yard: Path) -> None:
    broken = yard / "feedstocks" / "broken" / "meta.yaml"
    broken.parent.mkdir()
    broken.write_text("package:\n  name: {{ never closed\n")
    ran = run(yard, "versions", "feedstocks")
    assert ran.returncode == 0, ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ["thing", "1.0", "1.1", "pypi"] in lines
    assert "not 2.0rc1" in ran.stdout
    assert "meta.yaml" in ran.stdout
    assert "1 of 2 recipes" in ran.stderr
    ran = run(yard, "versions", "feedstocks", "--json")
    found = json.loads(ran.stdout)["recipes"]
    assert [one.get("newest") for one in found] == [None, "1.1"]
    assert found[1]["sources"][0]["versions"] == ["2.0rc1", "1.1", "1.0"]
    kept = asyncio.run(shown_on_the_site(yard / "state"))
    assert [(one.package, one.source, one.current) for one in kept] == [("thing", "pypi", "1.0")]


def test_where_no_recipe_could_be_looked_up_the_exit_code_says_so(yard: Path) -> None:
    ran = run(yard, "versions", "nowhere")
    assert ran.returncode != 0
    assert "no recipe" in ran.stderr or "not there" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_misspelt_kind_of_source_is_told(yard: Path) -> None:
    ran = run(yard, "versions", "feedstocks", "--source", "nmp=http://127.0.0.1:1")
    assert (ran.returncode, "'npm'" in ran.stderr) == (2, True)


def test_requirements_are_offered_and_with_edit_written(yard: Path) -> None:
    recipe = yard / "feedstocks" / "thing-feedstock" / "recipe" / "meta.yaml"
    ran = run(yard, "requirements", "feedstocks/thing-feedstock", "--version", "1.1")
    assert ran.returncode == 0, ran.stderr
    assert "+    - six >=1.5" in ran.stdout.splitlines()
    assert recipe.read_text() == RECIPE
    ran = run(yard, "requirements", "feedstocks/thing-feedstock", "--version", "1.1", "--edit")
    assert "    - six >=1.5\n" in recipe.read_text()
    ran = run(yard, "requirements", "feedstocks/thing-feedstock", "--version", "9.9")
    assert (ran.returncode, "9.9" in ran.stderr) == (3, True)
