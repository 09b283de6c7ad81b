"""What a hook's process, and what it starts, is told of the machine that a wheel is for."""

import json
import subprocess
import sys
from pathlib import Path

import wheelyard.executor.inside

_INSIDE = Path(wheelyard.executor.inside.__file__).parent
_DATA = """
build_time_vars = {
    "EXT_SUFFIX": ".cpython-311-aarch64-linux-gnu.so", "SOABI": "cpython-311-aarch64-linux-gnu",
    "CC": "aarch64-linux-gnu-gcc", "prefix": "/usr", "exec_prefix": "/usr", "LIBDEST": "/usr/lib",
    "INCLUDEPY": "/usr/include/python3.11", "projectbase": "/usr/bin", "srcdir": "/usr",
}
"""
_ASK = """
import json, os, platform, subprocess, sys, sysconfig
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location(
    "inside", sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
sys.modules["inside"] = importlib.util.module_from_spec(spec)
from inside import across
asked = json.loads(sys.argv[2])
if asked["early"]:
    import packaging.tags, packaging.markers
across.apply(asked)
import packaging.tags, packaging.markers
ask = "import sysconfig, os; print(sysconfig.get_platform(), sysconfig.get_config_var('EXT_SUFFIX'))"
told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout.split()
print(json.dumps({
    "platform": sysconfig.get_platform(),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "tag": str(next(packaging.tags.sys_tags())),
    "marker": packaging.markers.Marker("platform_machine == 'aarch64'").evaluate(),
    "machine": platform.machine(), "uname": os.uname().machine,
    "started": told, "path": sys.path, "variables": sorted(os.environ),
}))
"""


def _ask(folder: Path, *, early: bool = False, pretend: bool = False) -> dict[str, object]:
    folder.mkdir()
    (folder / "_sysconfigdata__linux_aarch64-linux-gnu.py").write_text(_DATA)
    question = {
        "platform": "linux-aarch64",
        "sysconfigdata": "_sysconfigdata__linux_aarch64-linux-gnu",
        "folder": str(folder),
        "tags": ["linux_aarch64", "manylinux_2_17_aarch64"],
        "markers": {
            "platform_machine": "aarch64",
            "platform_system": "Linux",
            "sys_platform": "linux",
        },
        "pretend": pretend,
        "early": early,
    }
    command = [sys.executable, "-c", _ASK, str(_INSIDE), json.dumps(question)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_sysconfig_tags_and_markers_answer_for_the_target(tmp_path: Path) -> None:
    answer = _ask(tmp_path / "data")
    assert answer["platform"] == "linux-aarch64"
    assert answer["suffix"] == ".cpython-311-aarch64-linux-gnu.so"
    assert str(answer["tag"]).endswith("-linux_aarch64")
    assert answer["marker"] is True


def test_what_was_imported_before_answers_for_the_target_too(tmp_path: Path) -> None:
    answer = _ask(tmp_path / "data", early=True)
    assert str(answer["tag"]).endswith("-linux_aarch64")
    assert answer["marker"] is True


def test_what_a_hook_starts_is_the_build_machines(tmp_path: Path) -> None:
    here = subprocess.run(
        [sys.executable, "-c", "import sysconfig; print(sysconfig.get_platform())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    answer = _ask(tmp_path / "data")
    started = answer["started"]
    assert isinstance(started, list)
    assert started[0] == here
    assert "aarch64" not in started[1]
    assert not [name for name in answer["variables"] if "_PYTHON_" in name]  # type: ignore[attr-defined]
    assert str(tmp_path / "data") not in answer["path"]  # type: ignore[operator]


def test_platform_stays_true_unless_a_recipe_asks(tmp_path: Path) -> None:
    true = _ask(tmp_path / "true")
    assert true["machine"] != "aarch64"
    pretended = _ask(tmp_path / "pretended", pretend=True)
    assert pretended["machine"] == pretended["uname"] == "aarch64"
