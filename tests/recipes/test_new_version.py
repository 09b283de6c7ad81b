"""A new version: what a recipe says of it changes and nothing else, or a refusal with its reason."""

import pytest

from recipes.moving import BASE, NEW, OLD, OTHER, SOURCE, THIRD, expected, moved, recipe
from wheelyard.errors import RefusedEditError


def test_version_digest_and_number_change_and_nothing_else() -> None:
    text = recipe(SOURCE)

    assert moved(text) == expected(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{% set version = '1.0' %}", "{% set version = '2.0' %}"),
        ("{%- set version='1.0' -%}", "{%- set version='2.0' -%}"),
        ("{% set version = 1.0 %}", '{% set version = "2.0" %}'),
        ('{% set version = "1.0" %}  # comment', '{% set version = "2.0" %}  # comment'),
        ('{% set name, version = "a", "1.0" %}', None),
    ],
)
def test_version_is_written_as_it_was(old: str, new: str | None) -> None:
    if new is None:
        with pytest.raises(RefusedEditError):
            moved(recipe(SOURCE, before=f"{old}\n"))
        return
    text = recipe(SOURCE, before=f"{old}\n", build="number: 0")

    assert moved(text) == text.replace(old, new).replace(OLD, NEW)


@pytest.mark.parametrize("version", ["1.0", "0.9", "1.0.0", "1.0rc1", "1.0.dev3", "1-0"])
def test_version_never_falls_or_stays(version: str) -> None:
    with pytest.raises(RefusedEditError, match=r"version than 1\.0"):
        moved(recipe(SOURCE), version)


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(RefusedEditError, match="is not a version"):
        moved(recipe(SOURCE), "2.0 beta")


@pytest.mark.parametrize(
    "url",
    [
        f"url: >-\n    {BASE}-{{{{ version }}}}.tar.gz",
        f"url:\n    - {BASE}-{{{{ version }}}}.tar.gz",
        f"url: '{BASE}-{{{{ version }}}}.tar.gz'",
        f'"url" : "{BASE}-{{{{ version }}}}.tar.gz"',
    ],
)
def test_address_may_be_written_in_many_ways(url: str) -> None:
    text = recipe(f"  {url}\n  sha256: {OLD}\n")

    assert moved(text) == expected(text)


def test_address_of_derived_variables_is_followed() -> None:
    text = recipe(
        f"  url: https://example.org/{{{{ major }}}}/a_{{{{ under }}}}.tgz\n  sha256: {OLD}\n",
        before='{% set version = "1.0" %}\n{% set major = version.split(".")[0] %}\n'
        '{% set under = version | replace(".", "_") %}\n',
    )

    answer = moved(text, digests={"https://example.org/2/a_2_0.tgz": NEW})

    assert answer == text.replace('"1.0"', '"2.0"').replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )


def test_file_with_another_ending_is_found_and_written() -> None:
    text = recipe(SOURCE)

    answer = moved(text, digests={f"{BASE}-2.0.zip": NEW})

    assert f"  url: {BASE}-{{{{ version }}}}.zip\n  sha256: {NEW}\n" in answer


def test_name_that_the_index_writes_otherwise_is_found() -> None:
    text = recipe(
        "  url: https://index.invalid/packages/source/{{ name[0] }}/{{ name }}/{{ name }}-{{ version }}.tar.gz\n"
        f"  sha256: {OLD}\n",
        before='{% set name = "Some-Thing" %}\n{% set version = "1.0" %}\n',
        name="{{ name|lower }}",
    )
    url = "https://index.invalid/packages/source/S/Some-Thing/some_thing-2.0.tar.gz"

    answer = moved(text, digests={url: NEW}, files={"some-thing": ("some_thing-2.0.tar.gz",)})

    assert "/{{ name }}/{{ name | replace('-', '_') | lower }}-{{ version }}.tar.gz" in answer


@pytest.mark.parametrize(
    ("old", "package", "given", "new"),
    [
        ("1.3-1", '{{ version|replace("-", "_") }}', "1.3_2", "1.3-2"),
        ("1.3_1", "{{ version }}", "1.3-2", "1.3_2"),
        ("1.3", '{{ version|replace("-", "_") }}', "1.3_2", "1.3-2"),
    ],
)
def test_version_of_r_has_the_sign_that_it_had(
    old: str, package: str, given: str, new: str
) -> None:
    text = (
        f"{{% set version = '{old}' %}}\npackage:\n  name: r-a\n  version: {package}\nsource:\n  url:\n"
        "    - {{ cran_mirror }}/src/contrib/a_{{ version }}.tar.gz\n"
        "    - {{ cran_mirror }}/src/contrib/Archive/a/a_{{ version }}.tar.gz\n"
        f"  sha256: {OLD}\nbuild:\n  number: 0\n"
    )
    url = f"https://cran.r-project.org/src/contrib/a_{new}.tar.gz"

    assert moved(text, given, digests={url: NEW}) == text.replace(old, new).replace(OLD, NEW)


RECIPE = f"""\
context:
  name: a
  version: "1.0"
  sha: {OLD}
  bn: 7

package:
  name: ${{{{ name }}}}
  version: ${{{{ version }}}}

source:
  - if: unix
    then:
      - url: {BASE}-${{{{ version }}}}.tar.gz
        sha256: ${{{{ sha }}}}
    else:
      url: {BASE}-${{{{ version }}}}.zip
      sha256: {OTHER}
  - url: https://example.org/fixed.zip
    sha256: {THIRD}

build:
  number: ${{{{ bn }}}}
"""


def test_recipe_yaml_moves_in_the_same_way() -> None:
    one, two = "1" * 64, "2" * 64

    answer = moved(
        RECIPE, digests={f"{BASE}-2.0.tar.gz": one, f"{BASE}-2.0.zip": two}, name="recipe.yaml"
    )

    assert answer == (
        RECIPE.replace('"1.0"', '"2.0"')
        .replace(OLD, one)
        .replace(OTHER, two)
        .replace("bn: 7", "bn: 0")
    )


def test_version_of_a_context_without_quotes_gets_them() -> None:
    text = RECIPE.replace('"1.0"', "1.0")
    digests = {f"{BASE}-1.10.tar.gz": NEW, f"{BASE}-1.10.zip": NEW}

    assert '  version: "1.10"\n' in moved(text, "1.10", digests=digests, name="recipe.yaml")


def test_package_without_a_source_moves() -> None:
    text = '{% set version = "1.0" %}\npackage:\n  name: a\n  version: {{ version }}\nbuild:\n  number: 4\n'

    assert moved(text) == text.replace("1.0", "2.0").replace("number: 4", "number: 0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            recipe(SOURCE)
            .replace("{{ version }}\n\nsource", '"1.0"\n\nsource')
            .replace("set version", "set v"),
            "no variable",
        ),
        (
            recipe(SOURCE).replace("{{ version }}\n\nsource", "1.0\n\nsource"),
            "doesn't come from the variable",
        ),
        (recipe("  git_url: https://example.org/a.git\n  git_rev: v{{ version }}\n"), "repository"),
        (recipe(f"  url: https://example.org/fixed.zip\n  sha256: {OLD}\n"), "no source changes"),
        (
            recipe(
                SOURCE,
                before='{% set version = "1.0" %}  # [win]\n{% set version = "1.1" %}  # [not win]\n',
            ),
            "is set to",
        ),
        (recipe(SOURCE, before='{% set version = environ.get("V", "1.0") %}\n'), "no variable"),
    ],
)
def test_reason_of_a_refusal_is_said(text: str, reason: str) -> None:
    with pytest.raises(RefusedEditError, match=reason):
        moved(text)


def test_file_that_is_nowhere_is_named() -> None:
    with pytest.raises(RefusedEditError, match=r"a-2\.0\.tar\.gz cannot be had"):
        moved(recipe(SOURCE), digests={})


def test_ends_of_lines_and_comments_stay() -> None:
    text = recipe(SOURCE).replace("\n", "\r\n").replace(OLD, f"{OLD}   # [not x] why").rstrip()

    assert moved(text) == expected(text)
