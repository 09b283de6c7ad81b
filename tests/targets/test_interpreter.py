"""Interpreters: reading, writing, order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidTargetError
from wheelyard.targets.interpreter import ANY, Interpreter
from wheelyard.targets.target import Target

CPYTHONS = [f"cp3{minor}m" for minor in (6, 7)] + [f"cp3{minor}" for minor in range(8, 16)]
EVERY = [*CPYTHONS, "cp313t", "cp314t", "cp315t", "pp39", "pp310", "pp311"]

interpreters = st.sampled_from(EVERY).map(Interpreter.parse)


@pytest.mark.parametrize("text", EVERY)
def test_writing_is_the_inverse_of_reading(text: str) -> None:
    assert str(Interpreter.parse(text)) == text


def test_order_is_numeric() -> None:
    ordered = ["cp34m", "cp39", "cp310", "cp311", "cp313", "cp313t"]
    assert sorted(map(Interpreter.parse, reversed(ordered))) == list(
        map(Interpreter.parse, ordered)
    )


@given(interpreters, interpreters, interpreters)
def test_order_is_total(one: Interpreter, two: Interpreter, three: Interpreter) -> None:
    assert (one < two) + (one == two) + (one > two) == 1
    if one <= two <= three:
        assert one <= three


def test_a_python_is_established_in_the_month_after_its_release() -> None:
    assert str(Interpreter.parse("cp312").established.date()) == "2023-11-01"
    assert str(Interpreter.parse("cp38").established.date()) == "2019-11-01"


def test_the_flag_of_old_pythons_may_be_left_out() -> None:
    assert Interpreter.parse("cp37") == Interpreter.parse("cp37m")
    assert Interpreter.parse("cp36").abi == "cp36m"


@pytest.mark.parametrize(
    ("text", "abi"), [("cp312", "cp312"), ("cp313t", "cp313t"), ("pp310", "pypy310_pp73")]
)
def test_the_abi_is_that_of_its_extension_modules(text: str, abi: str) -> None:
    assert Interpreter.parse(text).abi == abi


def test_versions_are_words_that_markers_compare() -> None:
    interpreter = Interpreter.parse("cp310")
    assert interpreter.python_version == "3.10"
    assert interpreter.newest_version == "3.10.99"
    assert not interpreter.free_threaded
    assert Interpreter.parse("cp314t").free_threaded


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("3.12", "'cp312'"),
        ("py312", "'cp312'"),
        ("python3.11", "'cp311'"),
        ("3.13t", "'cp313t'"),
        ("pypy3.10", "'pp310'"),
        ("cp3.9.18", "'cp39'"),
        ("CP312", "'cp312'"),
        ("cp3122", "'cp312'"),
        ("cq312", "'cp312'"),
        ("", "for example cp312"),
        ("jython", "for example cp312"),
        ("cp27", "cp3"),
        ("cp30", "cp3"),
        ("cp399", "cp39"),
        ("cp312m", "cp312"),
        ("cp312t", "cp31"),
        ("pp310t", "pp310"),
    ],
)
def test_what_is_no_interpreter_is_refused_with_the_nearest_one(text: str, hint: str) -> None:
    with pytest.raises(InvalidTargetError) as caught:
        Interpreter.parse(text)
    assert repr(text) in caught.value.message
    assert hint in caught.value.hint


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        interpreter = Interpreter.parse(text)
    except InvalidTargetError:
        return
    assert Interpreter.parse(str(interpreter)) == interpreter


def test_no_python_in_particular_is_written_as_in_tags() -> None:
    assert Interpreter.parse("py3") == ANY
    assert str(ANY) == "py3"
    assert str(Target.parse("py3-linux_riscv64")) == "py3-linux_riscv64"


@pytest.mark.parametrize("text", ["py", "py2", "py30", "py3t", "PY3"])
def test_other_tags_of_no_python_are_no_interpreters(text: str) -> None:
    with pytest.raises(InvalidTargetError):
        Interpreter.parse(text)
