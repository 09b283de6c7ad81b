"""Each migrator does what its golden pairs say: files before and after, and not one byte more.

A file of pairs reads ``=== migrator:options | feedstock``, then ``=== before PATH``, ``=== after
PATH`` (what is not there stays), ``=== gone PATH`` and ``=== remark TEXT``. A last line that is a
backslash means that the file ends without a newline. Domains of registries, which no file here
names, stand in braces: ``{org}``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wheelyard.campaigns.migrators import migrator_of
from wheelyard.errors import RefusedEditError
from wheelyard.migrate.builtin import BUILTIN
from wheelyard.migrate.carrying import carry
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp

FOLDER = Path(__file__).resolve().parents[1] / "data" / "migrate"
ENDLESS = {"rebuild", "open-pin"}
"""What may be carried out again and again."""


@dataclass
class Pair:
    reference: str
    name: str
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str | None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def feedstock(self) -> Feedstock:
        return Feedstock(name=self.name, files=self.before)

    @property
    def expected(self) -> dict[str, str]:
        merged = {**self.before, **self.after}
        return {path: text for path, text in merged.items() if text is not None}


def pairs(path: Path) -> Iterator[Pair]:
    found: Pair | None = None
    for part in path.read_bytes().decode("utf-8").split("=== ")[1:]:
        head, _, body = part.partition("\n")
        word, _, rest = head.partition(" ")
        body = body.removesuffix("\\\n").replace("{io}", "io").replace("{org}", "org")
        match word:
            case "before" if found:
                found.before[rest] = body
            case "after" if found:
                found.after[rest] = body
            case "gone" if found:
                found.after[rest] = None
            case "remark" if found:
                found.remarks.append(rest)
            case _:
                if found:
                    yield found
                reference, _, name = head.rpartition(" | ")
                found = Pair(reference, name)
    if found:
        yield found


ALL = [(path.stem, pair) for path in sorted(FOLDER.glob("*.golden")) for pair in pairs(path)]


@pytest.mark.parametrize(("name", "pair"), ALL, ids=[pair.reference for _, pair in ALL])
def test_golden_pair(name: str, pair: Pair) -> None:
    migrator = migrator_of(pair.reference)
    assert migrator.wants(pair.feedstock)

    edited = carry(pair.feedstock, [migrator]).feedstock

    assert dict(edited.files) == pair.expected
    assert list(edited.remarks) == pair.remarks
    if name not in ENDLESS:
        assert not migrator.wants(edited), "what was migrated wants it once more"


def test_every_migrator_has_a_golden_pair() -> None:
    assert {name for name, _ in ALL} == set(BUILTIN) - {"version"}, "version asks the network"


@pytest.mark.parametrize(
    ("name", "pair"), [each for each in ALL if issubclass(BUILTIN[each[0]], CleanUp)]
)
def test_a_clean_up_never_touches_the_build_number(name: str, pair: Pair) -> None:
    for path, text in pair.expected.items():
        if path.endswith(("meta.yaml", "recipe.yaml")):
            assert ("number: 4" in text) == ("number: 4" in pair.before[path])


@pytest.mark.parametrize(("name", "pair"), ALL, ids=[pair.reference for _, pair in ALL])
def test_line_ends_of_windows_stay(name: str, pair: Pair) -> None:
    before = {
        path: text if "\r" in text else text.replace("\n", "\r\n")
        for path, text in pair.before.items()
        if path.endswith(("meta.yaml", "recipe.yaml"))
    }
    others = {path: text for path, text in pair.before.items() if path not in before}
    feedstock = Feedstock(name=pair.name, files={**others, **before})

    edited = carry(feedstock, [migrator_of(pair.reference)]).feedstock

    for path, text in before.items():
        expected = pair.expected[path].replace("\r\n", "\n")
        assert edited.files[path].replace("\r\n", "\n") == expected
        if text:
            assert edited.files[path].count("\n") == edited.files[path].count("\r\n")


def test_a_clean_up_that_cannot_holds_nothing_up() -> None:
    class Stubborn(CleanUp):
        name = "stubborn"
        summary = "refuses"

        def wants(self, feedstock: Feedstock) -> bool:
            return True

        def edit(self, feedstock: Feedstock) -> Feedstock:
            raise RefusedEditError("no")

    files = {"recipe/meta.yaml": "package:\n  name: a\nbuild:\n  number: 0\n"}
    carried = carry(Feedstock(name="a", files=files), [migrator_of("rebuild"), Stubborn()])

    assert carried.done == ("rebuild",)
    assert carried.refused == ("stubborn: no",)
    assert "number: 1" in carried.feedstock.recipe


def test_clean_ups_look_before_or_after_as_they_say() -> None:
    seen: list[str] = []

    class Early(CleanUp):
        name = "early"
        summary = "looks before"

        def edit(self, feedstock: Feedstock) -> Feedstock:
            seen.append(f"{self.name} {feedstock.recipe.count('number: 1')}")
            return feedstock

    class Late(Early):
        name = "late"
        after = True

    files = {"recipe/meta.yaml": "package:\n  name: a\nbuild:\n  number: 0\n"}
    carry(Feedstock(name="a", files=files), [Late(), migrator_of("rebuild"), Early()])

    assert seen == ["early 0", "late 1"]
