"""Each command of the golden tables becomes what the table says, or is refused with the reason it says."""

import pytest

from cross.tables import Row, all_rows, rules_of, written
from wheelyard.cross.rewrite import rewrite_by

_ROWS = all_rows()


@pytest.mark.parametrize("row", _ROWS, ids=str)
def test_command_becomes_what_the_table_says(row: Row) -> None:
    assert written(row.kind, rewrite_by(row.command, rules_of(row.kind))) == row.expected


def test_tables_are_large_enough_to_mean_something() -> None:
    assert len(_ROWS) > 300
