"""A change of the pin file starts its migrations; a migration closes by an edit of the pin file."""

import pytest

from wheelyard.errors import RefusedEditError
from wheelyard.migrate.pins.closing import closed
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.opening import started

PINS = """\
# what all build against
zip_keys:
  -
    - python
    - python_impl
  - [libknurl, libknurl_python]

libknurl:
  - 1.9
libknurl_python:   # moves with it
  - 1.9
# zlib is stable
zlib:
  - 1.2        # [unix]
  - 1.3        # [win]

python:
  - 3.12.* *_cpython
  - 3.13.* *_cp313
python_impl:
  - cpython
  - cpython
last:
  - 1"""


def test_a_changed_pin_starts_one_migration_for_all_that_move_with_it() -> None:
    new = PINS.replace("- 1.9", "- 2.0", 1)
    (found,) = started(PINS, new, timestamp=1700000000.0)

    assert found.name == "libknurl20"
    assert found.names() == ("libknurl", "libknurl_python")
    assert [value.text for value in found.values("libknurl_python")] == ["1.9"]
    assert not found.operation
    assert found.title() == "Rebuild for libknurl 2.0"
    assert found.timestamp == 1700000000.0


def test_two_pins_that_do_not_move_together_start_two() -> None:
    new = PINS.replace("- 1.3  ", "- 1.4  ").replace("last:\n  - 1", "last:\n  - 2")
    assert [each.name for each in started(PINS, new, timestamp=1.0)] == ["zlib12_14", "last2"]


def test_selectors_are_kept() -> None:
    (found,) = started(PINS, PINS.replace("- 1.3  ", "- 1.4  "), timestamp=1.0)
    assert [(v.text, v.selector) for v in found.values("zlib")] == [("1.2", "unix"), ("1.4", "win")]


def test_a_value_more_is_added_and_one_less_is_dropped() -> None:
    more = PINS.replace("_cp313\n", "_cp313\n  - 3.14.* *_cp314\n").replace(
        "python_impl:\n", "python_impl:\n  - cpython\n"
    )
    (added,) = started(PINS, more, timestamp=1.0)
    (dropped,) = started(more, PINS, timestamp=1.0)

    assert (added.operation, added.primary_key) == ("key_add", "python")
    assert [value.text for value in added.values("python")] == ["3.14.* *_cp314"]
    assert [value.text for value in added.values("python_impl")] == ["cpython"]
    assert dropped.operation == "key_remove"
    assert dropped.name == "python314_dropped"


def test_a_new_pin_and_a_comment_start_nothing() -> None:
    new = PINS.replace("# zlib is stable", "# zlib never changes") + "\nnew_pin:\n  - 1\n"
    assert started(PINS, new, timestamp=1.0) == ()


def test_closing_changes_the_pins_and_not_one_other_byte() -> None:
    new = PINS.replace("- 1.9", "- 2.0")
    (migration,) = started(PINS, new, timestamp=1.0)

    assert closed(PINS, migration).replace("'", "") == new.replace("   # moves with it", "")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_change_started_is_closed_by_the_change(end: str) -> None:
    old = PINS.replace("\n", end)
    new = (
        PINS.replace("_cp313\n", "_cp313\n  - '3.14.* *_cp314'\n")
        .replace("python_impl:\n", "python_impl:\n  - cpython\n")
        .replace("\n", end)
    )
    (migration,) = started(old, new, timestamp=1.0)

    assert closed(old, migration) == new
    assert closed(new, migration) == new, "closing twice is closing once"


def test_an_older_value_is_added_where_its_version_belongs() -> None:
    migration = PinMigration.parse(
        "__migrator:\n  operation: key_add\n  primary_key: python\n"
        "python:\n- 3.11.* *_cpython\npython_impl:\n- pypy\n",
        name="python311",
    )
    text = closed(PINS, migration)
    assert "python:\n  - 3.11.* *_cpython\n  - 3.12.* *_cpython\n" in text
    assert "python_impl:\n  - pypy\n  - cpython\n" in text


def test_a_value_is_removed_with_those_that_move_with_it() -> None:
    migration = PinMigration.parse(
        "__migrator:\n  operation: key_remove\n  primary_key: python\npython: ['3.12.* *_cpython']\n",
        name="drop",
    )
    text = closed(PINS, migration)
    assert "python:\n  - 3.13.* *_cp313\npython_impl:\n  - cpython\nlast" in text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "operation: key_remove\n  primary_key: zlib\nzlib: ['1.2', '1.3']\n",
            "no value of 'zlib'",
        ),
        (
            "operation: key_add\n  primary_key: python\npython: ['3.14']\n",
            "too little of 'python_impl'",
        ),
        ("operation: key_add\n  primary_key: brotli\nbrotli: ['1']\n", "has no pin 'brotli'"),
    ],
)
def test_what_cannot_be_closed_is_refused(body: str, message: str) -> None:
    migration = PinMigration.parse(f"__migrator:\n  {body}", name="bad")
    with pytest.raises(RefusedEditError, match=message):
        closed(PINS, migration)


def test_a_pin_that_the_file_lacks_is_added_and_a_key_that_stood_twice_stands_once() -> None:
    migration = PinMigration.parse("cdt_name: [cos8]\nnew_pin: ['1']\n", name="more")
    text = closed("cdt_name: cos6  # [x86]\ncdt_name: cos7  # [arm]\nlast:\n  - 1", migration)
    assert text == "cdt_name: [cos8]\nlast:\n  - 1\nnew_pin: ['1']\n"


def test_groups_of_zipped_keys_of_which_a_migration_says_nothing_stay() -> None:
    migration = PinMigration.parse(
        "zip_keys:\n  -\n    - python\n    - numpy\npython: ['3']\nnumpy: ['2']\n", name="zip"
    )
    text = closed(PINS, migration)
    assert "    - numpy\n  - - libknurl\n    - libknurl_python\n" in text
