"""What hostile recipes cost: counted in calls, characters and items, never in seconds."""

import re
import sys
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import SupportsIndex

import pytest

from wheelyard.errors import RecipeError, RefusedEditError
from wheelyard.recipes.answers import RecordedAnswers
from wheelyard.recipes.build_number import rebuild
from wheelyard.recipes.conditions import MOST_CHARACTERS, MOST_VARIANTS, variants_of
from wheelyard.recipes.document import Document
from wheelyard.recipes.edits import to_version
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.lint import MOST_FINDINGS, lint
from wheelyard.recipes.parse import DEEPEST, parse_recipe
from wheelyard.recipes.selectors import LONGEST_SELECTOR, selector_of, split_selector
from wheelyard.recipes.templates import tags
from wheelyard.recipes.templates.bounds import LONGEST_VALUE, Budget, TemplateError, weight
from wheelyard.recipes.templates.reading import LONGEST_TAG, MOST_TAGS, check_tags

TOP = """\
{% set version = "1.0" %}
{% set build = 3 %}
package:
  name: a
  version: {{ version }}
source:
  url: https://a.invalid/a-{{ version }}.tar.gz
  sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
build:
  number: {{ build }}
"""
ANSWERS = RecordedAnswers(hash={"https://a.invalid/a-2.0.tar.gz": "b" * 64}, pypi_files={})
SHAPES: dict[str, Callable[[int], str]] = {
    "sets that are never closed": lambda n: TOP + "{% set a = 1\n" * n,
    "blocks that are never closed": lambda n: "{% set a %}\n" * n + TOP,
    "conditions that are never closed": lambda n: TOP + "{% if x\n" * n,
    "notes that are never closed": lambda n: TOP + "{# x\n" * n,
    "expressions that are never closed": lambda n: TOP + "a: {{ x\n" * n,
    "conditions": lambda n: TOP + "".join(f"{{% if x{i} %}}\n{{% endif %}}\n" for i in range(n)),
    "one number, many times": lambda n: TOP + "build:\n  number: {{ build }}\n" * n,
    "many numbers": lambda n: TOP + "".join(f"build:\n  number: {i}\n" for i in range(n)),
    "anchored numbers": lambda n: (
        TOP + "outputs:\n" + "  - name: a\n    build:\n      number: *n\n" * n + "x: &n 3\n"
    ),
    "variables": lambda n: "".join(f"{{% set a{i} = {i} %}}\n" for i in range(n)) + TOP,
    "selectors": lambda n: TOP + "".join(f"a{i}: 1  # [b{i}]\n" for i in range(n)),
    "one requirement, many times": lambda n: TOP + "requirements:\n  run:\n" + "    - a\n" * n,
    "unknown keys": lambda n: TOP + "".join(f"k{i}: 1\n" for i in range(n)),
}


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions that some work makes."""
    count = 0

    def watch(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        work()
    except RecipeError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "work",
    [
        lambda recipe: evaluate(recipe, Variant()),
        lint,
        rebuild,
        lambda recipe: to_version(recipe, "2.0", ANSWERS),
    ],
    ids=["evaluate", "lint", "rebuild", "to_version"],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_recipe_costs_twice_the_calls(
    shape: str, work: Callable[[object], object]
) -> None:
    small, large = (
        calls(lambda size=size: work(parse_recipe(SHAPES[shape](size), name="meta.yaml")))  # type: ignore[misc]
        for size in (40, 80)
    )

    assert large < small * 3.2  # what is tried on more variants, up to 64, counts too


class Scanned(str):
    """A text that counts the characters that it is searched through."""

    __slots__ = ("steps",)

    steps: int

    def find(
        self, sub: str, start: SupportsIndex | None = None, end: SupportsIndex | None = None, /
    ) -> int:
        found = super().find(sub, start, end)
        self.steps = (
            getattr(self, "steps", 0) + (found if found >= 0 else len(self)) - int(start or 0)
        )
        return found


@pytest.mark.parametrize("opened", ["{% set a = 1\n", "{# x\n", "a: {{ x\n", "{% if a %}{{ \n"])
def test_what_is_never_closed_is_looked_for_once(opened: str) -> None:
    text = Scanned(opened * 3000)

    list(tags.tags(text))
    Document.parse(text)

    assert text.steps < 12 * len(text)


def test_tags_are_the_same_in_one_pass_and_by_the_expression() -> None:
    chance = Random(3)  # noqa: S311 - texts to compare
    for _ in range(3000):
        text = "".join(chance.choices(("{%", "%}", "{{", "}}", "{#", "#}", "{", "}", "a"), k=9))

        assert list(tags.tags(text)) == list(tags._in_one_pass(text))


def test_selectors_are_those_of_conda_builds_expression() -> None:
    expression = re.compile(r"(.+?)\s*(#.*)?\[([^\[\]]+)\](?(2)[^()]*)$")
    chance = Random(4)  # noqa: S311 - texts to compare
    for _ in range(5000):
        line = "".join(chance.choices("ab #[]()'", k=chance.randrange(14)))
        found = None if line.lstrip().startswith("#") else expression.match(line.rstrip())

        assert selector_of(line) == (found[3] if found else None)
        split = split_selector(line)
        assert (split is None) == (found is None)
        if found and split:
            assert split[0].rstrip("'") == found[1].rstrip().rstrip("'")


@pytest.mark.parametrize("selector", ["a or " * LONGEST_SELECTOR + "a", "(" * 90 + "a"])
def test_selector_without_measure_is_an_error_in_a_line(selector: str) -> None:
    recipe = parse_recipe(f"{TOP}extra: 1  # [{selector}]\n", name="meta.yaml")

    with pytest.raises(RecipeError, match=r"^meta.yaml:11: \[.{1,210}\] is no selector$"):
        evaluate(recipe, Variant())


def test_variants_grow_fewer_as_the_text_grows() -> None:
    lines = "".join(f"a{i}: 1  # [b{i}]\n" for i in range(200))
    for text in (TOP + lines, TOP + lines + "# x\n" * 60_000):
        found = variants_of(parse_recipe(text, name="meta.yaml"))

        assert 1 <= len(found) <= MOST_VARIANTS
        assert len(found) * len(text) < max(MOST_CHARACTERS + len(text), 2 * len(text))


@pytest.mark.parametrize(
    "template",
    [
        '{% set a = ["x"] %}' + "{% set a = [a, a] %}" * 40 + "{{ a }}",
        '{% set a = {"x": 1} %}' + '{% set a = {"x": a, "y": a} %}' * 40 + "{{ a|length }}",
        "{% set a = [1] %}{% for i in range(9999) %}{{ a.append(a) }}{% endfor %}",
        '{% set a = "x" * 90000 %}{% set b = [a, a, a] %}{{ b|length }}',
        '{% set a = "x" * 90000 %}{{ ("," * 50)|replace(",", a) }}',
        '{% set a = "x" * 90000 %}{{ range(9000)|join(a) }}',
        '{% set a = "x" * 90000 %}{{ "{0}" * 90 }}{{ ("{0}" * 90).format(a) }}',
        '{% set a = "x" * 90000 %}{{ ("%s" * 90)|format(a) }}',
        '{% set a = "\\n" * 90000 %}{{ a|indent(9000) }}',
        '{% set a = "x" * 90000 %}{% for i in range(19999) %}{{ a|length }}{% endfor %}',
        '{% set a = "x" * 90000 %}{% for i in range(19999) %}{% set b = a ~ i %}{% endfor %}',
        "{% set a %}{% for i in range(19999) %}xxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endset %}",
        "{% macro f() %}xxxx{% endmacro %}"
        + "".join(f"{{% macro f{i}() %}}{{{{ f() }}}}{{{{ f() }}}}{{% endmacro %}}" for i in range(3))
        + "{% macro g() %}{{ g() }}{{ g() }}{% endmacro %}{{ g() }}",
        "{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}"
        "{% endmacro %}{{ g() }}".strip(),
        "{% set a = " + "9" * 5000 + " %}",
        "{{ " + "1+" * LONGEST_TAG + "1 }}",
        "{{ " * LONGEST_TAG,
        "{{ a }}" * (MOST_TAGS + 1),
    ],
)  # fmt: skip
def test_template_beyond_measure_is_an_error_with_a_line(template: str) -> None:
    recipe = parse_recipe(f"{TOP}extra: |\n  {template}\n", name="meta.yaml")

    with pytest.raises(RecipeError, match=r"^meta.yaml:\d+: .{1,250}$"):
        evaluate(recipe, Variant())


def test_weight_counts_what_is_shared_each_time_and_ends() -> None:
    held: list[object] = ["abc"]
    for _ in range(60):
        held = [held, held]
    own: list[object] = []
    own.append(own)

    assert weight("abc") == 3
    assert weight([["abc", 1], {"k": "vw"}]) < 30
    assert LONGEST_VALUE < weight(held) < 2 * LONGEST_VALUE
    assert weight(own) > LONGEST_VALUE


def test_a_long_text_may_take_more_steps() -> None:
    short, long = Budget.of("a"), Budget.of("a" * 1_000_000)

    assert long.most > short.most
    with pytest.raises(TemplateError, match=f"taken {short.most:,} steps"):
        short.spend(short.most + 1)


def test_tags_within_measure_are_read() -> None:
    check_tags("{{ a }}" * MOST_TAGS)
    check_tags("x" * LONGEST_TAG + "{% if a %}")


@pytest.mark.parametrize(
    "text",
    [
        "".join(" " * i + f"k{i}:\n" for i in range(DEEPEST + 2)),
        "a:\n" + "".join(" " * i + "-\n" for i in range(1, DEEPEST + 2)),
        "a:\n  " + "- " * 3000 + "a\n",
    ],
)
def test_nesting_has_a_measure(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^meta.yaml:\d+: it is nested more than 100 levels"):
        parse_recipe(text, name="meta.yaml")


@pytest.mark.parametrize("name", ["meta.yaml", "recipe.yaml"])
def test_aliases_that_make_too_much_are_an_error(name: str) -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x ]\n"]
    lines += [f"a{i}: &a{i}\n" + f"  - *a{i - 1}\n" * 9 for i in range(1, 12)]
    text = "".join(lines) + "package:\n  name: a\nrequirements:\n  run: *a11\n"

    with pytest.raises(RecipeError, match="aliases make more than"):
        evaluate(parse_recipe(text, name=name), Variant())
    with pytest.raises(RecipeError, match="aliases make more than"):
        evaluate(parse_recipe("a: &a\n  - *a\n", name=name), Variant())


def test_findings_of_one_kind_are_told_up_to_a_number() -> None:
    found = lint(parse_recipe(TOP + "build:\n  number: 1\n" * 2000, name="meta.yaml"))
    doubles = [one for one in found if one.rule == "double-key"]

    assert len(doubles) == MOST_FINDINGS + 1
    assert "the others are not named" in doubles[-1].message


@pytest.mark.parametrize("number", ["9" * 5000, "{{ " + "9" * 5000 + " }}", "{{ '9' * 5000 }}"])
def test_number_without_measure_is_refused(number: str) -> None:
    recipe = parse_recipe(TOP.replace("{{ build }}", number), name="meta.yaml")

    with pytest.raises(RefusedEditError) as caught:
        rebuild(recipe)
    assert len(caught.value.message) < 400


def test_numbers_of_too_many_variables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelyard.recipes.build_number.MOST_WORK", 1000)
    sets = "".join(f"{{% set b{i} = {i} %}}\n" for i in range(60))
    outputs = "".join(f"  - build:\n      number: {{{{ b{i} }}}}\n" for i in range(60))

    with pytest.raises(RefusedEditError, match="more variables than can be tried"):
        rebuild(parse_recipe(f"{sets}{TOP}outputs:\n{outputs}", name="meta.yaml"))
