"""A new version: each source's digest where it is written, or a refusal with its reason."""

from collections.abc import Mapping

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.answers import RecordedAnswers
from wheelyard.recipes.new_version import to_version
from wheelyard.recipes.parse import parse_recipe

OLD, NEW, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64, "d" * 64
BASE = "https://example.org/a"


def moved(
    text: str,
    version: str = "2.0",
    *,
    digests: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, ...]] | None = None,
    name: str = "meta.yaml",
) -> str:
    answers = RecordedAnswers(
        hash=digests if digests is not None else {f"{BASE}-{version}.tar.gz": NEW},
        pypi_files=files or {},
    )
    return to_version(parse_recipe(text, name=name), version, answers)


def recipe(
    source: str,
    *,
    before: str = '{% set version = "1.0" %}\n',
    build: str = "number: 3",
    name: str = "a",
) -> str:
    return (
        f"{before}\npackage:\n  name: {name}\n  version: {{{{ version }}}}\n\nsource:\n{source}\n"
        f"build:\n  {build}\n"
    )


SOURCE = f"  url: {BASE}-{{{{ version }}}}.tar.gz\n  sha256: {OLD}\n"


def test_version_digest_and_number_change_and_nothing_else() -> None:
    text = recipe(SOURCE)

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )


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
    ("before", "written", "sha"),
    [
        (f'{{% set sha256 = "{OLD}" %}}', "{{ sha256 }}", "sha256"),
        (f"{{% set checksum = '{OLD}' %}}", "{{ checksum }}", "sha256"),
        (f'{{% set hashes = {{"linux-64": "{OLD}"}} %}}', '{{ hashes["linux-64"] }}', "sha256"),
        (f'{{% set hash_type = "sha256" %}}\n{{% set hash = "{OLD}" %}}', "{{ hash }}", "sha256"),
        (f'{{% set a, b = "x", "{OLD}" %}}', "{{ b }}", "sha256"),
    ],
)
def test_digest_changes_where_it_is_written(before: str, written: str, sha: str) -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}.tar.gz\n  {sha}: {written}\n",
        before=f'{{% set version = "1.0" %}}\n{before}\n',
    )

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )


@pytest.mark.parametrize(
    ("kind", "length"), [("md5", 32), ("sha1", 40), ("sha512", 128), ("sha384", 96)]
)
def test_digest_keeps_its_kind(kind: str, length: int) -> None:
    text = recipe(f"  url: {BASE}-{{{{ version }}}}.tar.gz\n  {kind}: {'1' * length}\n")

    class Asked:
        def digest(self, url: str, asked: str) -> str | None:
            assert asked == kind
            return "2" * length if "2.0" in url else None

        def files(self, project: str) -> None:
            return None

    answer = to_version(parse_recipe(text, name="meta.yaml"), "2.0", Asked())

    assert f"{kind}: {'2' * length}" in answer


def test_kind_may_be_a_variable_and_a_literal_no_digest_yet() -> None:
    before = (
        f'{{% set version = "1.0" %}}\n{{% set kind = "sha256" %}}\n{{% set value = "{OLD}" %}}\n'
    )
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}.tar.gz\n  '{{{{ kind }}}}': '{{{{ value }}}}'\n",
        before=before,
    )
    fresh = recipe(f"  url: {BASE}-{{{{ version }}}}.tar.gz\n  sha256: to be filled\n")

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )
    assert f"  sha256: {NEW}\n" in moved(fresh)


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

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )


def test_two_kinds_of_digest_get_their_own() -> None:
    text = recipe(f"{SOURCE}  md5: {'1' * 32}\n")

    with pytest.raises(RefusedEditError, match="cannot be had"):
        moved(text)  # what was recorded is no md5


def test_every_platform_of_a_table_gets_its_own_digest() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}-{{{{ target_platform }}}}.tar.gz\n  sha256: {{{{ sha[target_platform] }}}}\n",
        before='{% set version = "1.0" %}\n{% set sha = {\n'
        f'  "linux-64": "{OLD}",\n  "osx-arm64": "{OTHER}",\n}} %}}\n',
    )
    digests = {f"{BASE}-2.0-linux-64.tar.gz": NEW, f"{BASE}-2.0-osx-arm64.tar.gz": THIRD}

    answer = moved(text, digests=digests)

    assert answer == text.replace("1.0", "2.0").replace(OLD, NEW).replace(OTHER, THIRD).replace(
        "number: 3", "number: 0"
    )


def test_every_key_of_a_table_gets_its_own_digest() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}-{{{{ blas }}}}.tar.gz\n  sha256: {{{{ sha[blas] }}}}\n",
        before=f'{{% set version = "1.0" %}}\n{{% set sha = {{"mkl": "{OLD}", "open": "{OTHER}"}} %}}\n',
    )

    answer = moved(text, digests={f"{BASE}-2.0-mkl.tar.gz": NEW, f"{BASE}-2.0-open.tar.gz": THIRD})

    assert answer == text.replace("1.0", "2.0").replace(OLD, NEW).replace(OTHER, THIRD).replace(
        "number: 3", "number: 0"
    )


def test_every_source_and_selector_gets_its_own_digest() -> None:
    text = recipe(
        f"  - url: {BASE}-{{{{ version }}}}-lin.tar.gz  # [linux]\n    sha256: {OLD}  # [linux]\n"
        f"    url: {BASE}-{{{{ version }}}}-win.zip  # [win]\n    sha256: {OTHER}  # [win]\n"
        f"  - url: https://example.org/data-5.zip\n    sha256: {THIRD}\n"
    )
    one, two = "1" * 64, "2" * 64

    answer = moved(text, digests={f"{BASE}-2.0-lin.tar.gz": one, f"{BASE}-2.0-win.zip": two})

    assert answer == text.replace("1.0", "2.0").replace(OLD, one).replace(OTHER, two).replace(
        "number: 3", "number: 0"
    )


def test_rare_platforms_get_their_own_digest() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}-32.tar.gz  # [win32]\n  sha256: {OLD}  # [win32]\n"
        f"  url: {BASE}-{{{{ version }}}}-z.tar.gz  # [s390x]\n  sha256: {OTHER}  # [s390x]\n"
    )

    answer = moved(text, digests={f"{BASE}-2.0-32.tar.gz": NEW, f"{BASE}-2.0-z.tar.gz": THIRD})

    assert NEW in answer
    assert THIRD in answer


def test_source_that_has_gone_on_one_platform_refuses_the_whole() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}.tar.gz  # [linux]\n  sha256: {OLD}  # [linux]\n"
        f"  url: {BASE}-{{{{ version }}}}-win.zip  # [win]\n  sha256: {OTHER}  # [win]\n"
    )

    with pytest.raises(RefusedEditError, match=r"a-2\.0-win\.zip cannot be had"):
        moved(text)


def test_one_mirror_is_enough() -> None:
    text = recipe(
        f"  url:\n    - https://gone.example.org/a-{{{{ version }}}}.tar.gz\n    - {BASE}-{{{{ version }}}}.tar.gz\n"
        f"  sha256: {OLD}\n"
    )

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )


def test_digest_of_two_files_that_part_is_refused() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}.tar.gz  # [unix]\n  url: {BASE}-{{{{ version }}}}.zip  # [win]\n"
        f"  sha256: {OLD}\n"
    )

    with pytest.raises(RefusedEditError, match="files that are not the same"):
        moved(text, digests={f"{BASE}-2.0.tar.gz": NEW, f"{BASE}-2.0.zip": OTHER})


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

    expected = (
        RECIPE.replace('"1.0"', '"2.0"')
        .replace(OLD, one)
        .replace(OTHER, two)
        .replace("bn: 7", "bn: 0")
    )
    assert answer == expected


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

    assert moved(text) == text.replace("1.0", "2.0").replace(OLD, NEW).replace(
        "number: 3", "number: 0"
    )
