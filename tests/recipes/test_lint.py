"""Lint names what a tool would refuse and what people trip over, with lines."""

import pytest

from wheelyard.recipes.findings import Severity
from wheelyard.recipes.lint import lint
from wheelyard.recipes.parse import parse_recipe

GOOD = """\
{% set version = "1.0" %}
package:
  name: a
  version: {{ version }}
source:
  url: https://a.invalid/a-{{ version }}.tar.gz
  sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
build:
  number: 0
requirements:
  run:
    - python
    {% if cuda %}
    - x
    {% else %}
    - x
    {% endif %}
about:
  license: MIT
  license_file: LICENSE
"""


def found(text: str, name: str = "meta.yaml") -> list[tuple[int, str]]:
    return [(one.line, one.rule) for one in lint(parse_recipe(text, name=name))]


def test_good_recipe_has_no_findings() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "rule"),
    [
        ("number: 0", "number: 0.5", 9, "build-number"),
        ("build:\n  number: 0\n", "", 1, "build-number"),
        ("  sha256", "  #", 6, "digest"),
        ("aaaa\n", "\n", 7, "digest"),
        ("https:", "http:", 6, "address"),
        ("    - python\n", "    - python\n    - python\n", 13, "duplicate"),
        ("  number: 0\n", "  number: 0\n  number: 1\n", 10, "double-key"),
        ("  run:\n", "  runs:\n", 11, "section"),
        ("about:", "abut:", 18, "key"),
        ("  license: MIT\n", "", 18, "licence"),
        ("  license_file: LICENSE\n", "", 18, "licence"),
        ("    - python\n", "\t- python\n", 12, "tab"),
        ("{{ version }}\nsource", "{{ versions( }}\nsource", 4, "evaluation"),
        ("  name: a\n", "", 1, "name"),
    ],
)
def test_fault_is_found_on_its_line(old: str, new: str, line: int, rule: str) -> None:
    assert old in GOOD
    assert (line, rule) in found(GOOD.replace(old, new))


def test_configuration_is_looked_over() -> None:
    assert found("provider:\n  linux: azure\nbots: {}\n", "conda-forge.yml") == [(3, "key")]
    assert "yaml" in [rule for _, rule in found("a: [\n", "conda-forge.yml")]
    assert found("a:\n  - 1\nzip_keys: [\n", "conda_build_config.yaml")[0][1] == "pins"
    hints = [one.hint for one in lint(parse_recipe("bots: {}\n", name="conda-forge.yml"))]
    assert hints == ["Did you mean 'bot'?"]


def test_double_key_of_a_recipe_yaml_is_an_error() -> None:
    text = "package:\n  name: a\nbuild:\n  number: 0\n  number: 1\n"

    findings = lint(parse_recipe(text, name="recipe.yaml"))

    assert [one.severity for one in findings if one.rule == "double-key"] == [Severity.ERROR]
