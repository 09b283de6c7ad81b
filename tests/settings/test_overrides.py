"""What users say about releases reaches the recipes of those releases, and no others."""

from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import Release
from wheelyard.settings.file import find, read
from wheelyard.settings.overrides import Overrides, join, read_folder


def configured(tmp_path: Path, text: str) -> Overrides:
    (tmp_path / "wheelyard.toml").write_text(text)
    return join(read(tmp_path / "wheelyard.toml").overrides)


def test_release_without_an_override_has_the_default_recipe(tmp_path: Path) -> None:
    overrides = configured(tmp_path, '[package.numpy]\nskip = "too big"\n')

    assert overrides.recipe(Release.parse("six==1.0")) == DEFAULT_RECIPE
    assert overrides.recipe(Release.parse("numpy==1.0")).skip == "too big"


def test_more_exact_override_wins_key_by_key(tmp_path: Path) -> None:
    overrides = configured(
        tmp_path,
        """
        [package."numpy==1.26.4"]
        environment = { A = "exact" }
        [package."numpy<2"]
        build-constraints = ["cython<3"]
        environment = { A = "range" }
        [package.NumPy]
        environment = { A = "name" }
        """,
    )

    assert overrides.recipe(Release.parse("numpy==1.26.4")).environment == {"A": "exact"}
    assert overrides.recipe(Release.parse("numpy==1.26.4")).build_constraints == ("cython<3",)
    assert overrides.recipe(Release.parse("numpy==1.25")).environment == {"A": "range"}
    assert overrides.recipe(Release.parse("numpy==2.1")).environment == {"A": "name"}


def test_patches_are_read_from_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "six"
    folder.mkdir(parents=True)
    (folder / "fix.patch").write_text("--- a\n+++ b\n")
    (folder / "recipe.toml").write_text(
        'patches = ["fix.patch"]\n[releases."six<1"]\nskip = "old"\n'
    )

    overrides = join(read_folder(tmp_path / "recipes"))

    assert overrides.recipe(Release.parse("six==1.17")).patches[0].text.startswith("--- a")
    assert overrides.recipe(Release.parse("six==1.17")).skip is None
    assert overrides.recipe(Release.parse("six==0.9")).skip == "old"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[package.six]\npatchs = ["a"]\n', "patchs", "'patches'"),
        ("[package.six]\nskip = 1\n", "skip", ""),
        ("[packages.six]\n", "packages", "'package'"),
        ('[package."six=1"]\nskip = "x"\n', "six=1", "numpy<2"),
        ('[package.six]\npatches = ["gone.patch"]\n', "gone.patch", "relative"),
        ('[package.six]\ntest-requires = ["py test"]\n', "'py test' in test-requires", "pytest>=8"),
        ("[package.six\n", "line 1", ""),
        ("[checks]\nabi3 = 1\n", "checks.abi3", "hold"),
    ],
)
def test_mistake_is_named_with_the_way_out(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(tmp_path, text)

    assert message in caught.value.message
    assert hint in caught.value.hint


def test_nearest_configuration_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "wheelyard.toml").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert find(below) == tmp_path / "wheelyard.toml"
