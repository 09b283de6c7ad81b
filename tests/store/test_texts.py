"""What is kept as text: reports of every age, and what is said of faults."""

import errno
import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.things import built, ended, held, wheel
from wheelyard.errors import OutOfSpaceError, StoreError
from wheelyard.model.job import Outcome, Report
from wheelyard.store.faults import translated
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.texts import read_report, write_report


@pytest.mark.parametrize(
    "report", [built(), held(), ended(Outcome.FAILED), Report(outcome=Outcome.NEEDS, needs=("a",))]
)
def test_a_report_comes_back_as_it_was(report: Report) -> None:
    assert read_report(write_report(report)) == report


def test_a_report_of_an_older_or_newer_wheelyard_is_read() -> None:
    whole = json.loads(write_report(built()))
    assert read_report('{"outcome": "failed"}') == Report(outcome=Outcome.FAILED)
    assert read_report(json.dumps({**whole, "invented_later": [1]})) == built()
    assert read_report(json.dumps(whole)).artifact == wheel()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_its_own_error(number: int) -> None:
    full = pytest.raises(OutOfSpaceError, match="no space is left for '/state'")
    with full, translated(Path("/state")):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_said(number: int) -> None:
    with pytest.raises(StoreError, match="'/state' is not writable"), translated(Path("/state")):
        raise OSError(number, os.strerror(number))


def test_any_other_fault_of_the_database_is_said() -> None:
    with pytest.raises(StoreError, match="failed: what it says"), translated(Path("/state")):
        raise sqlite3.OperationalError("what it says")


def test_a_moment_is_kept_as_it_is() -> None:
    moment = datetime(2026, 11, 21, 5, 59, 59, 999_999, tzinfo=UTC)
    assert to_moment(to_ticks(moment)) == moment
    assert to_ticks(None) is None
    assert to_moment(None) is None
