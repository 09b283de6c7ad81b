"""``wheelyard migrate`` and ``wheelyard graph`` on real git repositories."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from campaigns.world import CHAIN, PINS, recipe
from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


class Yard:
    """A folder of bare repositories, and somebody at a terminal."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.forge = folder / "forge"
        self.pins = folder / "zlib2.yaml"
        self.pins.write_text(PINS)
        self._capsys = capsys

    def git(self, *arguments: str | Path) -> str:
        names = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
        command = ["git", *names, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def repository(self, name: str, files: dict[str, bytes]) -> Path:
        tree = self.folder / "trees" / name
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        self.git("init", "-q", "-b", "main", tree)
        self.git("-C", tree, "add", "-A")
        self.git("-C", tree, "commit", "-q", "-m", "Begin")
        bare = self.forge / f"{name}.git"
        self.git("clone", "-q", "--bare", tree, bare)
        return bare

    def merge(self, name: str, branch: str = "wheelyard/zlib2") -> None:
        self.git("-C", self.forge / f"{name}.git", "update-ref", "refs/heads/main", branch)

    def run(self, *arguments: str | Path, code: ExitCode | int = 0) -> str:
        state = ["--state", str(self.folder / "state")]
        assert execute([*map(str, arguments), *state]) == code
        out, self.err = self._capsys.readouterr()
        return out

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def states(self) -> dict[str, str]:
        told = self.json("migrate", "status", "zlib2")
        return {one["package"]: one["state"] for one in told["members"]}


@pytest.fixture
def yard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Yard:
    made = Yard(tmp_path, capsys)
    for name, files in CHAIN.items():
        made.repository(name, dict(files))
    return made


def test_a_campaign_is_planned_begun_followed_and_closed(yard: Yard) -> None:
    where = ("--feedstocks", yard.forge)
    planned = yard.json("migrate", "plan", "zlib2", "--pins", yard.pins, *where)
    assert planned["packages"] == ["png", "tiff", "gdal"]
    assert planned["depth"] == 3
    assert planned["machine_hours"] > 0

    yard.run("migrate", "start", "zlib2", "--pins", yard.pins, *where)
    assert yard.states()["png"] == "proposed"
    for package in ("png", "tiff", "gdal"):
        yard.merge(f"{package}-feedstock")
        yard.run("migrate", "run", "--once", *where)

    assert set(yard.states().values()) == {"published"}
    (line,) = yard.json("migrate", "status")
    assert line["mode"] == "closed"
    text = yard.git("-C", yard.forge / "gdal-feedstock.git", "show", "main:recipe/meta.yaml")
    assert "number: 1" in text


def test_why_a_package_waits_is_told_and_a_wrong_name_gets_the_nearest(yard: Yard) -> None:
    yard.run("migrate", "start", "zlib2", "--pins", yard.pins, "--feedstocks", yard.forge)

    assert yard.run("migrate", "why", "zlib2", "gdal") == (
        "gdal (awaiting-parents): waits for tiff (awaiting-parents); in the end for png\n"
    )
    yard.run("migrate", "why", "zlib2", "gda", code=ExitCode.USAGE)
    assert "Did you mean 'gdal'?" in yard.err


def test_people_pause_exclude_retry_and_close(yard: Yard) -> None:
    where = ("--feedstocks", yard.forge)
    yard.run("migrate", "start", "zlib2", "--pins", yard.pins, *where)

    yard.run("migrate", "pause", "zlib2")
    yard.merge("png-feedstock")
    yard.run("migrate", "run", "--once", *where)
    assert yard.states()["tiff"] == "awaiting-proposal"
    yard.run("migrate", "resume", "zlib2", *where)
    assert yard.states()["tiff"] == "proposed"
    yard.git("-C", yard.forge / "tiff-feedstock.git", "branch", "-D", "wheelyard/zlib2")
    yard.run("migrate", "run", "--once", *where)
    assert yard.states()["tiff"] == "needs-decision"
    assert yard.run("migrate", "retry", "zlib2", *where) == "tried again: tiff\n"
    assert yard.states()["tiff"] == "proposed"
    yard.run("migrate", "exclude", "zlib2", "tiff", *where)
    assert yard.states() == {"png": "published", "gdal": "proposed"}
    yard.run("migrate", "close", "zlib2", *where, code=ExitCode.USAGE)
    assert yard.run("migrate", "close", "zlib2", "--force", *where) == "zlib2 is closed\n"


def test_a_changed_pin_file_begins_its_migration_by_itself(yard: Yard) -> None:
    files = {
        "recipe/meta.yaml": recipe("pinning"),
        "recipe/conda_build_config.yaml": b"zlib:\n  - '1'\n",
    }
    bare = yard.repository("pinning-feedstock", files)
    where = ("--feedstocks", yard.forge, "--pin-repository", "pinning-feedstock")
    yard.run("migrate", "run", "--once", *where)
    assert yard.json("migrate", "status") == []

    tree = yard.folder / "trees" / "pinning-feedstock"
    (tree / "recipe/conda_build_config.yaml").write_bytes(b"zlib:\n  - '2'\n")
    yard.git("-C", tree, "commit", "-q", "-a", "-m", "zlib 2")
    yard.git("-C", tree, "push", "-q", bare, "main")
    yard.run("migrate", "run", "--once", *where)

    (line,) = yard.json("migrate", "status")
    assert line["name"] == "zlib2"
    assert yard.states()["png"] == "proposed"


def test_the_graph_says_why_one_package_needs_another(yard: Yard) -> None:
    where = ("--feedstocks", yard.forge)

    assert yard.run("graph", "why", "gdal", "png", *where) == (
        "gdal needs tiff for host\ntiff needs png for host\n"
    )
    assert yard.run("graph", "why", "png", "gdal", *where) == "png does not need gdal\n"
    (row,) = yard.json("graph", "show", "zlib", *where)["packages"]
    assert (row["depth"], row["descendants"]) == (0, 3)
    yard.run("graph", "why", "gdal", "libpng", *where, code=ExitCode.USAGE)
    assert "Did you mean 'png'?" in yard.err or "no package" in yard.err


def test_bad_input_is_one_clear_message(yard: Yard, tmp_path: Path) -> None:
    where = ("--feedstocks", yard.forge)
    bad = tmp_path / "bad.yaml"
    bad.write_text(PINS.replace("build_number", "buid_number"))

    yard.run("migrate", "plan", "bad", "--pins", bad, *where, code=ExitCode.USAGE)
    assert "bad.yaml:2" in yard.err
    assert "build_number" in yard.err
    yard.run("migrate", "plan", "x", "--pins", tmp_path / "none", *where, code=ExitCode.USAGE)
    assert "cannot be read" in yard.err
    yard.run("migrate", "plan", "x", "--feedstocks", tmp_path / "none", code=ExitCode.USAGE)
    assert "is no folder" in yard.err
    yard.run("migrate", "plan", "../x", *where, code=ExitCode.USAGE)
    assert "is no name of a campaign" in yard.err
    yard.run("migrate", "plan", "x", "--rule", "rebild", *where, code=ExitCode.USAGE)
    assert "Did you mean 'rebuild'?" in yard.err


def test_a_recipe_that_cannot_be_read_is_told_and_keeps_nobody_back(
    yard: Yard,
) -> None:
    yard.repository("bad-feedstock", {"recipe/meta.yaml": b"package: {name: [\n"})
    where = ("--feedstocks", yard.forge)

    rows = yard.json("graph", "show", *where)["packages"]

    assert [row["package"] for row in rows if row["broken"]] == ["bad"]
    assert "meta.yaml:" in yard.err
    assert yard.json("migrate", "plan", "zlib2", "--pins", yard.pins, *where)["depth"] == 3


def test_a_plain_folder_is_planned_and_asked_for_repositories_when_it_begins(
    tmp_path: Path, yard: Yard
) -> None:
    trees = yard.folder / "trees"
    for tree in trees.iterdir():
        shutil.rmtree(tree / ".git")

    planned = yard.json("migrate", "plan", "zlib2", "--pins", yard.pins, "--feedstocks", trees)
    assert planned["packages"] == ["png", "tiff", "gdal"]
    yard.run("migrate", "start", "z", "--feedstocks", trees, code=ExitCode.USAGE)
    assert "no git repository" in yard.err
