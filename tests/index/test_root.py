"""The page of all projects, in pieces."""

import json

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.index.markup import root_html
from wheelyard.index.root import RootPieces
from wheelyard.index.wire import root_json
from wheelyard.model.release import ProjectName

NAMES = st.from_regex(r"[a-c0-1]([a-c0-1-]{0,5}[a-c0-1])?", fullmatch=True).map(ProjectName)


@given(st.sets(NAMES), st.lists(st.dictionaries(NAMES, st.booleans())))
def test_pieces_say_what_the_whole_page_says(
    first: set[ProjectName], changes: list[dict[ProjectName, bool]]
) -> None:
    pieces, listed = RootPieces(sorted(first)), set(first)
    for change in changes:
        new = {name for name, there in change.items() if there != (name in listed)}
        assert pieces.change(change) == bool(new)
        listed = (listed | {n for n, there in change.items() if there}) - {
            n for n, there in change.items() if not there
        }
    page, names = pieces.page(), sorted(listed)
    assert page.html == root_html(names)
    assert page.json == root_json(names)
    assert (len(pieces), pieces.first(len(names) + 1)) == (len(names), names)
    assert RootPieces(names).page().digest == page.digest


def test_another_list_has_another_digest() -> None:
    names = [ProjectName(f"project-{number}") for number in range(2000)]
    pieces = RootPieces(sorted(names))
    before = pieces.page()
    assert pieces.change({names[700]: False})
    after = pieces.page()
    assert before.digest != after.digest
    assert len(json.loads(after.json)["projects"]) == 1999
