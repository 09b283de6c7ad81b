"""A recipe's requirements, held against those of its release."""

import pytest

from wheelyard.migrate.newest.requirement_changes import Said, differences, mended
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.parse import parse_recipe

RECIPE = """\
package:
  name: thing
  version: "1.0"

build:
  noarch: python
  number: 0

requirements:
  host:
    - python >=3.8
    - pip
  run:
    - python >=3.8
    - numpy >=1.20  # keep me
    - attrs
    - typing_extensions
    - mscorefonts
"""
SAID = Said(
    requires_dist=(
        "numpy>=1.22,<3",
        "attrs",
        "typing-extensions; python_version < '3.13'",
        "torch~=2.1",
        "tomli; python_version < '3.11'",
        "pywin32; sys_platform == 'win32'",
        "uvloop>=0.17; sys_platform != 'win32'",
        "pytest; extra == 'test'",
        "not a requirement !!",
    ),
    requires_python=">=3.9",
    build_requires=("setuptools>=61", "wheel", "hatch-vcs"),
)


def found() -> dict[str, tuple[str, str]]:
    recipe = evaluate(parse_recipe(RECIPE, name="meta.yaml"), Variant(values={"python": "3.12"}))
    return {
        f"{one.section} {one.name}": (one.kind.value, one.wanted)
        for one in differences(recipe, SAID)
    }


def test_each_difference_is_told_once() -> None:
    assert found() == {
        "run numpy": ("bounds", "numpy >=1.22,<3"),
        "run torch": ("missing", "pytorch ~=2.1"),
        "run uvloop": ("elsewhere", "uvloop >=0.17"),
        "run mscorefonts": ("surplus", ""),
        "run python": ("bounds", "python >=3.9"),
        "host setuptools": ("missing", "setuptools >=61"),
        "host hatch-vcs": ("missing", "hatch-vcs"),
    }


def test_what_can_be_mended_is_and_nothing_else() -> None:
    parsed = parse_recipe(RECIPE, name="meta.yaml")
    recipe = evaluate(parsed, Variant(values={"python": "3.12"}))
    text = mended(parsed, differences(recipe, SAID))
    assert text == RECIPE.replace(
        "    - pip\n", "    - pip\n    - setuptools >=61\n    - hatch-vcs\n"
    ).replace(
        "  run:\n    - python >=3.8\n    - numpy >=1.20  # keep me\n",
        "  run:\n    - python >=3.9\n    - numpy >=1.22,<3  # keep me\n",
    ).replace("    - mscorefonts\n", "    - mscorefonts\n    - pytorch ~=2.1\n")
    after = parse_recipe(text, name="meta.yaml")
    left = differences(evaluate(after, Variant(values={"python": "3.12"})), SAID)
    assert [one for one in left if one.is_mended] == []


@pytest.mark.parametrize(
    ("written", "said", "kind"),
    [
        ("six >=1.10", "six>=1.10.0", None),
        ("six >=1.12", "six>=1.10", None),
        ("six 1.16.*", "six~=1.16.0", None),
        ("six", "six!=1.5", "bounds"),
        ("six >=1.10,<2", "six>=1.10,<2.0a0", None),
        ("six", "six", None),
        ("six ==1.16", "six>=1.0", None),
        ("six >=1.10", "six>=1.10,<2", "bounds"),
    ],
)
def test_bounds_count_only_where_the_recipe_allows_more(
    written: str, said: str, kind: str | None
) -> None:
    text = RECIPE.replace("    - attrs\n", f"    - {written}\n")
    recipe = evaluate(parse_recipe(text, name="meta.yaml"), Variant())
    mine = [
        one.kind.value
        for one in differences(recipe, Said(requires_dist=(said,)))
        if one.name == "six"
    ]
    assert mine == ([kind] if kind else [])
