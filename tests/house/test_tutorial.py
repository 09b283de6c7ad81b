"""The tutorial's commands work, in their order, on a machine like the reader's.

Upstream is a folder of small sdists with the names that the tutorial uses, so that no network is
needed; the targets are those of the Pythons that are here.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import Extension, SdistSpec, write_sdist

WHEELYARD = Path(sys.executable).parent / "wheelyard"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
UPSTREAM = (
    SdistSpec(name="jinja2", version="3.1.6", requires=("markupsafe>=2",)),
    SdistSpec(name="markupsafe", version="3.0.3", extension=Extension.OWN_ABI),
)

pytestmark = pytest.mark.slow


def commands(page: Path) -> Iterator[str]:
    for block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            assert line.startswith("$ "), line
            yield line.removeprefix("$ ")


def own_targets(environment: dict[str, str]) -> list[tuple[str, str]]:
    """The stable Pythons that can build here, as (target, executable), the newest last."""
    listed = subprocess.check_output([WHEELYARD, "target", "list", "--json"], env=environment)
    return [
        (row["target"].partition("-")[0], row["executable"])
        for row in json.loads(listed)["targets"]
        if row["executable"] and row["headers"] and re.fullmatch(r"cp3\d+-.*", row["target"])
    ]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An account of its own, whose upstream is a folder."""
    if not WHEELYARD.exists():
        pytest.skip("wheelyard is not installed in this environment")
    sdists = [write_sdist(spec, tmp_path / "sdists") for spec in UPSTREAM]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("WHEELYARD_")}
    return kept | {
        "PATH": f"{WHEELYARD.parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "WHEELYARD_INDEX": write_index(tmp_path / "upstream", sdists).as_uri(),
    }


def test_the_tutorial_works(tmp_path: Path, root: Path, environment: dict[str, str]) -> None:
    here = own_targets(environment)
    older, newest = here[0], here[-1]
    folder = tmp_path / "reader"
    folder.mkdir()
    for command in commands(root / "docs" / "tutorial" / "first-tree.md"):
        for said, meant in (("cp311", older[0]), ("cp312", newest[0]), ("3.12", newest[1])):
            command = command.replace(said, meant)  # noqa: PLW2901 - the reader does the same
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    wheels = [
        path.name for path in folder.rglob("*.whl") if path.is_relative_to(folder / "wheelhouse")
    ]
    assert "jinja2-3.1.6-py3-none-any.whl" in wheels
    assert any(re.match(r"markupsafe-3\.0\.3-1-", name) for name in wheels), wheels
