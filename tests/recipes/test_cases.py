"""Every recorded edit: commits of real feedstocks, and what the field's bot answered.

``ON_PURPOSE`` names the rows that differ, each with the promise of the project that says so.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.answers import Answers, RecordedAnswers
from wheelyard.recipes.edits import rebuild, reset_build_number, to_version
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe
from wheelyard.recipes.urls import transformed_urls

Case = dict[str, Any]
Cases = Callable[[str], list[Case]]

_OTHER_BYTES = "the edit touches what it means to and not one other byte"
ON_PURPOSE = {
    # A list's items moved to the right (recipe_v1/build_number/test_2).
    "tests/test_recipe_editing_v1.py::test_build_number_mod": _OTHER_BYTES,
    # Spaces before a comment and after a key, other quotes of variables beside the version.
    "tests/test_version_migrator.py::test_version_up[cdiff-0.15.0]": _OTHER_BYTES,
    "tests/test_version_migrator.py::test_version_up[boost-1.74.0]": _OTHER_BYTES,
    "tests/test_version_migrator.py::test_version_up[sha1-5.0.1]": _OTHER_BYTES,
    "tests/test_version_migrator.py::test_version_up_v1[cranmirror-0.3.3]": _OTHER_BYTES,
    "tests/test_migrators.py@a5e113ac (2019-12)": _OTHER_BYTES,
}


class FromTheCommit:
    """What the network said when a commit was made: the digests that it wrote."""

    def __init__(self, case: Case) -> None:
        digests = re.findall(r"^\s*sha256: ([0-9a-f]{64})", case["expected"], re.MULTILINE)
        self._digest = digests[0]
        self._version = case["version"]

    def digest(self, url: str, kind: str) -> str | None:
        assert kind == "sha256"
        return self._digest if self._version in url else None

    def files(self, project: str) -> None:
        return None


def as_words(text: str) -> str:
    """Give a text without what the commits changed beside their meaning."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"[ \t]+", " ", text).replace("'", '"').replace(": True", ": true")
    text = re.sub(r"^ - ", "- ", text, flags=re.MULTILINE)
    return "\n".join(line for line in text.splitlines() if line.strip())


def differing(cases: list[Case], edit: Callable[[Case], str]) -> list[Case]:
    return [case for case in cases if edit(case) != case["expected"]]


def test_every_commit_that_rebuilt_is_made_byte_for_byte(cases: Cases) -> None:
    rebuilds = [case for case in cases("recipe_edits.jsonl.gz") if case["kind"] == "rebuild"]

    assert len(rebuilds) == 52
    assert differing(rebuilds, lambda case: rebuild(read(case["path"], case["input"]))) == []


def test_every_commit_of_a_version_is_made_byte_for_byte(cases: Cases) -> None:
    commits = [case for case in cases("recipe_edits.jsonl.gz") if case["kind"] == "version"]

    def edit(case: Case) -> str:
        return to_version(read(case["path"], case["input"]), case["version"], FromTheCommit(case))

    others = differing(commits, edit)

    assert len(commits) == 74
    assert len(others) == 2  # the commit changed blank lines or the case of true, too
    assert [as_words(edit(case)) for case in others] == [
        as_words(case["expected"]) for case in others
    ]


def test_every_recorded_build_number_is_made(cases: Cases) -> None:
    rows = of_kind(cases, "fn:update_build_number")
    others = []
    for case in rows:
        given = case["params"]["args"]
        text = given[0] if isinstance(given[0], str) else given[0]["text"]
        recipe = read("recipe.yaml" if isinstance(given[0], dict) else "meta.yaml", text)
        adds = isinstance(given[1], dict) and given[1]["__callable__"]["1"] == 2
        answer = rebuild(recipe) if adds else reset_build_number(recipe)
        expected = case["expected"]["result"]
        if answer != expected:
            others.append(case["test"])
            assert as_words(answer) == as_words(expected)

    assert len(rows) == 45
    pieces = [test for test in others if test not in ON_PURPOSE]
    assert len(pieces) == 3  # pieces of a recipe, to which the bot adds an end of the line
    assert all("test_update_build_number" in test for test in pieces)


@pytest.mark.parametrize("kind", ["version", "legacy:version"])
def test_every_recorded_version_is_made_or_refused(cases: Cases, kind: str) -> None:
    for case in of_kind(cases, kind):
        recipe = read(
            "recipe.yaml" if case["schema"] == 1 else "meta.yaml", case["input"]["recipe"]
        )
        version = case["params"]["new_version"]
        if case["expect"] == "refuse":
            with pytest.raises(RefusedEditError):
                to_version(recipe, version, answers_of(case))
            continue
        answer = without_comments(to_version(recipe, version, answers_of(case)))
        expected = without_comments(case["expected"]["recipe"])
        if case["test"] in ON_PURPOSE and answer != expected:
            answer, expected = as_words(answer), as_words(expected)
        assert answer == expected, case["test"]


def test_rebuilding_without_a_migration_is_made(cases: Cases) -> None:
    for case in of_kind(cases, "legacy:rebuild"):
        assert rebuild(read("meta.yaml", case["input"]["recipe"])) == case["expected"]["recipe"]


def test_every_recorded_list_of_addresses_is_given(cases: Cases) -> None:
    for case in of_kind(cases, "fn:gen_transformed_urls"):
        assert list(transformed_urls(case["params"]["args"][0])) == case["expected"]["result"]


def read(path: str, text: str) -> ParsedRecipe:
    return parse_recipe(text, name=path)


def of_kind(cases: Cases, kind: str) -> list[Case]:
    return [case for case in cases("migrator_edits.jsonl.gz") if case["kind"] == kind]


def answers_of(case: Case) -> Answers:
    recorded = case.get("oracle")
    if recorded is None:
        # Cases of before answers were recorded: the new text holds the digest.
        return _Everywhere(re.findall(r"\b[0-9a-f]{64}\b", case["expected"]["recipe"])[0])
    return RecordedAnswers(hash=recorded["hash"], pypi_files=recorded["pypi_files"])


class _Everywhere:
    """One digest, wherever it is asked for."""

    def __init__(self, digest: str) -> None:
        self._digest = digest

    def digest(self, url: str, kind: str) -> str:
        return self._digest

    def files(self, project: str) -> None:
        return None


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
