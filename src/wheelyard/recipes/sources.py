"""The sources of a recipe, as they are written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wheelyard.recipes.document import Entry
from wheelyard.recipes.evaluate import HASHES
from wheelyard.recipes.parse import ParsedRecipe
from wheelyard.recipes.requirements import outputs
from wheelyard.recipes.written import Written, written

_GIT = ("git_url", "git", "hg_url", "svn_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSource:
    """One item of ``source``: its addresses and digests under every selector."""

    urls: tuple[Written, ...]
    hashes: tuple[tuple[str, Written], ...]
    is_repository: bool
    line: int


def written_sources(recipe: ParsedRecipe) -> tuple[WrittenSource, ...]:
    """Give every source, of the top level and of the outputs, in order."""
    tops = [*recipe.document.find("source")]
    for output in outputs(recipe):
        tops += output.child("source")
    return tuple(one for top in tops for one in _of(top, top.entries, ()))


def _of(
    top: Entry, entries: Iterable[Entry], conditions: tuple[str, ...]
) -> Iterator[WrittenSource]:
    held = tuple(entries)
    if any(one.is_item for one in held):
        for item in held:
            yield from _item(item, conditions)
    elif held:
        yield from _item(top, conditions)


def _item(item: Entry, conditions: tuple[str, ...]) -> Iterator[WrittenSource]:
    tests = item.child("if")
    branches = [one for one in item.entries if one.key in ("then", "else")]
    if tests and branches:
        for branch in branches:
            yield from _of(branch, branch.entries, (*conditions, _said(tests[0], branch)))
        return
    hashes = [
        (one.key, each)
        for one in item.entries
        if one.key in HASHES or "{{" in one.key
        for each in leaves(one, conditions)
    ]
    urls = [each for one in item.entries if one.key == "url" for each in leaves(one, conditions)]
    if urls or hashes or any(one.key in _GIT for one in item.entries):
        yield WrittenSource(
            urls=tuple(urls),
            hashes=tuple(hashes),
            is_repository=any(one.key in _GIT for one in item.entries) and not urls,
            line=item.line,
        )


def _said(test: Entry, branch: Entry) -> str:
    return test.scalar if branch.key == "then" else f"not ({test.scalar})"


def leaves(entry: Entry, conditions: tuple[str, ...] = ()) -> Iterator[Written]:
    """Give the scalars of a value: one, or those of a list, with the conditions around each."""
    tests = entry.child("if") if not entry.value or entry.has_key else ()
    if tests and (entry.child("then") or entry.child("else")):
        for branch in entry.entries:
            if branch.key in ("then", "else"):
                yield from leaves(branch, (*conditions, _said(tests[0], branch)))
    elif entry.value and not (entry.is_item and entry.has_key):
        yield written(entry, entry.value, entry.row.value_start, conditions)
    else:
        for inner in entry.entries:
            yield from leaves(inner, conditions)
