"""Every recorded answer of conda-forge's bot is ours, or differs on purpose."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrate import recorded

pytestmark = pytest.mark.skipif(
    not recorded.FILE.exists(), reason="the recorded cases lie beside the checkout, and do not here"
)

BYTE_FOR_BYTE = "section 9: not one other byte, selectors, comments and quotes stay"

ON_PURPOSE = {
    "b4a7e6e00b00": BYTE_FOR_BYTE + " (spaces behind `noarch:`)",
    "4e9ce7a79cea": BYTE_FOR_BYTE + " (spaces behind `noarch:`)",
    "ad7385ddfad2": BYTE_FOR_BYTE + " (the indentation of a description)",
    "0d1eb39d79b2": BYTE_FOR_BYTE + " (comments that speak of boost)",
    "3c7632cc7ef5": BYTE_FOR_BYTE + " (comments: two were lost, three stand elsewhere)",
    "f22c17df9641": BYTE_FOR_BYTE + " (quotes around templates)",
    "541d4d00a776": BYTE_FOR_BYTE + " (columns of selectors, quotes)",
    "857401517dbf": BYTE_FOR_BYTE + " (a newline at the end of the file)",
}
"""Cases that differ, with the row of the acceptance that says so; what differs is in brackets."""


def without_template_comments(text: str | None) -> str:
    return re.sub(r"\{#.*?#\}", "", text or "", flags=re.DOTALL)


def bare(text: str) -> list[str]:
    """Lines without what the listed cases differ in: comments, quotes around templates, spaces."""
    found = []
    for line in without_template_comments(text).splitlines():
        if line.strip().startswith("#") or not line.strip():
            continue
        found.append(" ".join(re.sub(r'"(\{\{.*?\}\})"', r"\1", line).split()))
    return found


def expected_files(case: Mapping[str, Any]) -> dict[str, str]:
    """Give the files that were recorded, without those that re-rendering makes."""
    files = case["expected"].get("files_after") or {}
    return {
        path: text
        for path, text in files.items()
        if not re.fullmatch(r"\.ci_support/[^/]+\.yaml", path)
    }


CASES = list(recorded.cases()) if recorded.FILE.exists() else []


@pytest.mark.parametrize("case", CASES, ids=[f"{each['kind']} {each['id']}" for each in CASES])
def test_recorded_case(case: dict[str, Any]) -> None:
    if case["kind"].startswith("fn:"):
        assert recorded.rule(case) == case["expected"]["result"]
        return
    edited = recorded.migrated(case)
    ours, theirs = edited.recipe, case["expected"]["recipe"]
    if case["id"] in ON_PURPOSE:
        assert without_template_comments(ours) != without_template_comments(theirs), "take it off"
        assert bare(ours) == bare(theirs)
    else:
        assert without_template_comments(ours) == without_template_comments(theirs)
    files = expected_files(case)
    for path in files.keys() - {edited.recipe_path}:
        assert edited.text(path) == files[path]
    if files:
        assert {path for path in edited.files if not path.startswith(".ci_support/")} <= set(files)


def test_all_that_differ_on_purpose_are_cases() -> None:
    assert set(ON_PURPOSE) <= {case["id"] for case in CASES}
    assert len(ON_PURPOSE) < len(CASES) / 5


def test_all_that_differ_on_purpose_are_listed_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "where-edits-differ.md"

    assert [one for one in ON_PURPOSE if one not in page.read_text(encoding="utf-8")] == []
