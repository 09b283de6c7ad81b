"""Shapes of real recipes that once were edited wrongly, or refused."""

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.edits import rebuild, to_version
from wheelyard.recipes.lint import lint
from wheelyard.recipes.parse import Form, parse_recipe
from wheelyard.recipes.pins import read_pins

A, B = "a" * 64, "b" * 64
TOP = f"""\
{{% set version = "1.2.3" %}}
package:
  name: x
  version: {{{{ version }}}}
source:
  url: https://x.invalid/x-{{{{ version }}}}.tgz
  sha256: {A}
build:
  number: 3
"""


class Told:
    """Tells which address a digest was asked of."""

    def digest(self, url: str, kind: str) -> str:
        return f"{kind}-of-{url.rpartition('/')[2]}"

    def files(self, project: str) -> None:
        return None


def changed(old: str, new: str) -> list[str]:
    assert len(old.splitlines()) == len(new.splitlines())
    return [
        other for one, other in zip(old.splitlines(), new.splitlines(), strict=True) if one != other
    ]


def moved(text: str, version: str = "2.0.0") -> list[str]:
    return changed(text, to_version(parse_recipe(text, name="meta.yaml"), version, Told()))


def raised(text: str) -> list[str]:
    return changed(text, rebuild(parse_recipe(text, name="meta.yaml")))


def test_digests_of_a_loop_get_each_its_own() -> None:
    text = TOP.replace("source:\n", f"source:\n{{% for n, h in [('p', '{A}'), ('q', '{B}')] %}}\n")
    text = text.replace("  url: https://x.invalid/x", "  - url: https://x.invalid/{{ n }}")
    text = text.replace(f"  sha256: {A}\n", "    sha256: {{ h }}\n{% endfor %}\n")

    assert moved(text)[1] == (
        "{% for n, h in [('p', 'sha256-of-p-2.0.0.tgz'), ('q', 'sha256-of-q-2.0.0.tgz')] %}"
    )


def test_digest_that_is_looked_up_by_the_old_version_is_refused() -> None:
    text = f'{{% set sha = {{"1.2.3": "{A}"}} %}}\n' + TOP.replace(A, "{{ sha[version] }}")

    with pytest.raises(RefusedEditError, match="known for the old version only"):
        moved(text)


def test_sign_before_the_version_stays_in_its_variable() -> None:
    text = TOP.replace('"1.2.3"', '"v1.2.3"').replace(
        "{{ version }}\nsource", "{{ version[1:] }}\nsource"
    )

    assert moved(text)[0] == '{% set version = "v2.0.0" %}'


def test_version_that_would_come_to_less_is_refused() -> None:
    text = TOP.replace(
        "{{ version }}\nsource", '{{ version if version == "1.2.3" else "1.0" }}\nsource'
    )

    with pytest.raises(RefusedEditError, match=r"would have the version '1\.0' after '1\.2\.3'"):
        moved(text)


def test_outputs_in_brackets_have_numbers() -> None:
    text = TOP + "outputs:\n- {name: c, build: {number: 7}}\n- {name: d, number: 1}\n"

    assert raised(text) == [
        "  number: 4", "- {name: c, build: {number: 8}}", "- {name: d, number: 2}",
    ]  # fmt: skip
    assert raised("build:\n  number: 3\noutputs: [{name: c, build: {number: 7}}]\n") == [
        "  number: 4", "outputs: [{name: c, build: {number: 8}}]",
    ]  # fmt: skip


def test_number_of_a_variable_or_of_an_expression_rises_in_both() -> None:
    text = "{% set cuda = 3 %}\n{% set build = cuda if gpu else 1 %}\n"
    text += TOP.replace("number: 3", "number: {{ build }}")

    assert raised(text) == ["{% set cuda = 4 %}", "{% set build = cuda if gpu else 2 %}"]


def test_anchored_number_rises_where_the_anchor_stands() -> None:
    text = (
        TOP.replace("number: 3", "number: &n 3")
        + "outputs:\n  - name: a\n    build:\n      number: *n\n"
    )

    assert raised(text) == ["  number: &n 4"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("meta.yaml", TOP.replace("name: x", 'name: {{ load_file_data("p.toml")["name"] }}')),
        ("meta.yaml", TOP + "requirements:\n  executable:\n    - cargo\n"),
        (
            "recipe.yaml",
            "recipe:\n  version: 1\nbuild:\n  number: 0\noutputs:\n  - package:\n      name: a\n",
        ),
    ],
    ids=["a name from another file", "Pyodide's sections", "outputs that have the only names"],
)
def test_what_its_own_tool_accepts_is_no_error(name: str, text: str) -> None:
    found = lint(parse_recipe(text, name=name))

    assert [one for one in found if one.severity.value == "error"] == []


def test_variants_of_rattler_build_are_pins() -> None:
    text = "python:\n  - if: unix\n    then: ['3.14', '3.15']\n    else: ['3.14']\nx:\n  - ${{ target_platform }}\n"
    recipe = parse_recipe(text, name="variants.yaml")

    assert recipe.form is Form.PINS
    assert lint(recipe) == ()
    assert read_pins(recipe, platform="linux-64").values == {
        "python": ("3.14", "3.15"),
        "x": ("linux-64",),
    }
    assert read_pins(recipe, platform="win-64").values["python"] == ("3.14",)
