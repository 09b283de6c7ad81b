"""One command builds for machines that this one is not, and what it built runs there."""

import json
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from e2e.test_farm import Served, process
from e2e.user import User

# Sources, sysroots and Emscripten come from the registries.
pytestmark = pytest.mark.upstream

_PACKAGES = ("markupsafe==3.0.3", "msgpack==1.1.2", "pyyaml==6.0.3")
_LONGEST = 600.0
"""Emscripten is a gigabyte that has to be unpacked once."""
_TESTS = {
    "markupsafe": "from markupsafe import _speedups as s",
    "msgpack": "from msgpack import _cmsgpack as c; assert c.unpackb(c.Packer().pack([1])) == [1]",
    "pyyaml": "import yaml; assert yaml.__with_libyaml__",
}


def _build(user: User, target: str, *packages: str) -> dict[str, str]:
    """Build packages with a test each, and return the names of their wheels."""
    recipes = user.folder / "recipes"
    recipes.mkdir()
    for name, code in _TESTS.items():
        (recipes / f"{name}.toml").write_text(f"test = 'cd / && python -c \"{code}\"'\n")
    ran = user.run(
        "build",
        *packages,
        f"--target={target}",
        f"--state={user.state}",
        "--json",
        "--from-source=requested",
        f"--recipes={recipes}",
        f"--output={user.folder / 'out'}",
        seconds=_LONGEST,
    )
    assert ran.code == 0, ran.err
    rows = {name: row for (name, _), row in ran.rows.items() if row["requested"]}
    assert {row["ending"] for row in rows.values()} <= {"built", "reused"}
    return {name.partition("==")[0]: row["artifact"]["filename"] for name, row in rows.items()}


def _skip_unless_aarch64() -> None:
    if shutil.which("aarch64-linux-gnu-gcc") is None or shutil.which("qemu-aarch64-static") is None:
        pytest.skip("there is no compiler or no emulator for aarch64")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("its Python is that of Debian 12")


def test_three_packages_are_built_for_aarch64_and_run_there(user: User) -> None:
    _skip_unless_aarch64()
    wheels = _build(user, "cp311-linux_aarch64", *_PACKAGES)
    assert set(wheels) == {"markupsafe", "msgpack", "pyyaml"}
    assert all(name.endswith("aarch64.whl") for name in wheels.values())


def test_a_package_is_built_for_pyodide_and_runs_in_node(
    user: User, interpreters: list[str]
) -> None:
    if "cp313" not in interpreters:
        pytest.skip("there is no Python 3.13 here to build with")
    wheels = _build(user, "cp313-pyodide_2025_0_wasm32", _PACKAGES[1])
    assert wheels == {"msgpack": "msgpack-1.1.2-cp313-cp313-pyodide_2025_0_wasm32.whl"}


def test_a_machine_that_nobody_knows_is_refused_with_a_way_out(user: User) -> None:
    ran = user.run("build", "six", "--target", "cp311-linux_loongarch64", "--state", user.state)
    assert ran.code != 0
    assert "linux_loongarch64" in ran.err
    assert not Path(user.folder / "out").exists()


def test_a_farm_with_one_builder_builds_for_aarch64_and_says_which_way_it_went(user: User) -> None:
    _skip_unless_aarch64()
    with process(user, "serve", "--port=0", "--jobs=2", f"--state={user.state}") as begun:
        assert begun.stdout is not None
        address = begun.stdout.readline().strip()
        token = begun.stdout.readline().strip().removeprefix("token ")
        served = Served(address=address, token=token, user=user)
        words = ("build", _PACKAGES[0], "--target=cp311-linux_aarch64", "--json")
        ran = served.ask(*words, "--from-source=requested", seconds=_LONGEST)
        assert ran.code == 0, ran.err
        (row,) = [row for row in ran.rows.values() if row["requested"]]
        assert row["artifact"]["filename"].endswith("aarch64.whl")
        asked = f"{address}/jobs/{row['key']}/attempts/1?format=json"
        page = httpx.get(asked, timeout=60.0).json()
        assert page["attempt"]["way"].startswith(
            "cross, with GNU compilers for aarch64-linux-gnu, as no builder is aarch64"
        )
        assert page["calls"]["counted"]["compiled"] == 1
        assert "aarch64-linux-gnu-gcc" in page["calls"]["longest"][0]["run"]
        listed = served.ask("job", "calls", row["key"], "--compile-commands")
        assert [one["file"] for one in json.loads(listed.out)] == ["src/markupsafe/_speedups.c"]
