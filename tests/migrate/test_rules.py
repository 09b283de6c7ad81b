"""Small rules: which version may come next, which is unwanted, how far a package is, what is noarch."""

import pytest

from wheelyard.migrate.distances import waves
from wheelyard.migrate.noarch import all_noarch
from wheelyard.migrate.requirement_lines import name_of
from wheelyard.migrate.rules.cdts import package_of
from wheelyard.migrate.versions import next_versions, why_ignored


@pytest.mark.parametrize(
    ("version", "letters", "expected"),
    [
        ("3.4", False, ["3.5", "3.6", "4.0", "4.1", "5.0", "5.1"]),
        ("3.4p1", False, ["3.4p2", "3.4p3", "3.5p0", "3.5p1", "3.6p0", "3.6p1"]),
        ("9c", True, ["9d", "9e", "10a", "10b", "11a", "11b"]),
        ("9z", True, ["10a", "10b", "11a", "11b"]),
        ("9c", False, ["10c", "11c"]),
        ("", False, []),
    ],
)
def test_next_versions(version: str, letters: bool, expected: list[str]) -> None:
    found = list(next_versions(version, letters=letters))
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


def bot(**settings: object) -> dict[str, object]:
    return {"bot": {"version_updates": settings}}


@pytest.mark.parametrize(
    ("settings", "version", "said"),
    [
        (bot(exclude=["2.0", "3.*"]), "2.0", "excludes 2.0"),
        (bot(exclude=["2.0", "3.*"]), "3.1", "excludes 3.*"),
        (bot(exclude=["2-0"]), "2.0", "excludes 2-0"),
        (bot(exclude=["2.0"]), "2.0.1", ""),
        (bot(even_odd_versions=True), "1.5.0", "odd"),
        (bot(even_odd_versions=True), "1.4.0", ""),
        (bot(even_odd_versions=True), "1", ""),
        (bot(even_odd_versions="yes"), "1.5", ""),
        ({"bot": None}, "1.5", ""),
        ({}, "1.5", ""),
    ],
)
def test_unwanted_versions(settings: dict[str, object], version: str, said: str) -> None:
    found = why_ignored(settings, version)
    assert said in found
    assert bool(found) == bool(said)


def test_distance_is_that_of_the_longest_way() -> None:
    children = {"a": ["b", "c"], "b": ["c"], "c": ["d"], "x": ["d"]}
    assert waves(children, "a") == [["a"], ["b"], ["c"], ["d"]]
    assert waves(children, "unknown") == [["unknown"]]


def test_cycles_are_cut_where_they_lead_back() -> None:
    assert waves({"a": ["b"], "b": ["c", "b"], "c": ["a", "b"]}, "a") == [["a"], ["b"], ["c"]]


def test_a_chain_of_many_works() -> None:
    chain = {number: [number + 1] for number in range(100_000)}
    assert len(waves(chain, 0)) == 100_001


@pytest.mark.parametrize(
    ("recipe", "only_python", "expected"),
    [
        ({"build": {"noarch": "python"}}, False, True),
        ({"build": {"noarch": "generic"}, "outputs": [{}, {"build": None}]}, False, True),
        ({"outputs": [{"build": {"noarch": "python"}}, {}]}, False, False),
        ({}, False, False),
        ({"requirements": {"host": ["python >=3"]}}, True, False),
        ({"requirements": {"host": ["zlib"]}}, True, True),
        ({"build": {"noarch": "python"}, "requirements": {"build": ["python"]}}, True, True),
        (
            {"outputs": [{"requirements": ["python"]}, {"requirements": {"host": ["a"]}}]},
            True,
            False,
        ),
    ],
)
def test_noarch(recipe: dict[str, object], only_python: bool, expected: bool) -> None:
    assert all_noarch(recipe, only_python=only_python) is expected


@pytest.mark.parametrize(
    ("specification", "name"),
    [
        ("NumPy >=1.20", "numpy"),
        ("conda-forge::zlib=1.2", "zlib"),
        ("{{ compiler('c') }}", "compiler(c)"),
        ('${{ stdlib("c") }}', "stdlib(c)"),
        ("{{ pin_compatible('numpy', max_pin='x') }}", "pin_compatible(numpy)"),
        ("{{ environ.get('X') }}", "{{"),
        ("libpng[build=x]", "libpng"),
        ("", ""),
    ],
)
def test_names_of_requirements(specification: str, name: str) -> None:
    assert name_of(specification) == name


def test_packages_that_took_the_place_of_cdts() -> None:
    assert package_of("libxi-devel") == "xorg-libxi"
    assert package_of("libxi") == ""
    assert package_of("pciutils-devel") == ""
    assert package_of("never-heard-of-devel") is None
