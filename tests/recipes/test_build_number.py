"""Build numbers rise by what was asked in every variant, or the edit is refused."""

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.build_number import rebuild, reset_build_number
from wheelyard.recipes.conditions import variants_of
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.parse import parse_recipe


def raised(text: str, *, by: int = 1, name: str = "recipe/meta.yaml") -> str:
    return rebuild(parse_recipe(text, name=name), by=by)


def in_meta(build: str, *, before: str = "", after: str = "") -> str:
    return f"{before}package:\n  name: a\n  version: 1.0\n\nbuild:\n{build}\n{after}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  number: 1  # [win]", "  number: 2  # [win]"),
        ("  number: 1  # [win]\n  number: 7  # [not win]", "  number: 2  # [win]\n  number: 8  # [not win]"),
        ('  number: "1"', '  number: "2"'),
        ("  number: '1'", "  number: '2'"),
        ("  number : 1", "  number : 2"),
        ("  number:   9", "  number:   10"),
        ("  number: 1 # why", "  number: 2 # why"),
        ("    number: 1001\t", "    number: 1002\t"),
        ("  number: &n 3", "  number: &n 4"),
        ("  {% if cuda %}\n  number: 3\n  {% else %}\n  number: 100\n  {% endif %}",
         "  {% if cuda %}\n  number: 4\n  {% else %}\n  number: 101\n  {% endif %}"),
        ("  skip: true  # [win]\n  number: 0\n  script: |\n    number: 5",
         "  skip: true  # [win]\n  number: 1\n  script: |\n    number: 5"),
        ("  number: {{ 0 if win else 100 }}", "  number: {{ 1 if win else 101 }}"),
        ("  number: {{ 3 + 100 }}  # [cuda]", "  number: {{ 4 + 100 }}  # [cuda]"),
    ],
)  # fmt: skip
def test_literal_numbers_rise_where_they_are(old: str, new: str) -> None:
    assert raised(in_meta(old)) == in_meta(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{% set build = 3 %}", "{% set build = 4 %}"),
        ('{% set build = "3" %}', '{% set build = "4" %}'),
        ("{% set build = '3' %}", "{% set build = '4' %}"),
        ("{%- set build = 3 -%}", "{%- set build = 4 -%}"),
        ("{%set build=3%}", "{%set build=4%}"),
        ("{% set build = 3 %}  # [win]\n{% set build = 8 %}  # [not win]",
         "{% set build = 4 %}  # [win]\n{% set build = 9 %}  # [not win]"),
        ("{% set build = 0 %}\n{% if cuda_compiler_version != 'None' %}\n{% set build = build + 200 %}\n{% endif %}",
         "{% set build = 1 %}\n{% if cuda_compiler_version != 'None' %}\n{% set build = build + 200 %}\n{% endif %}"),
        ("{% set build = 3 %}{% set other = 5 %}", "{% set build = 4 %}{% set other = 5 %}"),
        ("{% set build = 2 %}\n{% set build = build + 100 %}  # [blas_impl == 'mkl']",
         "{% set build = 3 %}\n{% set build = build + 100 %}  # [blas_impl == 'mkl']"),
        ("{% set build = 2 %}\n{% if mpi %}\n{% set build = 100 + 2 %}\n{% endif %}",
         "{% set build = 3 %}\n{% if mpi %}\n{% set build = 101 + 2 %}\n{% endif %}"),
        ("{% set build = 5 | int %}", "{% set build = 6 | int %}"),
        ("{% set name, build = 'a', 5 %}", "{% set name, build = 'a', 6 %}"),
        ("{# {% set build = 9 %} #}\n# {% set build = 9 %}\n{% set build = 1 %}",
         "{# {% set build = 9 %} #}\n# {% set build = 9 %}\n{% set build = 2 %}"),
        ("{% set base = 4 %}\n{% set build = base + 1000 %}", "{% set base = 5 %}\n{% set build = base + 1000 %}"),
        ("{% set build %}3{% endset %}", "{% set build %}4{% endset %}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "number", ["{{ build }}", "{{build}}", "'{{ build }}'", "{{ build|int + 100 }}  # [cuda]"]
)
def test_variable_rises_and_the_expression_stays(old: str, new: str, number: str) -> None:
    def text(setting: str) -> str:
        return in_meta(f"  number: {number}", before=f"{setting}\n")

    assert raised(text(old)) == text(new)


TABLE = """\
{% set d = {
  "version": "1.0",
  "build": 3,
} %}
package:
  version: {{ d.version }}
build:
  number: {{ d["build"] }}
"""


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (TABLE, ": 3", ": 4"),
        ("{% set n = namespace(build=3) %}\nbuild:\n  number: {{ n.build }}\n", "=3", "=4"),
        ("{% macro m(x) %}\n{{ x + 1 }}\n{% endmacro %}\n{% set b = 2 %}\nbuild:\n  number: {{ m(b)|trim }}\n", "b = 2", "b = 3"),
        ("{% set build = 1 %}{# b #}\nbuild:\n  number: {{ build }} {# n #}\n", "= 1", "= 2"),
        ("build:\n  number: 1 {# n #}\n", ": 1", ": 2"),
        ("build:\n    number: !!int 3\n", "int 3", "int 4"),
        ("{% if win %}{% set build = 1 %}{% else %}{% set build = 5 %}{% endif %}\nbuild:\n  number: {{ build }}\n",
         "= 1 %}{% else %}{% set build = 5", "= 2 %}{% else %}{% set build = 6"),
    ],
)  # fmt: skip
def test_number_behind_whatever_templates_can_say_rises(text: str, old: str, new: str) -> None:
    assert raised(text) == text.replace(old, new)


@pytest.mark.parametrize("name", ["number", "build_num", "bnum", "build_number", "bn", "_x1"])
def test_variable_of_any_name_that_the_number_uses_rises(name: str) -> None:
    text = in_meta(f"  number: {{{{ {name} }}}}", before=f"{{% set {name} = 3 %}}\n")

    assert raised(text) == text.replace("= 3", "= 4")


def test_variable_that_the_version_uses_never_rises() -> None:
    text = in_meta(
        "  number: {{ major|int + build }}", before='{% set major = "3" %}\n{% set build = 1 %}\n'
    )
    text = text.replace("version: 1.0", 'version: "{{ major }}.0"')

    assert raised(text) == text.replace("build = 1", "build = 2")


def test_variable_of_an_address_is_the_last_to_rise() -> None:
    text = in_meta(
        "  number: {{ a_build|int + build|int }}",
        before='{% set a_build = "16" %}\n{% set build = "0" %}\n',
        after="source:\n  url: https://example.org/{{ a_build }}.tgz\n",
    )

    assert raised(text) == text.replace('build = "0"', 'build = "1"')


def test_number_outside_of_build_is_untouched() -> None:
    text = in_meta("  number: 1", after="about:\n  number: 5\nextra:\n  build:\n    number: 7\n")

    assert raised(text) == text.replace("number: 1", "number: 2")


@pytest.mark.parametrize("number", ["3.0", "", "a", "-1", "{{ GIT_DESCRIBE_NUMBER }}", "{{ 'x' }}"])
def test_number_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(RefusedEditError, match=r"meta\.yaml"):
        raised(in_meta(f"  number: {number}"))


def test_recipe_without_a_number_is_refused() -> None:
    with pytest.raises(RefusedEditError, match="there is no build number"):
        raised(in_meta("  noarch: python"))


def test_every_output_rises_from_its_own_number() -> None:
    text = (
        "package:\n  name: a\n  version: 1\noutputs:\n  - name: a\n    build:\n      number: 1\n"
        "  - name: b\n    build:\n      number: 5  # [linux]\n      number: {{ n }}  # [not linux]\n"
    )
    text = "{% set n = 30 %}\n" + text

    answer = raised(text, by=1)

    assert answer == text.replace("number: 1", "number: 2").replace(
        "number: 5", "number: 6"
    ).replace("n = 30", "n = 31")


def test_outputs_without_a_dash_indentation_rise() -> None:
    text = "outputs:\n- name: a\n  build:\n    number: 1\n- name: b\n  build: {number: 5, noarch: python}\n"

    assert raised(text) == text.replace("number: 1", "number: 2").replace("number: 5", "number: 6")


def test_outputs_made_by_a_loop_rise_once() -> None:
    text = in_meta(
        "  number: {{ build }}",
        before="{% set build = 3 %}\n",
        after="outputs:\n{% for py in ['a', 'b'] %}\n  - name: {{ py }}\n    build:\n      number: {{ build + 10 }}\n{% endfor %}\n",
    )

    assert raised(text, by=2) == text.replace("= 3", "= 5")


def test_ends_of_lines_and_of_the_text_stay() -> None:
    text = in_meta("  number: 1  # [win]  ").replace("\n", "\r\n").rstrip("\r\n") + "   "

    assert raised(text) == text.replace("number: 1", "number: 2")


def test_byte_order_mark_stays() -> None:
    text = "\ufeff{% set build = 1 %}\n" + in_meta("  number: {{ build }}")

    assert raised(text) == text.replace("= 1", "= 2")


RECIPE = """\
schema_version: 1

context:
  version: "1.0"
  bnum: 3
  cuda: ${{ "yes" if cuda_compiler_version != "None" else "no" }}

package:
  name: a
  version: ${{ version }}

build:
  number: NUMBER
"""


@pytest.mark.parametrize("number", ["${{ bnum }}", "${{ bnum + 100 }}", "'${{ bnum|int }}'"])
def test_context_variable_of_any_name_rises(number: str) -> None:
    text = RECIPE.replace("NUMBER", number)

    assert raised(text, name="recipe.yaml") == text.replace("bnum: 3", "bnum: 4")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "\n    if: cuda == 'yes'\n    then: 100\n    else: 0",
            "\n    if: cuda == 'yes'\n    then: 101\n    else: 1",
        ),
        (
            "\n    - if: win\n      then: 5\n      else: ${{ bnum }}",
            "\n    - if: win\n      then: 6\n      else: ${{ bnum }}",
        ),
        ('"7"  # seven', '"8"  # seven'),
        ("${{ 100 if cuda == 'yes' else 0 }}", "${{ 101 if cuda == 'yes' else 1 }}"),
    ],
)
def test_each_branch_rises(old: str, new: str) -> None:
    text = RECIPE.replace("NUMBER", old)
    expected = RECIPE.replace("NUMBER", new)
    if "bnum" in old:
        expected = expected.replace("bnum: 3", "bnum: 4")

    assert raised(text, name="recipe.yaml") == expected


def test_outputs_of_a_recipe_yaml_rise() -> None:
    text = RECIPE.replace("NUMBER", "${{ bnum }}") + (
        "outputs:\n  - package:\n      name: b\n    build:\n      number: 8\n"
        "  - if: linux\n    then:\n      package:\n        name: c\n      build:\n        number: 1\n"
        "  - if: win\n    then:\n      - package:\n          name: d\n        build:\n          number: 2\n"
    )

    answer = raised(text, name="recipe.yaml")

    for old, new in (
        ("bnum: 3", "bnum: 4"),
        ("number: 8", "number: 9"),
        ("number: 2\n", "number: 3\n"),
        ("number: 1\n", "number: 2\n"),
    ):
        text = text.replace(old, new)
    assert answer == text


def test_every_number_rises_in_every_variant() -> None:
    text = in_meta(
        "  number: {{ build }}",
        before="{% set build = 4 %}\n{% if mpi == 'nompi' %}\n{% set build = build + 100 %}\n{% endif %}\n"
        "{% set build = build + 200 %}  # [win]\n",
    )
    before, after = (
        parse_recipe(text, name="meta.yaml"),
        parse_recipe(raised(text, by=3), name="meta.yaml"),
    )

    numbers = [
        (evaluate(before, one).build_number, evaluate(after, one).build_number)
        for one in variants_of(before)
    ]

    assert {old for old, _ in numbers} == {4, 104, 204, 304}
    assert all(new == (old or 0) + 3 for old, new in numbers)


def test_reset_keeps_the_differences_inside_an_expression() -> None:
    text = in_meta("  number: {{ 3 if win else 103 }}")

    assert reset_build_number(parse_recipe(text, name="meta.yaml")) == in_meta(
        "  number: {{ 0 if win else 100 }}"
    )


def test_reset_sets_the_variable_behind_an_expression() -> None:
    text = in_meta("  number: {{ build + 100 }}", before="{% set build = 7 %}\n")

    assert reset_build_number(parse_recipe(text, name="meta.yaml")) == text.replace("= 7", "= 0")


def test_template_without_an_end_is_refused() -> None:
    text = in_meta(
        "  number: {{ build }}",
        before="{% set build = 1 %}\n{% macro m() %}{{ m() }}{% endmacro %}\n{% if m() %}{% endif %}\n",
    )

    with pytest.raises(RefusedEditError, match="without an end"):
        raised(text)
