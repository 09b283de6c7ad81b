"""What a recipe comes to in a variant, as its own tool would have it."""

from collections.abc import Mapping

import pytest

from recipes.evaluating import evaluated
from wheelyard.recipes.build_number import rebuild
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant, package_name
from wheelyard.recipes.parse import parse_recipe

META = """\
{% set name = "Thing" %}
{% set version = "1.2.10" %}  # the newest
{% set sha256 = "aa" %}  # [win]
{% set sha256 = "bb" %}  # [not win]
{% set libs = [
    "one",
    "two",
] %}
{% macro dep(name) %}{{ name }} >=1{% endmacro %}

package:
  name: {{ name|lower }}
  version: {{ version }}

source:
  - url: https://example.org/{{ name[0] }}/{{ name }}-{{ version }}.tar.gz
    sha256: {{ sha256 }}
    patches:
      - a.patch  # [osx and arm64]
  - git_url: https://example.org/x.git

build:
  number: 10
  number: 110  # [cuda_compiler_version != "None"]
  skip: true  # [py<38 or s390x]
  run_exports:
    strong:
      - {{ pin_subpackage("thing", max_pin="x.x") }}

requirements:
  build:
    - {{ compiler('c') }}
    - {{ stdlib('c') }}
    - {{ cdt('mesa-libgl') }}  # [linux]
    # a comment
    - python  # [build_platform != target_platform]
  host:
    - python
    {% for lib in libs %}
    - {{ lib }}-{{ loop.index }}
    {% endfor %}
    - numpy 1.7.*  # [py<310]
    - {{ dep("x") }}
  run:
    - {{ pin_compatible('numpy') }}
    {% if mpi and mpi != "nompi" %}
    - {{ mpi }}
    {% endif %}
  run_constrained:
    - other {{ version.split(".")[:2]|join(".") }}.*

test:
  requires:
    - pytest
  commands:
    - test -f $PREFIX/lib/libx{{ "%02d" % 3 }}.so  # [linux]
    - "echo {{ environ.get('NOT_THERE', 'x') }}"
"""


def test_meta_yaml_comes_to_its_values() -> None:
    answer = evaluated(META, mpi="openmpi", cuda_compiler_version="None")

    assert (answer.name, answer.version, answer.build_number) == ("thing", "1.2.10", 10)
    assert answer.sources[0].urls == ("https://example.org/T/Thing-1.2.10.tar.gz",)
    assert answer.sources[0].hashes == {"sha256": "bb"}
    assert answer.sources[0].patches == ()
    assert answer.sources[1].git_url == "https://example.org/x.git"
    assert answer.requirements.build == (
        "c_compiler_stub",
        "c_stdlib_stub",
        "mesa-libgl-cos7-x86_64",
    )
    assert answer.requirements.host == ("python", "one-1", "two-2", "x >=1")
    assert answer.requirements.run == ("numpy", "openmpi")
    assert answer.requirements.run_constrained == ("other 1.2.*",)
    assert answer.requirements.test == ("pytest",)
    assert answer.run_exports.strong == ("thing",)
    assert answer.outputs[0].requirements == answer.requirements


@pytest.mark.parametrize(
    ("platform", "values", "expected"),
    [
        ("win-64", {"python": "3.7"}, {"skipped": True, "build_number": 110}),
        ("osx-arm64", {}, {"skipped": False}),
        ("linux-s390x", {"cuda_compiler_version": "None"}, {"skipped": True, "build_number": 10}),
    ],
)
def test_variants_differ(
    platform: str, values: Mapping[str, str], expected: Mapping[str, object]
) -> None:
    answer = evaluated(META, platform, **values)

    assert {key: getattr(answer, key) for key in expected} == expected


def test_variant_names_the_compiler() -> None:
    answer = evaluated(
        META, c_compiler="gcc", c_compiler_version="13", c_stdlib="sysroot", c_stdlib_version="2.17"
    )

    assert answer.requirements.build[:2] == ("gcc_linux-64 13.*", "sysroot_linux-64 2.17.*")


def test_cross_compilation_is_seen() -> None:
    recipe = parse_recipe(META, name="meta.yaml")
    variant = Variant(platform="osx-arm64", build_platform="osx-64")

    assert "python" in evaluate(recipe, variant).requirements.build


RECIPE = """\
schema_version: 1
context:
  name: thing
  version: "3.10"
  build: 2
  major: ${{ (version | split("."))[0] }}
  both: ${{ name }}-${{ version }}
  flag: true

package:
  name: ${{ name }}
  version: ${{ version }}

source:
  url: https://example.org/${{ both }}.tar.gz
  sha256: abc

build:
  number: ${{ build + 100 if cuda == "yes" else build }}
  skip:
    - osx and x86_64
    - match(python, "<3.10")
  script: make

requirements:
  build:
    - ${{ compiler("cxx") }}
    - if: build_platform != target_platform
      then:
        - python
        - if: win
          then: win-only
          else: [cross, other]
  host:
    - ${{ "numpy" if flag }}
    - ${{ "nothing" if not flag }}
    - lib-${{ major }}
  run_exports:
    weak:
      - thing >=${{ major }}

outputs:
  - package:
      name: one
    requirements:
      run:
        - ${{ pin_subpackage("two", exact=True) }}
  - if: linux
    then:
      package:
        name: two
        version: "5"
      build:
        number: 9
        noarch: python
    else:
      - package:
          name: three

tests:
  - requirements:
      run: [pytest]
"""


def test_recipe_yaml_comes_to_its_values() -> None:
    answer = evaluated(RECIPE, name="recipe.yaml", cuda="yes", python="3.12.* *_cpython")

    assert (answer.name, answer.version, answer.build_number, answer.skipped) == (
        "thing",
        "3.10",
        102,
        False,
    )
    assert answer.sources[0].urls == ("https://example.org/thing-3.10.tar.gz",)
    assert answer.requirements.build == ("cxx_compiler_stub",)
    assert answer.requirements.host == ("numpy", "lib-3")
    assert answer.requirements.test == ("pytest",)
    assert answer.run_exports.weak == ("thing >=3",)
    assert [(one.name, one.version, one.build_number, one.noarch) for one in answer.outputs] == [
        ("one", "3.10", 102, ""),
        ("two", "5", 9, "python"),
    ]
    assert answer.every_requirement("run") == ("two",)


def test_recipe_yaml_differs_by_platform() -> None:
    recipe = parse_recipe(RECIPE, name="recipe.yaml")
    crossed = evaluate(recipe, Variant(platform="linux-aarch64", build_platform="linux-64"))

    assert evaluated(RECIPE, "osx-64", name="recipe.yaml").skipped
    assert evaluated(RECIPE, name="recipe.yaml", python="3.9.* *_cpython").skipped
    assert [one.name for one in evaluated(RECIPE, "win-64", name="recipe.yaml").outputs] == [
        "one",
        "three",
    ]
    assert crossed.requirements.build == ("cxx_compiler_stub", "python", "cross", "other")


STAGED = """\
context:
  version: "2.12.0"
  build_base: 0
  build_number: ${{ build_base + (200 if cuda != "None" else 0) + (100 if blas == "mkl" else 0) }}
recipe:
  name: all
  version: ${{ version }}
source:
  - url: ${{ "https://a.invalid/test-" ~ version if "rc" in version else "https://a.invalid/v" ~ version }}
    sha256: abc
build:
  number: ${{ build_number }}
  skip: ${{ (is_rc == "True") != ("rc" in version) }}
outputs:
  - staging:
      name: built
    requirements:
      host: [python]
  - package:
      name: part
    inherit: built
"""


def test_staged_recipe_with_a_computed_number_is_read() -> None:
    answer = evaluated(STAGED, name="recipe.yaml", cuda="12", blas="mkl", is_rc="False")

    assert (answer.build_number, answer.skipped) == (300, False)
    assert answer.sources[0].urls == ("https://a.invalid/v2.12.0",)
    assert [(one.name, one.build_number) for one in answer.outputs] == [
        ("built", 300),
        ("part", 300),
    ]
    assert evaluated(STAGED, name="recipe.yaml", cuda="None", is_rc="True").skipped
    raised = rebuild(parse_recipe(STAGED, name="recipe.yaml"))
    assert raised == STAGED.replace("build_base: 0", "build_base: 1")


@pytest.mark.parametrize(
    ("specification", "name"),
    [
        ("numpy >=1.2", "numpy"),
        ("Numpy==1", "numpy"),
        ("conda-forge::a b", "a"),
        ("a[version=1]", "a"),
        ("", ""),
    ],
)
def test_name_of_a_specification_is_read(specification: str, name: str) -> None:
    assert package_name(specification) == name


@pytest.mark.parametrize(
    ("test", "value"),
    [("startingwith('3.')", "3.11"), ("endingwith('11')", "3.11"), ("containing('.1')", "3.11")],
)
def test_tests_that_only_minijinja_has_are_known(test: str, value: str) -> None:
    text = (
        f'context:\n  version: "{value}"\n  it: ${{{{ "yes" if version is {test} else "no" }}}}\n'
        "package:\n  name: a\n  version: ${{ it }}\n"
    )
    recipe = parse_recipe(text, name="recipe.yaml")
    assert evaluate(recipe, Variant(platform="linux-64")).version == "yes"
