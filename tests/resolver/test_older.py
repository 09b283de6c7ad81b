"""Where a release is not the newest of its project, it is said why."""

from datetime import UTC, datetime
from typing import Any

import pytest

from resolver.conftest import Resolve
from wheelyard.model.resolution import Prereleases
from wheelyard.testing.upstream import MemoryUpstream

OLD, CUT, NEW = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 3, 5))


def older(resolve: Resolve, *requirements: str, **fields: Any) -> str:
    resolution = resolve(*requirements, **fields)
    (pin,) = [pin for pin in resolution.pins if pin.release.project == "a"]
    assert str(pin.release.version) == "1"
    return pin.older


@pytest.mark.parametrize(
    ("newer", "query", "said"),
    [
        ({"requires_python": ">=3.14"}, {}, "2 needs Python >=3.14"),
        (
            {"requires_python": ">=3.14", "page_requires_python": ""},
            {},
            "2 needs Python >=3.14",
        ),
        ({"sdist": False, "wheels": ("py3-none-any",)}, {}, "2 has no source"),
        (
            {"uploaded": NEW},
            {"exclude_newer": CUT},
            "2 was uploaded 2024-05-01 00:00 UTC, after 2024-03-01 00:00",
        ),
        (
            {"uploaded": NEW},
            {"before": CUT},
            "2 was uploaded 2024-05-01 00:00 UTC, and is younger than --min-release-age",
        ),
        (
            {"uploaded": None},
            {"before": CUT},
            "2 has no upload time, and --min-release-age asks for one",
        ),
        ({}, {"constraints": ("a<2",)}, "2 is left out by the constraint 'a<2'"),
        ({}, {"overrides": ("a<1.5",)}, "2 is left out by the override 'a<1.5'"),
        ({"yanked": "broken"}, {}, "2 is yanked"),
    ],
)
def test_the_reason_why_a_newer_release_was_not_chosen(
    upstream: MemoryUpstream,
    resolve: Resolve,
    newer: dict[str, Any],
    query: dict[str, Any],
    said: str,
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", **newer)

    assert older(resolve, "a", **query) == said


def test_who_asks_for_an_older_one_is_named(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": [], "a==2": [], "b==1": ["a~=1.0"]})

    assert older(resolve, "a<2") == "2 is left out by the requirement 'a<2'"
    assert older(resolve, "b") == "2 is left out by b==1, which requires 'a~=1.0'"


def test_the_newest_release_needs_no_excuse(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": [], "a==0.9": [], "a==2rc1": []})

    assert older(resolve, "a") == ""
    asked = "a!=2rc1"
    assert older(resolve, asked, prereleases=Prereleases.ALLOW).startswith("2rc1 is left out by")


def test_a_withdrawn_release_that_had_to_be_chosen_says_why_it_was_withdrawn(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", yanked="loses mail")
    upstream.add("b==1")
    pins = resolve("a==1", "b").pins
    assert [pin.yanked for pin in pins] == ["loses mail", None]


def test_what_another_python_has_is_not_the_reason_where_time_left_out_what_this_one_could_use(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", uploaded=NEW)
    upstream.add("a==3", uploaded=NEW, requires_python=">=3.14")
    said = older(resolve, "a", exclude_newer=CUT)
    assert said == "2 was uploaded 2024-05-01 00:00 UTC, after 2024-03-01 00:00"
