"""Keys of conda-forge.yml are set and removed, and nothing else changes."""

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.edits import remove_key, set_key
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe

TEXT = """\
# ours
provider:
  linux: azure  # because
  win: 'azure'
bot: {automerge: true, inspection: hint}
build_platform:
conda_build:
  pkg_format: '2'
  extra:
    deep: 1
skip_render:
  - README.md

# the end
"""


def forge(text: str = TEXT) -> ParsedRecipe:
    return parse_recipe(text, name="conda-forge.yml")


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (["provider", "linux"], "travis", "linux: azure  #", "linux: travis  #"),
        (["provider", "win"], "default", "win: 'azure'", "win: 'default'"),
        (["provider", "osx"], "default", "win: 'azure'\n", "win: 'azure'\n  osx: default\n"),
        (["bot", "automerge"], "version", "automerge: true", "automerge: version"),
        (
            ["bot", "version_updates"],
            "{exclude: ['1']}",
            "hint}",
            "hint, version_updates: {exclude: ['1']}}",
        ),
        (
            ["build_platform", "osx_arm64"],
            "osx_64",
            "build_platform:\n",
            "build_platform:\n  osx_arm64: osx_64\n",
        ),
        (["test"], "native", "  - README.md\n", "  - README.md\ntest: native\n"),
        (["a", "b", "c"], "1", "  - README.md\n", "  - README.md\na:\n  b:\n    c: 1\n"),
        (["conda_build", "extra"], "none", "extra:\n    deep: 1\n", "extra: none\n"),
        (["skip_render"], "[a]", "skip_render:\n  - README.md\n", "skip_render: [a]\n"),
    ],
)
def test_key_is_set(path: list[str], value: str, old: str, new: str) -> None:
    assert set_key(forge(), path, value) == TEXT.replace(old, new)
    crlf = TEXT.replace("\n", "\r\n")
    assert set_key(forge(crlf), path, value) == TEXT.replace(old, new).replace("\n", "\r\n")


def test_key_of_an_empty_file_is_set() -> None:
    assert set_key(forge(""), ["provider", "win"], "azure") == "provider:\n  win: azure\n"


def test_key_below_null_is_set() -> None:
    assert (
        set_key(forge("bot: null\n"), ["bot", "automerge"], "true") == "bot:\n  automerge: true\n"
    )


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (["provider", "win"], "  win: 'azure'\n", ""),
        (["provider"], "provider:\n  linux: azure  # because\n  win: 'azure'\n", ""),
        (["bot", "automerge"], "automerge: true, ", ""),
        (["bot", "inspection"], ", inspection: hint", ""),
        (["conda_build", "extra", "deep"], "  extra:\n    deep: 1\n", ""),
        (["skip_render"], "skip_render:\n  - README.md\n", ""),
        (["build_platform"], "build_platform:\n", ""),
    ],
)
def test_key_is_removed(path: list[str], old: str, new: str) -> None:
    assert remove_key(forge(), path) == TEXT.replace(old, new)


def test_mapping_that_would_be_empty_goes() -> None:
    assert remove_key(forge("a: 1\nb:\n  c:\n    d: 1\n"), ["b", "c", "d"]) == "a: 1\n"
    assert remove_key(forge("a: 1\nb: {c: 1}\n"), ["b", "c"]) == "a: 1\n"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["provider", "linux"], "azure"),
        (["provider", "linux", "deep"], "1"),
        (["skip_render", "x"], "1"),
    ],
)
def test_value_that_is_there_or_in_the_way_is_refused(path: list[str], value: str) -> None:
    with pytest.raises(RefusedEditError, match=r"conda-forge\.yml"):
        set_key(forge(), path, value)


def test_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedEditError, match=r"there is no key bot\.nothing"):
        remove_key(forge(), ["bot", "nothing"])
