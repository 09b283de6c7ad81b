"""A migration merged into variants: the higher value wins, zipped keys stay together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidMigrationError
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.variants import Variants, add, higher, merged
from wheelyard.recipes.evaluated import Variant

PINS = """\
zip_keys:
  - [python, numpy]
python:
  - 3.12
  - 3.13
numpy:
  - 1.26
  - 2.1
zlib:
  - 1.2   # [linux]
  - 1.3   # [not linux]
hdf5:
  - 1.10.6
"""


def merge(body: str, platform: str = "linux-64", pins: str = PINS) -> Variants:
    migration = PinMigration.parse(body, name="m")
    return merged(pins, migration, Variant(platform=platform), name="pins.yaml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1.10", "1.2", "1.10"),
        ("1.2", "1.10", "1.10"),
        ("1.2", "1.2.1", "1.2.1"),
        ("3.6.* *_cpython", "3.7.* *_cpython", "3.7.* *_cpython"),
    ],
)
def test_the_higher_version_wins(old: str, new: str, expected: str) -> None:
    assert higher((old,), (new,)) == (expected,)


def test_an_ordering_goes_before_the_order_of_versions() -> None:
    assert higher(("a", "b"), ("c",), ("c", "a", "b")) == ("a", "b")
    assert higher(("gcc",), ("clang",), ("gcc", "clang")) == ("clang",)
    with pytest.raises(InvalidMigrationError, match="has no place in the ordering"):
        higher(("gcc",), ("icc",), ("gcc", "clang"))


def test_longer_lists_keep_their_rest() -> None:
    assert higher(("1", "9"), ("2",)) == ("2", "9")
    assert higher(("1",), ("0", "3")) == ("1", "3")


def test_values_stand_on_the_platforms_of_their_selectors() -> None:
    body = "zlib:\n  - 1.4   # [osx]\n"
    assert merge(body).values["zlib"] == ("1.2",)
    assert merge(body, "osx-64").values["zlib"] == ("1.4",)


def test_a_pin_that_a_migration_brings_is_there_afterwards() -> None:
    assert merge("brotli: ['1']\n").values["brotli"] == ("1",)


def test_a_key_is_added_with_those_that_are_zipped_and_sorted() -> None:
    body = "__migrator:\n  operation: key_add\n  primary_key: python\npython: ['3.9']\nnumpy: ['1.22']\n"
    found = merge(body)
    assert found.values["python"] == ("3.9", "3.12", "3.13")
    assert found.values["numpy"] == ("1.22", "1.26", "2.1")
    assert merge(body, pins=PINS).values == found.values


def test_a_combination_that_is_there_is_not_added_again() -> None:
    body = "__migrator:\n  operation: key_add\n  primary_key: python\npython: ['3.13']\nnumpy: ['2.1']\n"
    assert merge(body).values["python"] == ("3.12", "3.13")


def test_a_key_is_removed_with_those_that_are_zipped() -> None:
    body = "__migrator:\n  operation: key_remove\n  primary_key: python\npython: ['3.12']\n"
    assert merge(body).values["numpy"] == ("2.1",)
    absent = "__migrator:\n  operation: key_remove\n  primary_key: python\npython: ['3.8']\n"
    assert merge(absent).values["python"] == ("3.12", "3.13")


def test_more_keys_can_be_zipped_by_the_way() -> None:
    body = (
        "__migrator:\n  operation: key_add\n  primary_key: python\n  additional_zip_keys: [hdf5]\n"
        "python: ['3.14']\nnumpy: ['2.3']\nhdf5: ['1.14']\n"
    )
    found = merge(body)
    assert found.values["hdf5"] == ("1.10.6", "1.10.6", "1.14")
    assert ("python", "numpy", "hdf5") in found.zip_keys


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("key_add\n  primary_key: python\npython: ['3.14']\n", "too little of 'numpy'"),
        ("key_add\n  primary_key: pyhton\npyhton: ['3.14']\n", "is no pin"),
        ("key_remove\n  primary_key: hdf5\nhdf5: ['1.10.6']\n", "would leave no value"),
        (
            "key_add\n  primary_key: hdf5\n  additional_zip_keys: [python]\nhdf5: ['2']\npython: ['3']\n",
            "cannot be zipped",
        ),
    ],
)
def test_what_cannot_be_merged_is_said(body: str, message: str) -> None:
    with pytest.raises(InvalidMigrationError, match=message):
        merge(f"__migrator:\n  operation: {body}")


def test_the_primary_key_of_a_plain_migration_chooses_whole_combinations() -> None:
    body = "__migrator:\n  primary_key: cuda\ncuda: ['12.6']\nimage: [cos8]\n"
    pins = "zip_keys:\n  - [cuda, image]\ncuda: [None, '11.8']\nimage: [cos9, cos7]\n"
    pins = pins.replace("[None, '11.8']", "['11.8']").replace("[cos9, cos7]", "[cos9]")
    found = merge(body, pins=pins)
    assert (found.values["cuda"], found.values["image"]) == (("12.6",), ("cos8",))


def test_pins_of_run_requirements_are_the_migrations() -> None:
    found = merge(
        "pin_run_as_build:\n  zlib:\n    max_pin: x\n",
        pins="pin_run_as_build:\n  zlib:\n    max_pin: x.x\n  other:\n    max_pin: x\n",
    )
    assert found.run_as_build == {"zlib": {"max_pin": "x"}, "other": {"max_pin": "x"}}


VERSIONS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda v: f"{v[0]}.{v[1]}"),
    min_size=1,
    max_size=5,
).map(tuple)


@given(VERSIONS, VERSIONS)
def test_merging_twice_is_merging_once_and_never_lowers(
    left: tuple[str, ...], right: tuple[str, ...]
) -> None:
    once = higher(left, right)
    assert higher(once, right) == once
    assert higher(left, once) == once
    for old, new in zip(left, once, strict=False):
        assert [int(part) for part in new.split(".")] >= [int(part) for part in old.split(".")]


@given(VERSIONS, st.integers(0, 30))
def test_adding_and_removing_a_key_is_as_before(values: tuple[str, ...], number: int) -> None:
    new = f"99.{number}"
    start = Variants(
        values={"a": values, "b": tuple(f"b{n}" for n in range(len(values)))},
        zip_keys=(("a", "b"),),
    )
    change = Variants(values={"a": (new,), "b": ("bnew",)})
    head = "primary_key: a\na: ['1']\n"
    adding = PinMigration.parse(f"__migrator:\n  operation: key_add\n  {head}", name="x")
    removing = PinMigration.parse(f"__migrator:\n  operation: key_remove\n  {head}", name="x")

    more = add(start, change, adding)

    rows = set(zip(start.values["a"], start.values["b"], strict=True))
    assert len(more.values["a"]) == len(more.values["b"]) == len(rows) + 1
    less = add(more, change, removing)
    assert set(zip(less.values["a"], less.values["b"], strict=True)) == rows
