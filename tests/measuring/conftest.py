"""A setting in which every part of the benchmarks is over in seconds, and nothing comes from the network."""

import shutil
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import interpreter_of
from benchmarks.corpus import Corpus
from benchmarks.report import Report
from benchmarks.setting import Setting
from rich.console import Console

import wheelyard
from wheelyard.model.release import Release
from wheelyard.testing.sdists import Extension, SdistSpec, write_sdist

# Its bootstrap of the whole tree takes minutes and a network: here it finds and does what it is told to.
_FROMAGER = """\
#!{python}
import json, sys
from pathlib import Path
folder, (command, *arguments) = Path(sys.argv[2]), sys.argv[3:]
if command == "bootstrap":
    order = [dict(zip(("dist", "version"), text.split("=="))) for text in arguments]
    (folder / "work-dir").mkdir()
    (folder / "work-dir" / "build-order.json").write_text(json.dumps(order))
else:
    assert json.loads(Path(arguments[-1]).read_text())
"""
# pip and build take seconds for the smallest package; uv, which is quick, is the real one.
_PYTHON = """\
#!/bin/sh
exec true
"""


@pytest.fixture
def sdists(tmp_path: Path) -> Path:
    folder = tmp_path / "sdists"
    write_sdist(SdistSpec(name="plain"), folder)
    write_sdist(SdistSpec(name="native", extension=Extension.OWN_ABI), folder)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The peers: uv as it is, others that only look like it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in {"fromager": _FROMAGER, "python": _PYTHON}.items():
        (folder / name).write_text(text.format(python=sys.executable))
        (folder / name).chmod(0o755)
    uv = shutil.which("uv", path=Path(sys.executable).parent)
    assert uv is not None
    (folder / "uv").symlink_to(uv)
    return folder


@pytest.fixture
def setting(
    tmp_path: Path, sdists: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> Setting:
    monkeypatch.setenv("PYTHONPATH", str(Path(wheelyard.__file__).parent.parent))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    shutil.copytree(sdists, tmp_path / "cache" / "tree-sdists")
    return Setting(
        cache=tmp_path / "cache",
        corpus=Corpus(
            folder=sdists,
            pure=(Release.of("plain", "1.0"),),
            compiled=(Release.of("native", "1.0"),),
        ),
        python=interpreter_of("cp312"),
        target="cp312",
        targets=("cp312", "cp311"),
        repeat=1,
        options=("--index", str(sdists)),
        peers=programs,
        planned=60,
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Where a report goes."""
    return tmp_path / "out" / "report.json"


@pytest.fixture
def report(written: Path) -> Report:
    return Report(written, Console(width=200))
