"""What holds for every text: nothing is lost, nothing crashes, and an edit undone is no edit."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wheelyard.errors import RecipeError, RefusedEditError
from wheelyard.recipes.document import Document
from wheelyard.recipes.edits import (
    add_requirement,
    rebuild,
    remove_requirement,
    reset_build_number,
    set_key,
)
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.parse import parse_recipe
from wheelyard.recipes.requirements import requirements
from wheelyard.recipes.rows import scan
from wheelyard.recipes.spans import Replacement, Span, replaced
from wheelyard.recipes.version_order import Version, satisfies

LINES = st.sampled_from(
    [
        "package:", "  name: a", "  version: {{ version }}", "build:", "  number: 1", "  number: 2  # [win]",
        "  number: {{ build }}", "  number: '7'", "  number : 4   ", "requirements:", "  host:", "    - python >=3.8",
        "    - x  # [linux]", "  run:", "  - y", "", "   ", "# comment", "    # inner", "{% set build = 3 %}",
        "{%- set build='4' -%}  # [osx]", "{% if win %}", "{% else %}", "{% endif %}", "outputs:", "  - name: b",
        "    build:", "      number: 9", "about:", "  summary: |", "    text: number: 5", "  text: 'a", "    b'", "- [a, {b: c}]",
        "\tnumber: 3", "---", "key: &x 1", "other: *x", "{# note #}", "{% set l = [", "   1, 2] %}", "a: {number: 3}",
    ]
)  # fmt: skip
TEXTS = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else ""),
    st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]), st.booleans(),
)  # fmt: skip
ANY = st.text(alphabet=st.sampled_from("ab:-#'\"[]{}%&*|> \n\r\t1.,\ufeff\u2028é"), max_size=80)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def digits_hidden(text: str) -> str:
    return re.sub(r"\d+", "N", text)


@given(TEXTS | ANY)
@FEW
def test_rows_are_the_lines_of_the_text(text: str) -> None:
    rows = scan(text)

    assert all(row.start <= row.content <= row.value_end <= len(text) for row in rows)
    assert [row.start for row in rows] == sorted({row.start for row in rows})
    # An end of a line never belongs to a row, and nothing else is left out.
    assert "".join(text[row.start : row.end] for row in rows) == re.sub(
        r"\r?\n|\r(?!\n)|^\ufeff", "", text
    )


@given(TEXTS | ANY)
@FEW
def test_entries_lie_inside_of_each_other(text: str) -> None:
    pending = [(0, len(scan(text)), one) for one in Document.parse(text).entries]
    while pending:
        first, stop, one = pending.pop()
        assert first <= one.number < one.stop <= stop
        pending += [(one.number, one.stop, child) for child in one.entries]


@given(TEXTS | ANY)
@FEW
def test_raised_number_changes_digits_alone_and_comes_back(text: str) -> None:
    try:
        answer = rebuild(parse_recipe(text, name="meta.yaml"), by=3)
    except RefusedEditError:
        return

    assert answer != text
    assert digits_hidden(answer) == digits_hidden(text)
    assert digits_hidden(reset_build_number(parse_recipe(text, name="meta.yaml"))) == digits_hidden(
        text
    )
    back = rebuild(parse_recipe(answer, name="meta.yaml"), by=-3)
    assert [int(one) for one in re.findall(r"\d+", back)] == [
        int(one) for one in re.findall(r"\d+", text)
    ]


@given(
    TEXTS | ANY,
    st.sampled_from(["meta.yaml", "recipe.yaml"]),
    st.sampled_from(["win-64", "linux-64"]),
)
@FEW
def test_recipe_is_evaluated_or_told_as_broken(text: str, name: str, platform: str) -> None:
    said = name
    try:
        evaluate(parse_recipe(text, name=name), Variant(platform=platform))
    except RecipeError as error:
        said = error.message
    assert name in said


@given(TEXTS, st.sampled_from(["host", "run"]))
@FEW
def test_requirement_that_is_added_can_be_removed(text: str, section: str) -> None:
    recipe = parse_recipe(text, name="meta.yaml")
    try:
        answer = add_requirement(recipe, section, "zzz >=1")
    except RefusedEditError:
        return

    changed = parse_recipe(answer, name="meta.yaml")
    assert [one.section for one in requirements(changed) if one.name == "zzz"] == [section]
    assert requirements(recipe) == tuple(
        one
        for one in without_places(requirements(changed), requirements(recipe))
        if one.name != "zzz"
    )
    # A section that stood there without items goes with its last one.
    if len(changed.document.rows) == len(recipe.document.rows) + 1 and any(
        one.section == section for one in requirements(recipe)
    ):
        assert remove_requirement(changed, "zzz") == text


def without_places(changed: tuple, old: tuple) -> tuple:  # type: ignore[type-arg]
    """Give the changed requirements with the old places where they are the same."""
    places = iter(old)
    return tuple(
        one if one.name == "zzz" else next(
            (each for each in places if (each.text, each.section) == (one.text, one.section)), one
        )
        for one in changed
    )  # fmt: skip


@given(TEXTS, st.lists(st.sampled_from(["build", "a", "key", "new"]), min_size=1, max_size=3))
@FEW
def test_key_that_is_set_is_there(text: str, path: list[str]) -> None:
    try:
        answer = set_key(parse_recipe(text, name="conda-forge.yml"), path, "value")
    except RefusedEditError:
        return

    assert "value" in answer
    assert any(
        one.value == "value" or "value" in one.value for one in Document.parse(answer).find(path[0])
    ) or (Document.parse(answer).find(*path))


@given(
    st.lists(st.tuples(st.integers(0, 20), st.text(max_size=3)), max_size=4),
    st.text(min_size=21, max_size=30),
)
@FEW
def test_replacements_change_their_spans_alone(made: list[tuple[int, str]], text: str) -> None:
    places = dict(made)
    edits = [Replacement(span=Span(start=at, end=at + 1), text=new) for at, new in places.items()]

    assert replaced(text, edits) == "".join(places.get(at, one) for at, one in enumerate(text))


def test_versions_stand_in_condas_order() -> None:
    ordered = [
        "0.4", "0.4.1.rc", "0.4.1", "0.5a1", "0.5b3", "0.5C1", "0.5", "0.9.6", "0.960923", "1.0", "1.1dev1", "1.1a1",
        "1.1.0dev1", "1.1.a1", "1.1.0rc1", "1.1.0", "1.1.0post1", "1.1post1", "1996.07.12", "1!0.4.1", "1!3.1.1.6", "2!0.4.1",
    ]  # fmt: skip

    assert sorted(ordered, key=Version) == ordered
    assert Version("1.3-2") > Version("1.3_1")
    assert Version("1.0") == Version("1.0.0")


VERSIONS = st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){0,3}(rc1|a2|dev3|post1)?\Z")


@given(VERSIONS, VERSIONS, VERSIONS)
@FEW
def test_order_of_versions_is_an_order(one: str, two: str, three: str) -> None:
    first, second, third = sorted(map(Version, (one, two, three)))

    assert first <= second <= third
    assert first <= third
    assert satisfies(third.text, f">={first.text}")
