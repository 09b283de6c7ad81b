"""Durations, sizes and dates are read as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from wheelyard.cli.options import duration, moment, size
from wheelyard.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5h", 5400), ("7d", 604800), ("2 W", 1209600)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "expected"), [("10", 10), ("4G", 4 << 30), ("512 MiB", 512 << 20), ("1k", 1024)]
)
def test_sizes(text: str, expected: int) -> None:
    assert size(text) == expected


def test_date_includes_its_day_and_a_moment_is_itself() -> None:
    assert moment("2026-01-31") == datetime(2026, 2, 1, tzinfo=UTC)
    assert moment("2026-01-31T12:00:00Z") == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "text"), [(duration, "soon"), (size, "big"), (moment, "31.1.2026")]
)
def test_nonsense_is_refused_with_an_example(read: object, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)  # type: ignore[operator]
    assert "Write" in caught.value.hint
