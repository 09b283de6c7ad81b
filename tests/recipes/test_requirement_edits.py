"""Requirements are added, removed, replaced and moved as whole items, and nothing else changes."""

import difflib

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.edits import (
    add_requirement,
    move_requirement,
    remove_requirement,
    replace_requirement,
)
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe
from wheelyard.recipes.requirements import requirements

META = """\
package:
  name: a
  version: 1

build:
  number: 0

requirements:
  build:
    - {{ compiler('c') }}
    - make  # [unix]
    # only there
    - ninja  # [win]
    {% if cuda %}
    - nvcc
    {% endif %}

  run:
    - python >=3.8   # keep
    - "six"
    - numpy 1.2.*  # [linux]
    - numpy        # [not linux]

outputs:
  - name: b
    requirements:
      host: [python, pip]
      run:
      - python
  - name: c
    script: x.sh

test:
  requires:
    - pytest
"""

RECIPE = """\
package:
  name: a

build:
  number: 0

requirements:
  host:
    - python
    - if: unix
      then: make
    - if: win
      then:
        - ninja
        - python
      else: other
  run:
    - python
"""


def meta(text: str = META) -> ParsedRecipe:
    return parse_recipe(text, name="meta.yaml")


def recipe(text: str = RECIPE) -> ParsedRecipe:
    return parse_recipe(text, name="recipe.yaml")


def changes(old: str, new: str) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(old.splitlines(True), new.splitlines(True), n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def test_requirements_are_read_with_their_places() -> None:
    found = requirements(meta())

    assert [(one.name, one.section, one.output, one.condition) for one in found] == [
        ("", "build", None, None),
        ("make", "build", None, "unix"),
        ("ninja", "build", None, "win"),
        ("nvcc", "build", None, None),
        ("python", "run", None, None),
        ("six", "run", None, None),
        ("numpy", "run", None, "linux"),
        ("numpy", "run", None, "not linux"),
        ("python", "host", "b", None),
        ("pip", "host", "b", None),
        ("python", "run", "b", None),
        ("pytest", "test", None, None),
    ]
    assert [one.span.of(META) for one in found][4:7] == ["python >=3.8", '"six"', "numpy 1.2.*"]


def test_requirements_under_conditions_are_read() -> None:
    assert [(one.text, one.condition) for one in requirements(recipe())] == [
        ("python", None),
        ("make", "unix"),
        ("ninja", "win"),
        ("python", "win"),
        ("other", "not (win)"),
        ("python", None),
    ]


@pytest.mark.parametrize(
    ("section", "text", "more", "added"),
    [
        ("run", "z >=1", {}, ["+    - z >=1\n"]),
        ("build", "z", {}, ["+    - z\n"]),
        ("run", "z", {"condition": "osx"}, ["+    - z  # [osx]\n"]),
        (
            "host",
            "{{ pin_compatible('z') }}",
            {},
            ["+  host:\n", "+    - {{ pin_compatible('z') }}\n"],
        ),
        (
            "host",
            "z",
            {"output": "b"},
            ["-      host: [python, pip]\n", "+      host: [python, pip, z]\n"],
        ),
        (
            "host",
            "z >=1,<2",
            {"output": "b"},
            ["-      host: [python, pip]\n", '+      host: [python, pip, "z >=1,<2"]\n'],
        ),
        ("run", "z", {"output": "b"}, ["+      - z\n"]),
        ("run", "z", {"output": "c"}, ["+    requirements:\n", "+      run:\n", "+        - z\n"]),
        ("test", "z", {}, ["+    - z\n"]),
    ],
)
def test_requirement_is_added_at_the_end_of_its_section(
    section: str, text: str, more: dict[str, str], added: list[str]
) -> None:
    assert changes(META, add_requirement(meta(), section, text, **more)) == added


def test_requirement_is_added_outside_of_a_block_of_jinja() -> None:
    answer = add_requirement(meta(), "build", "z")

    assert "    {% endif %}\n    - z\n\n  run:" in answer


def test_section_is_made_in_the_order_of_the_field() -> None:
    answer = add_requirement(meta(), "host", "z")

    assert "    {% endif %}\n  host:\n    - z\n\n  run:" in answer


def test_condition_of_a_recipe_yaml_is_an_if() -> None:
    answer = add_requirement(recipe(), "run", "z", condition="win")

    assert changes(RECIPE, answer) == ["+    - if: win\n", "+      then: z\n"]


def test_requirement_that_is_there_is_refused() -> None:
    with pytest.raises(RefusedEditError, match=r"meta\.yaml:20: 'six' stands in run already"):
        add_requirement(meta(), "run", "six")


@pytest.mark.parametrize(
    ("name", "section", "output", "gone"),
    [
        ("six", None, None, ['-    - "six"\n']),
        (
            "NUMPY",
            "run",
            None,
            ["-    - numpy 1.2.*  # [linux]\n", "-    - numpy        # [not linux]\n"],
        ),
        ("{{ compiler('c') }}", None, None, ["-    - {{ compiler('c') }}\n"]),
        ("pip", None, None, ["-      host: [python, pip]\n", "+      host: [python]\n"]),
        ("python", "host", "b", ["-      host: [python, pip]\n", "+      host: [pip]\n"]),
        ("python", "run", "b", ["-      run:\n", "-      - python\n"]),
        ("pytest", None, None, ["-  requires:\n", "-    - pytest\n"]),
    ],
)
def test_requirement_is_removed_with_its_line(
    name: str, section: str | None, output: str | None, gone: list[str]
) -> None:
    assert changes(META, remove_requirement(meta(), name, section=section, output=output)) == gone


def test_condition_goes_with_its_last_requirement() -> None:
    assert changes(RECIPE, remove_requirement(recipe(), "make")) == [
        "-    - if: unix\n",
        "-      then: make\n",
    ]
    assert changes(RECIPE, remove_requirement(recipe(), "other")) == ["-      else: other\n"]
    assert changes(RECIPE, remove_requirement(recipe(), "ninja")) == ["-        - ninja\n"]


def test_requirements_go_with_the_last_one() -> None:
    text = "build:\n  number: 0\nrequirements:\n  run:\n    - a\nabout:\n  x: 1\n"

    assert remove_requirement(meta(text), "a") == "build:\n  number: 0\nabout:\n  x: 1\n"


def test_what_is_not_required_is_refused() -> None:
    with pytest.raises(RefusedEditError, match="'curl' is not required in host"):
        remove_requirement(meta(), "curl", section="host")


def test_package_is_replaced_and_its_pin_stays() -> None:
    answer = replace_requirement(meta(), "numpy", "array-api")

    assert changes(META, answer)[2:] == [
        "+    - array-api 1.2.*  # [linux]\n",
        "+    - array-api        # [not linux]\n",
    ]


def test_package_is_replaced_with_its_pin() -> None:
    answer = replace_requirement(
        meta(), "python", "python 3.12.*", section="run", output="b", keep_pin=False
    )

    assert changes(META, answer) == ["-      - python\n", "+      - python 3.12.*\n"]


def test_package_that_is_there_already_is_not_doubled() -> None:
    text = "requirements:\n  run:\n    - old >=1\n    - new >=1\n"

    assert replace_requirement(meta(text), "old", "new") == "requirements:\n  run:\n    - new >=1\n"


def test_package_moves_as_it_is_written() -> None:
    answer = move_requirement(meta(), "ninja", source="build", target="run")

    assert changes(META, answer) == ["-    - ninja  # [win]\n", "+    - ninja  # [win]\n"]
    assert "    - numpy        # [not linux]\n    - ninja  # [win]\n" in answer


def test_package_moves_to_a_section_that_is_made() -> None:
    answer = move_requirement(meta(), "python", source="run", target="host", output=None)

    assert "  host:\n    - python >=3.8   # keep\n" in answer


def test_package_moves_with_its_condition() -> None:
    answer = move_requirement(recipe(), "make", source="host", target="run")

    assert answer.endswith("  run:\n    - python\n    - if: unix\n      then: make\n")
    assert answer.count("make") == 1


def test_ends_of_lines_stay() -> None:
    text = META.replace("\n", "\r\n")

    assert add_requirement(meta(text), "run", "z") == add_requirement(meta(), "run", "z").replace(
        "\n", "\r\n"
    )


def test_text_without_an_end_of_its_last_line_stays_so() -> None:
    text = "requirements:\n  run:\n    - a"

    assert add_requirement(meta(text), "run", "b") == "requirements:\n  run:\n    - a\n    - b"
