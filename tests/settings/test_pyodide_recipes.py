"""Pyodide's recipes say what changes about a release on WebAssembly."""

from pathlib import Path
from textwrap import dedent

import pytest

from wheelyard.errors import ConfigurationError
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import Release
from wheelyard.settings.overrides import join, read_folder
from wheelyard.settings.pyodide import is_pyodides, parse_pyodide

_WASM, _LINUX = "pyodide_2025_0_wasm32", "linux_aarch64"
_FULL = """
package: {name: Grid_Tools, version: 1.4.0, top-level: [grid], tag: [always], pinned: true}
source:
  url: https://example.test/grid_tools-1.4.0.tar.gz
  sha256: abc
  patches: [patches/one.patch]
build:
  script: |
    export GRID=1
  post: |
    rm -rf docs
  cflags: |
    -Wno-return-type
    -I$(WASM_LIBRARY_DIR)/include
  ldflags: -lyaml
  backend-flags: --global-option=build_ext define=A define=B
  exports: whole_archive
  unvendor-tests: false
  _retain-test-patterns: ["*_support.py"]
requirements: {run: [numpy], host: [numpy, libgrid], executable: [cmake]}
test: {imports: [grid, grid.core]}
about: {home: https://example.test, license: MIT}
"""


def _folder(tmp_path: Path, **recipes: str) -> Path:
    for name, text in recipes.items():
        place = tmp_path / name
        (place / "patches").mkdir(parents=True)
        (place / "meta.yaml").write_text(dedent(text))
        (place / "patches" / "one.patch").write_text("--- a\n+++ b\n")
    return tmp_path


def _recipe(folder: Path, release: str, platform: str = _WASM) -> Recipe:
    return join(read_folder(folder)).recipe(Release.parse(release)).on(platform)


def test_all_that_a_recipe_says_is_taken_on_webassembly_only(tmp_path: Path) -> None:
    library = "package: {name: libgrid, version: 2-rc_1}\nbuild: {type: static_library}\n"
    folder = _folder(tmp_path, grid=_FULL, lib=library)
    recipe = _recipe(folder, "grid-tools==1.4.0")
    assert [patch.name for patch in recipe.patches] == ["one.patch"]
    assert recipe.before == "export GRID=1\n"
    assert recipe.after == "rm -rf docs\n"
    assert recipe.cflags == ("-Wno-return-type", "-I$(WASM_LIBRARY_DIR)/include")
    assert recipe.config_settings == {"--global-option": "build_ext", "define": ("A", "B")}
    assert recipe.exports == ("all",)
    assert recipe.keep == ("*_support.py",)
    assert not recipe.drop_tests
    assert recipe.host_requires == ("numpy",)
    assert recipe.system_packages == ("libgrid",)
    assert recipe.imports == ("grid", "grid.core")
    assert _recipe(folder, "grid-tools==1.4.0", _LINUX) == Recipe()
    assert _recipe(folder, "grid-tools==1.5.0") == Recipe()


def test_what_is_no_wheel_is_skipped_and_says_why(tmp_path: Path) -> None:
    older = "package: {name: zed, version: '1.2'}\nbuild: {library: true, script: make}\n"
    disabled = "package: {name: wye, version: '3', _disabled: true}\n"
    folder = _folder(tmp_path, zed=older, wye=disabled)
    assert "static library" in str(_recipe(folder, "zed==1.2").skip)
    assert "does not build" in str(_recipe(folder, "wye==3").skip)


def test_keys_of_another_time_are_passed_over_and_named() -> None:
    text = (
        "package: {name: a, version: 1}\nbuild: {skip_host: true, globs: [x]}\nsource: {md5: 1}\n"
    )
    recipe = parse_pyodide(text, "a/meta.yaml")
    assert recipe.version == "1"
    assert recipe.unread == ("build/globs", "build/skip_host", "source/md5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("package: {version: 1}", "package/name is not there"),
        ("package: [a]", "package is no table"),
        ("package: {name: a}\nbuild: {unvendor-tests: maybe}", "build/unvendor-tests is 'maybe'"),
        ("package: {name: a}\nbuild: {type: plugin}", "build/type is 'plugin'"),
        ("package: {name: a}\nbuild: {exports: some}", "build/exports is 'some'"),
        ("package: {name: a}\ntest: {imports: {a: b}}", "test/imports"),
        ("package: {name: a", "is not YAML"),
    ],
)
def test_a_value_of_another_shape_is_an_error_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_pyodide(text, "a/meta.yaml")
    assert said in caught.value.message
    assert caught.value.message.startswith("a/meta.yaml")


def test_a_recipe_of_conda_is_none_of_pyodides(tmp_path: Path) -> None:
    conda = '{% set version = "1" %}\npackage: {name: a, version: "{{ version }}"}\n'
    assert not is_pyodides(conda)
    assert not is_pyodides("package: {name: a, version: 1}\nbuild: {number: 0}\n")
    assert read_folder(_folder(tmp_path, a=conda)) == []


def test_tables_of_some_platforms_change_a_recipe_there(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(
        'cflags = "-O1 -g0"\n[on."*_riscv64"]\ncflags = ["-O0"]\nhost-packages = ["libyaml-dev"]\n'
    )
    recipes = join(read_folder(tmp_path))
    assert recipes.recipe(Release.parse("grid==1")).on(_LINUX).cflags == ("-O1", "-g0")
    there = recipes.recipe(Release.parse("grid==1")).on("linux_riscv64")
    assert (there.cflags, there.host_packages) == (("-O0",), ("libyaml-dev",))


def test_a_condition_with_an_unknown_key_names_the_known_one(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text('[on."linux_*"]\ncflag = "-O1"\n')
    with pytest.raises(ConfigurationError) as caught:
        read_folder(tmp_path)
    assert "cflags" in caught.value.hint
