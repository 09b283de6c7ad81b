"""Recipes that are wrong, endless, huge or hostile: an error with its line, and nothing else."""

import time

import pytest

from recipes.evaluating import evaluated
from wheelyard.errors import RecipeError
from wheelyard.recipes.parse import parse_recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("package:\n  name: a\nbuild:\n  {% if %}\n", r"meta\.yaml:4: "),
        ("package:\n  name: a\n   version: 1\n", r"meta\.yaml:3: "),
        ("{% for x in 'ab' %}\n{{ x }}: 1\n{% endfor %}\npackage: [\n", r"meta\.yaml:[45]: "),
        ("package:\n  name: {{ compilr('c') }}\n", r"meta\.yaml:2: there is no function 'compilr'"),
        ("package:\n  name: {{ 'a'|lowr }}\n", r"meta\.yaml:2: there is no filter 'lowr'"),
        ("package:\n  name: a  # [win &]\n", r"meta\.yaml:2: \[win &\] is no selector"),
        ("- a\n- b\n", "holds no mapping"),
        ("package:\n  name: {{ 1 / 0 }}\n", r"meta\.yaml:2: division by zero"),
    ],
)
def test_error_names_the_line(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        evaluated(text)


@pytest.mark.parametrize(
    "template",
    [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10 ** 12 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ range(10 ** 12) | list }}",
        "{{ 'a'.center(10 ** 9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:>999999999}'.format('a') }}",
        "{{ 'a' | center(999999999) }}",
        "{{ ('a' * 99999).replace('a', 'b' * 9999) }}",
        "{{ 'x' | indent(99999999) }}",
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)
def test_template_without_an_end_or_a_measure_is_an_error(template: str) -> None:
    before = time.monotonic()
    with pytest.raises(RecipeError, match=r"meta\.yaml"):
        evaluated(f"package:\n  name: {template}\n")
    assert time.monotonic() - before < 20


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ compiler.__globals__ }}",
        "{{ environ.__init__.__globals__ }}",
    ],
)
def test_template_reaches_no_insides(template: str) -> None:
    try:
        answer = evaluated(f"package:\n  name: a{template}\n").name
    except RecipeError:
        return
    assert "class" not in answer
    assert "module" not in answer


@pytest.mark.parametrize(("name", "count"), [("meta.yaml", 200_000), ("recipe.yaml", 20_000)])
def test_recipe_of_megabytes_works(name: str, count: int) -> None:
    lines = "".join(f"    - dep{number} >=1.{number}\n" for number in range(count))
    text = f"package:\n  name: a\n  version: 1\nbuild:\n  number: 0\nrequirements:\n  run:\n{lines}"
    answer = evaluated(text, name=name)

    assert len(answer.requirements.run) == count


def test_recipe_that_is_too_large_is_refused() -> None:
    with pytest.raises(RecipeError, match="are more than a recipe may have"):
        parse_recipe("#" * 16_000_001, name="meta.yaml")


def test_nul_is_refused_with_its_line() -> None:
    with pytest.raises(RecipeError, match=r"meta\.yaml:2: there is a NUL"):
        parse_recipe("a: 1\nb: \0", name="meta.yaml")


def test_yaml_that_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(RecipeError):
        evaluated("a: " + "[" * 100_000, name="recipe.yaml")
