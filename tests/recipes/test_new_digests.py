"""The digests of a new version: each source's where it is written, or a refusal."""

import pytest

from recipes.moving import BASE, NEW, OLD, OTHER, SOURCE, THIRD, expected, moved, recipe
from wheelyard.errors import RefusedEditError
from wheelyard.recipes.new_version import to_version
from wheelyard.recipes.parse import parse_recipe


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

    assert moved(text) == expected(text)


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

    assert moved(text) == expected(text)
    assert f"  sha256: {NEW}\n" in moved(fresh)


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

    assert answer == expected(text, {OLD: NEW, OTHER: THIRD})


def test_every_key_of_a_table_gets_its_own_digest() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}-{{{{ blas }}}}.tar.gz\n  sha256: {{{{ sha[blas] }}}}\n",
        before=f'{{% set version = "1.0" %}}\n{{% set sha = {{"mkl": "{OLD}", "open": "{OTHER}"}} %}}\n',
    )

    answer = moved(text, digests={f"{BASE}-2.0-mkl.tar.gz": NEW, f"{BASE}-2.0-open.tar.gz": THIRD})

    assert answer == expected(text, {OLD: NEW, OTHER: THIRD})


def test_every_source_and_selector_gets_its_own_digest() -> None:
    text = recipe(
        f"  - url: {BASE}-{{{{ version }}}}-lin.tar.gz  # [linux]\n    sha256: {OLD}  # [linux]\n"
        f"    url: {BASE}-{{{{ version }}}}-win.zip  # [win]\n    sha256: {OTHER}  # [win]\n"
        f"  - url: https://example.org/data-5.zip\n    sha256: {THIRD}\n"
    )
    one, two = "1" * 64, "2" * 64

    answer = moved(text, digests={f"{BASE}-2.0-lin.tar.gz": one, f"{BASE}-2.0-win.zip": two})

    assert answer == expected(text, {OLD: one, OTHER: two})


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

    assert moved(text) == expected(text)


def test_digest_of_two_files_that_part_is_refused() -> None:
    text = recipe(
        f"  url: {BASE}-{{{{ version }}}}.tar.gz  # [unix]\n  url: {BASE}-{{{{ version }}}}.zip  # [win]\n"
        f"  sha256: {OLD}\n"
    )

    with pytest.raises(RefusedEditError, match="files that are not the same"):
        moved(text, digests={f"{BASE}-2.0.tar.gz": NEW, f"{BASE}-2.0.zip": OTHER})
