"""Recipes to move to a new version, and the move."""

from collections.abc import Mapping

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


def expected(text: str, digests: Mapping[str, str] | None = None) -> str:
    """Return a recipe's text at 2.0, where its digests change so and nothing else does."""
    after = text.replace("1.0", "2.0").replace("number: 3", "number: 0")
    for old, new in (digests or {OLD: NEW}).items():
        after = after.replace(old, new)
    return after
