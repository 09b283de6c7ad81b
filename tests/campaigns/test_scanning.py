"""Recipes are read into the graph, each again only when it changed."""

from pathlib import Path

import pytest

from campaigns.world import CHAIN, recipe
from wheelyard.campaigns.scanning import Scanner, joined
from wheelyard.errors import ConfigurationError
from wheelyard.graph.packages import EdgeKind
from wheelyard.migrate.reading import package_of, stands_at
from wheelyard.testing.forge import MemoryForge
from wheelyard.testing.memo import MemoryMemo

pytestmark = pytest.mark.anyio
SELECTED = """\
package:
  name: app
  version: '1.0'
build:
  number: 3
  skip: true  # [win]
requirements:
  build:
    - {{ compiler('c') }}
  host:
    - zlib
    - libuuid  # [linux]
"""


def write(folder: Path, **needs: tuple[str, ...]) -> None:
    for name, host in needs.items():
        place = folder / f"{name}-feedstock" / "recipe"
        place.mkdir(parents=True, exist_ok=True)
        (place / "meta.yaml").write_bytes(recipe(name, *host))


async def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, zlib=(), png=("zlib",), tiff=("png",))
    scanner = Scanner(memory=MemoryMemo(), processes=1)
    assert (await scanner.folder(tmp_path)).read == 3
    assert (await scanner.folder(tmp_path)).read == 0

    write(tmp_path, tiff=("zlib", "png", "jpeg"))
    (tmp_path / "png-feedstock" / "recipe" / "meta.yaml").unlink()
    scan = await scanner.folder(tmp_path)

    assert scan.read == 1
    assert scan.graph.parents()["tiff"] == ("zlib",)


async def test_many_recipes_are_read_by_several_processes(tmp_path: Path) -> None:
    write(tmp_path, **{f"p{number}": () for number in range(220)})

    scan = await Scanner(memory=MemoryMemo(), processes=2).folder(tmp_path)

    assert len(scan.graph.packages) == 220


async def test_of_repositories_only_those_with_a_new_commit_are_read_again() -> None:
    forge = MemoryForge(CHAIN)
    scanner = Scanner(memory=MemoryMemo(), processes=1)
    await scanner.forge(forge)
    forge.change("png-feedstock", {"recipe/meta.yaml": recipe("png")}, "No zlib")

    scan = await scanner.forge(forge)

    assert scan.read == 1
    assert scan.graph.parents()["png"] == ()
    assert scan.places["png"] == "png-feedstock"


async def test_a_monorepo_has_its_packages_by_their_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "recipes" / name).mkdir(parents=True)
        (tmp_path / "recipes" / name / "meta.yaml").write_bytes(recipe(name))

    scan = await Scanner(memory=MemoryMemo(), processes=1).folder(tmp_path)

    assert sorted(scan.graph.packages) == ["a", "b"]
    assert len(joined([scan, scan]).scanned) == 2


async def test_a_folder_without_recipes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no recipe below"):
        await Scanner(memory=MemoryMemo()).folder(tmp_path)


async def test_what_is_kept_of_another_time_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, zlib=())
    memory = MemoryMemo()
    await memory.keep("scanned-recipes", f"folder:{tmp_path}", b"\x00nonsense")

    assert (await Scanner(memory=memory, processes=1).folder(tmp_path)).read == 1


async def test_a_need_behind_a_selector_holds_on_its_platforms_alone() -> None:
    package = package_of("app", SELECTED)

    needs = {(need.name, need.kind): need.platforms for need in package.needs}
    assert needs["zlib", EdgeKind.HOST] == frozenset()
    assert needs["libuuid", EdgeKind.HOST] == {"linux-64", "linux-aarch64"}
    assert needs["c_compiler_stub", EdgeKind.BUILD] == frozenset()
    assert package.platforms == {"linux-64", "linux-aarch64", "osx-arm64"}


async def test_a_recipe_says_at_which_version_and_number_it_stands() -> None:
    assert stands_at(SELECTED, path="meta.yaml") == "1.0 3"
    assert stands_at("package: {name: [", path="meta.yaml") == ""
