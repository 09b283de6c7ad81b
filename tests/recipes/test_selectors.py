"""Selectors and other conditions, and the variants that they ask for."""

import pytest

from recipes.evaluating import evaluated
from wheelyard.recipes.conditions import variants_of
from wheelyard.recipes.parse import parse_recipe


def test_variants_are_crossed_where_a_condition_asks() -> None:
    variants = variants_of(
        parse_recipe("a: 1  # [build_platform != target_platform]\n", name="meta.yaml")
    )

    assert any(one.build_platform and one.build_platform != one.platform for one in variants)


def test_selector_reads_what_conda_build_reads() -> None:
    text = "package:\n  name: a\nrequirements:\n  run:\n    - one [win]\n    - two # [linux] why\n    - 'three  # [osx]'\n    - four  # not a selector\n"

    assert evaluated(text).requirements.run == ("two", "four")


@pytest.mark.parametrize(
    ("selector", "platform", "stands"),
    [
        ("linux and not aarch64", "linux-64", True),
        ("linux64", "linux-aarch64", False),
        ("x86_64 or arm64", "osx-arm64", True),
        ("win and vc < 14", "win-64", False),
        ("py >= 38 and py < 313", "linux-64", True),
        ("py3k", "linux-64", True),
        ('target_platform == "linux-64"', "linux-64", True),
        ('(python_impl or "").startswith("pypy")', "linux-64", False),
        ('cuda_compiler_version != "None"', "linux-64", True),
        ('os.environ.get("X", "no") == "no"', "linux-64", True),
        ("unknown_thing", "linux-64", False),
        ("environ.get('A') is None or linux", "linux-64", True),
        ("int(py) % 2 == 0", "linux-64", True),
    ],
)
def test_selector_holds_as_in_conda_build(selector: str, platform: str, stands: bool) -> None:
    text = f"package:\n  name: a\nrequirements:\n  run:\n    - x  # [{selector}]\n    - y\n"

    assert ("x" in evaluated(text, platform).requirements.run) is stands


def test_variants_take_every_condition_both_ways() -> None:
    text = 'a: 1  # [win and cuda_compiler_version == "12"]\n{% if mpi == "nompi" %}\n{% endif %}\nb: 1  # [py==39]\n'
    variants = variants_of(parse_recipe(text, name="meta.yaml"))

    assert len(variants) <= 64
    assert {one.platform for one in variants} >= {"win-64", "linux-64"}
    assert {one.values.get("mpi") for one in variants} >= {None, "nompi"}
    assert "3.9" in {one.values.get("python") for one in variants}
    assert {one.values.get("cuda_compiler_version") for one in variants} >= {None, "12"}
