"""Which target of a release still needs a job."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import parse_tag

from wheelyard.errors import InvalidArchiveError, InvalidTargetError
from wheelyard.targets.compatibility import serves
from wheelyard.targets.fanout import (
    Built,
    Failed,
    FanOut,
    NotApplicable,
    Result,
    Status,
    finished,
    offers,
    status,
    with_offered,
    with_result,
)
from wheelyard.targets.target import Target

PLATFORM = "manylinux_2_28_x86_64"
THREE = ("cp39", "cp311", "cp313")


def target(text: str) -> Target:
    return Target.parse(text, PLATFORM)


def targets(*texts: str) -> list[Target]:
    return [target(text) for text in texts]


def built(tag: str, requires_python: str = "") -> Built:
    return Built(tags=parse_tag(tag), requires_python=requires_python)


def own_abi(wanted: Target) -> Built:
    name = f"cp3{wanted.interpreter.version[1]}"
    return built(f"{name}-{wanted.interpreter.abi}-{wanted.platform}")


def rounds(state: FanOut, build: Callable[[Target], Result]) -> tuple[list[list[str]], FanOut]:
    """Offer, build everything that was offered in order, and note what was offered together."""
    offered: list[list[str]] = []
    while now := offers(state):
        offered.append([str(one.interpreter) for one in now])
        state = with_offered(state, now)
        for one in now:
            state = with_result(state, one, build(one))
    return offered, state


def results(**by_interpreter: Result) -> Callable[[Target], Result]:
    return lambda one: by_interpreter[str(one.interpreter)]


def standing(state: FanOut, *texts: str) -> list[Status]:
    return [status(state, target(text)) for text in texts]


def test_a_pure_wheel_covers_the_rest() -> None:
    offered, state = rounds(FanOut.of(targets(*THREE)), lambda _: built("py3-none-any"))
    assert offered == [["cp39"]]
    assert standing(state, *THREE) == [Status.BUILT, Status.COVERED, Status.COVERED]


def test_after_a_probe_with_its_own_abi_all_others_are_offered_together() -> None:
    offered, state = rounds(FanOut.of(targets(*THREE)), own_abi)
    assert offered == [["cp39"], ["cp311", "cp313"]]
    assert standing(state, *THREE) == [Status.BUILT] * 3


def test_a_stable_abi_covers_the_rest() -> None:
    offered, state = rounds(FanOut.of(targets(*THREE)), lambda _: built(f"cp37-abi3-{PLATFORM}"))
    assert offered == [["cp39"]]
    assert finished(state)


def test_after_a_failure_the_next_lowest_is_tried_alone() -> None:
    offered, state = rounds(
        FanOut.of(targets(*THREE)),
        results(cp39=Failed(), cp311=built(f"cp311-abi3-{PLATFORM}")),
    )
    assert offered == [["cp39"], ["cp311"]]
    assert standing(state, *THREE) == [Status.FAILED, Status.BUILT, Status.COVERED]


def test_failures_everywhere_end_it() -> None:
    offered, state = rounds(FanOut.of(targets(*THREE)), lambda _: Failed(reason="no compiler"))
    assert offered == [["cp39"], ["cp311"], ["cp313"]]
    assert standing(state, *THREE) == [Status.FAILED] * 3
    assert finished(state)


def test_a_failed_target_that_requires_python_excludes_is_not_covered() -> None:
    offered, state = rounds(
        FanOut.of(targets(*THREE)),
        results(cp39=Failed(), cp311=built("py3-none-any", ">=3.11")),
    )
    assert offered == [["cp39"], ["cp311"]]
    assert standing(state, *THREE) == [Status.FAILED, Status.BUILT, Status.COVERED]


def test_a_failed_target_is_covered_by_a_wheel_that_really_serves_it() -> None:
    _, state = rounds(
        FanOut.of(targets(*THREE)), results(cp39=Failed(), cp311=built("py3-none-any", ">=3.9"))
    )
    assert standing(state, *THREE) == [Status.COVERED, Status.BUILT, Status.COVERED]


def test_a_target_that_requires_python_excludes_is_never_offered() -> None:
    offered, state = rounds(FanOut.of(targets(*THREE), requires_python=">=3.10"), own_abi)
    assert offered == [["cp311"], ["cp313"]]
    assert standing(state, *THREE) == [Status.NOT_APPLICABLE, Status.BUILT, Status.BUILT]


def test_what_a_built_wheel_excludes_is_not_offered_either() -> None:
    def build(one: Target) -> Built:
        return Built(tags=own_abi(one).tags, requires_python="<3.13")

    offered, state = rounds(FanOut.of(targets(*THREE)), build)
    assert offered == [["cp39"], ["cp311"]]
    assert status(state, target("cp313")) is Status.NOT_APPLICABLE


def test_a_wheel_that_excludes_its_own_target_leaves_it_not_applicable() -> None:
    offered, state = rounds(
        FanOut.of(targets("cp39", "cp311")), lambda _: built("py3-none-any", ">=3.10")
    )
    assert offered == [["cp39"]]
    assert standing(state, "cp39", "cp311") == [Status.NOT_APPLICABLE, Status.COVERED]


def test_a_wheel_for_any_python_of_one_platform_covers_that_platform_only() -> None:
    arm7, arm6 = targets("cp39-linux_armv7l", "cp313-linux_armv7l"), targets("cp39-linux_armv6l")
    state = FanOut.of([*arm7, *arm6])
    assert set(offers(state)) == {arm7[0], arm6[0]}
    state = with_result(with_offered(state, offers(state)), arm7[0], built("py3-none-linux_armv7l"))
    assert [status(state, one) for one in arm7] == [Status.BUILT, Status.COVERED]
    assert status(state, arm6[0]) is Status.OFFERED


def test_a_success_without_a_file_is_an_error_and_never_done() -> None:
    state = with_offered(FanOut.of(targets("cp39")), targets("cp39"))
    with pytest.raises(InvalidArchiveError, match="gave no wheel"):
        with_result(state, target("cp39"), Built(tags=frozenset()))
    assert status(state, target("cp39")) is Status.OFFERED


def test_a_wheel_for_another_target_is_an_error() -> None:
    state = FanOut.of(targets("cp39", "cp311"))
    with pytest.raises(InvalidArchiveError, match="cp311-cp311"):
        with_result(state, target("cp39"), own_abi(target("cp311")))
    many = built("cp311.cp312-none.abi3-win32.win_amd64")
    with pytest.raises(InvalidArchiveError, match="and 5 more"):
        with_result(state, target("cp39"), many)


def test_a_target_that_nobody_wanted_is_an_error() -> None:
    state = FanOut.of(targets("cp39"))
    with pytest.raises(InvalidTargetError, match="cp311"):
        with_result(state, target("cp311"), Failed())
    with pytest.raises(InvalidTargetError, match="cp311"):
        with_offered(state, targets("cp311"))


def test_platforms_are_probed_side_by_side() -> None:
    wanted = targets("cp39", "cp311", "cp39-musllinux_1_2_x86_64", "cp311-musllinux_1_2_x86_64")
    offered, state = rounds(FanOut.of(wanted), own_abi)
    assert offered == [["cp39", "cp39"], ["cp311", "cp311"]]
    assert finished(state)


def test_a_pure_wheel_of_one_platform_makes_the_other_probes_superfluous() -> None:
    wanted = targets("cp39", "cp39-win_amd64", "cp311-win_amd64")
    state = FanOut.of(wanted)
    state = with_offered(state, offers(state))
    state = with_result(state, target("cp39"), built("py3-none-any"))
    assert finished(state)
    assert status(state, target("cp39-win_amd64")) is Status.COVERED
    late = with_result(state, target("cp39-win_amd64"), built("py3-none-any"))
    assert status(late, target("cp39-win_amd64")) is Status.BUILT


def test_one_wheel_of_the_lowest_floor_serves_the_higher_ones() -> None:
    wanted = targets(
        "cp39-linux_x86_64",
        "cp39-manylinux_2_5_x86_64",
        "cp39-manylinux_2_17_x86_64",
        "cp311-linux_x86_64",
        "cp311-manylinux_2_17_x86_64",
    )
    state = FanOut.of(wanted)
    assert offers(state) == (target("cp39-manylinux_2_5_x86_64"),)
    state = with_result(state, offers(state)[0], own_abi(offers(state)[0]))
    assert offers(state) == (target("cp311-manylinux_2_17_x86_64"),)
    state = with_result(state, offers(state)[0], own_abi(offers(state)[0]))
    assert finished(state)


def test_a_wheel_that_is_there_already_counts_as_the_probe() -> None:
    known = [own_abi(target("cp39"))]
    offered, state = rounds(FanOut.of(targets(*THREE), known=known), own_abi)
    assert offered == [["cp311", "cp313"]]
    assert standing(state, *THREE) == [Status.COVERED, Status.BUILT, Status.BUILT]


def test_a_pure_wheel_that_is_there_already_leaves_nothing_to_do() -> None:
    assert finished(FanOut.of(targets(*THREE), known=[built("py3-none-any")]))


def test_a_skipped_target_is_passed_over() -> None:
    state = with_result(FanOut.of(targets(*THREE)), target("cp39"), NotApplicable(reason="skipped"))
    assert offers(state) == (target("cp311"),)
    assert status(state, target("cp39")) is Status.NOT_APPLICABLE


def test_free_threaded_and_pypy_are_covered_by_pure_wheels_only() -> None:
    everything = (*THREE, "cp313t", "pp310")
    offered, state = rounds(
        FanOut.of(targets(*everything)),
        results(
            cp39=built(f"cp37-abi3-{PLATFORM}"),
            cp313t=built(f"cp313-cp313t-{PLATFORM}"),
            pp310=built(f"pp310-pypy310_pp73-{PLATFORM}"),
        ),
    )
    assert offered == [["cp39"], ["cp313t", "pp310"]]
    assert finished(state)


def test_a_failure_never_takes_a_wheel_back_but_a_wheel_heals_a_failure() -> None:
    one = target("cp39")
    state = with_result(FanOut.of([one]), one, own_abi(one))
    assert status(with_result(state, one, Failed()), one) is Status.BUILT
    failed = with_result(FanOut.of([one]), one, Failed())
    assert status(with_result(failed, one, own_abi(one)), one) is Status.BUILT


NAMES = [
    f"{interpreter}-{platform}"
    for interpreter in ("cp36", "cp39", "cp310", "cp311", "cp313", "cp313t", "pp310")
    for platform in (PLATFORM, "linux_x86_64", "manylinux_2_17_x86_64", "win_amd64")
]


def possible_results(wanted: Target) -> st.SearchStrategy[Result]:
    floor = wanted.interpreter.version[1]
    wheels: list[Result] = [
        own_abi(wanted)
        if wanted.interpreter.implementation == "cp"
        else built(f"pp3{floor}-{wanted.interpreter.abi}-{wanted.platform}"),
        built("py3-none-any"),
        built("py3-none-any", f">=3.{floor}"),
        built("py3-none-any", f">3.{floor}"),
        built(f"py3-none-{wanted.platform}"),
        Failed(),
        NotApplicable(),
    ]
    if wanted.interpreter.implementation == "cp" and not wanted.interpreter.free_threaded:
        wheels.append(built(f"cp3{floor}-abi3-{wanted.platform}"))
    return st.sampled_from(wheels)


@given(
    st.sets(st.sampled_from(NAMES), min_size=1, max_size=10),
    st.sampled_from(["", ">=3.10", "<3.13", "nonsense"]),
    st.data(),
)
def test_every_fan_out_ends_and_offers_nothing_twice(
    names: Iterable[str], requires_python: str, data: st.DataObject
) -> None:
    state = FanOut.of(targets(*names), requires_python=requires_python)
    ever: set[Target] = set()
    running: list[Target] = []
    while (now := offers(state)) or running:
        assert not ever & set(now)
        ever |= set(now)
        state = with_offered(state, now)
        assert not set(offers(state)) & set(now)
        running += now
        ended = running.pop(data.draw(st.integers(0, len(running) - 1)))
        state = with_result(state, ended, data.draw(possible_results(ended)))
    assert finished(state)
    for one in state.targets:
        served = any(serves(wheel.tags, wheel.requires_python, one) for wheel in state.wheels)
        assert served == (status(state, one) in {Status.BUILT, Status.COVERED}) or isinstance(
            state.result(one), NotApplicable
        )
