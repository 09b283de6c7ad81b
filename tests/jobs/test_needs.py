"""What a job needs and what builders have: section 3 of the acceptance tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import ConfigurationError
from wheelyard.jobs.needs import Needs, lacking, meets
from wheelyard.jobs.pools import larger, needs_of_target
from wheelyard.model.builder import FactValue
from wheelyard.targets.target import Target

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
VALUES = WORDS | st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("needs", "facts", "match"),
    [
        ({"foo": 1, "bar": 2}, {"foo": 1, "bar": 2, "baz": 3}, True),
        ({"foo": 1, "bar": 2}, {"foo": 1, "baz": 3}, False),
        ({"foo": [1, 2]}, {"foo": (1, 2, 3)}, True),
        ({"foo": [1, 2, 3]}, {"foo": (1, 2)}, False),
        ({}, {"anything": "at all"}, True),
        ({"memory_gb": ">=8"}, {"memory_gb": 4}, False),
        ({"memory_gb": ">=8"}, {"memory_gb": 16}, True),
        ({"glibc": "<=2.28"}, {"glibc": "2.9"}, True),
        ({"glibc": "<=2.28"}, {"glibc": "2.36"}, False),
        ({"glibc": ">=2.28"}, {"glibc": "new"}, False),
        ({"os": "!=windows"}, {"os": "linux"}, True),
        ({"python": "cp312"}, {"python": ("cp311", "cp312")}, True),
        ({"python": ["cp312"]}, {"python": "cp312"}, True),
        ({"foo": "1"}, {"foo": 1}, True),
        ({"gpu": True}, {"gpu": "true"}, True),
    ],
)
def test_a_builder_runs_what_it_has_the_facts_for(
    needs: dict[str, object], facts: dict[str, FactValue], match: bool
) -> None:
    assert meets(facts, Needs.of(needs)) is match
    assert (not lacking(facts, Needs.of(needs))) is match


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES | st.lists(VALUES, max_size=3)
    )
)
def test_the_name_of_a_pool_says_its_needs(values: dict[str, object]) -> None:
    needs = Needs.of(values)
    assert Needs.parse(str(needs)) == needs


def test_needs_are_read_as_people_write_them() -> None:
    read = Needs.parse('os=linux, memory_gb=">=8",python=[cp311,cp312]')
    assert dict(read.items) == {"os": "linux", "memory_gb": ">=8", "python": ("cp311", "cp312")}


@pytest.mark.parametrize("text", ["linux", "=8", "os=", "os=linux,os=mac"])
def test_a_need_that_cannot_be_read_is_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Needs.parse(text)
    assert text.split(",", maxsplit=1)[0].split("=", maxsplit=1)[0] in caught.value.message
    assert caught.value.hint


def test_a_target_needs_its_python_and_its_machine() -> None:
    needs = needs_of_target(Target.parse("cp312-manylinux_2_28_aarch64"), Needs.parse("gpu=yes"))
    assert str(needs) == "arch=aarch64,gpu=yes,libc=glibc,python=cp312"


def test_a_target_for_no_python_needs_its_machine_only() -> None:
    needs = needs_of_target(Target.parse("py3-linux_aarch64"), Needs.parse("libc=musllinux"))
    assert str(needs) == "arch=aarch64,libc=musllinux"


def test_what_ran_out_of_memory_goes_to_a_larger_builder_where_there_is_one() -> None:
    needs = Needs.parse("arch=x86_64")
    small: dict[str, FactValue] = {"arch": "x86_64", "memory_gb": 6}
    large: dict[str, FactValue] = {"arch": "x86_64", "memory_gb": 64}
    assert meets(large, larger(needs, small, [small, large]))
    assert not meets(small, larger(needs, small, [small, large]))
    assert larger(needs, large, [small, large]) == needs
