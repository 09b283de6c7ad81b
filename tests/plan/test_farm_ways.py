"""Which way a farm goes to a target, by what its builders say of themselves, and what a job on it needs."""

import pytest

from wheelyard.jobs.needs import meets
from wheelyard.jobs.pools import needs_of_way
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder, Facts, FactValue, Mode
from wheelyard.model.reach import Reach
from wheelyard.model.way import NATIVE, Way, WayKind
from wheelyard.plan.farm_ways import is_gone, ways_of, ways_to
from wheelyard.targets.target import Target

ARM = Target.parse("cp311-linux_aarch64")
BUILD = "manylinux_2_36_x86_64"
GNU = Reach(
    platform="aarch64",
    architecture="aarch64",
    build=BUILD,
    pythons=("3.9", "3.11"),
    emulates=True,
    toolchain="aarch64 0123",
    compilers="GNU compilers for aarch64-linux-gnu",
)
ZIG = Reach(
    platform="aarch64-zig",
    architecture="aarch64",
    build=BUILD,
    pythons=("3.11",),
    any_floor=True,
    compilers="zig for aarch64-linux-gnu",
)
WASM = Reach(
    platform="pyodide",
    architecture="wasm32",
    build=BUILD,
    pythons=("3.13",),
    tag="pyodide_2025_0_wasm32",
)


def builder(
    name: str,
    *reaches: Reach,
    arch: str = "x86_64",
    pythons: tuple[str, ...] = ("cp311", "cp313"),
    present: bool = True,
    mode: Mode = Mode.ACTIVE,
) -> Standing:
    values: dict[str, FactValue] = {"arch": arch, "libc": "glibc", "python": pythons}
    if reaches:
        values["platform"] = tuple(one.platform for one in reaches)
        values["emulates"] = tuple(one.platform for one in reaches if one.emulates)
    facts = Facts(version="1", slots=1, values=tuple(sorted(values.items())), reaches=reaches)
    made = Builder(name=name, facts=facts, mode=mode)
    return Standing(builder=made, free=1, present=present)


def test_a_machine_of_the_kind_comes_before_one_that_reaches_it() -> None:
    native, across = builder("arm", arch="aarch64"), builder("intel", GNU)
    assert ways_to(ARM, [across, native])[0] == NATIVE
    assert ways_of([ARM], [across, native]) == {}


def test_without_one_it_goes_across_and_then_emulated_and_says_why() -> None:
    crossed, emulated = ways_to(ARM, [builder("intel", GNU)])
    assert crossed.kind is WayKind.CROSS
    assert crossed.build == Target.parse(f"cp311-{BUILD}")
    assert (crossed.platform, crossed.toolchain) == ("aarch64", "aarch64 0123")
    assert (
        str(crossed) == "cross, with GNU compilers for aarch64-linux-gnu, as no builder is aarch64"
    )
    assert emulated.kind is WayKind.EMULATED
    assert emulated.build is None


def test_a_builder_that_is_there_comes_before_a_better_one_that_is_away() -> None:
    away = builder("arm", arch="aarch64", present=False)
    ways = ways_to(ARM, [away, builder("intel", GNU)])
    assert ways[0].kind is WayKind.CROSS
    assert "whose builder is away" in ways[0].why
    assert ways[-1] == NATIVE
    assert ways_to(ARM, [away, builder("intel", GNU, present=False)])[0] == NATIVE


@pytest.mark.parametrize(
    ("target", "platform"),
    [
        ("cp311-linux_aarch64", "aarch64"),
        ("cp311-manylinux_2_28_aarch64", "aarch64-zig"),
        ("cp39-manylinux_2_28_aarch64", "aarch64"),
    ],
)
def test_a_tag_that_names_a_c_library_goes_with_compilers_for_any(
    target: str, platform: str
) -> None:
    one = builder("intel", GNU, ZIG, pythons=("cp39", "cp311"))
    assert ways_to(Target.parse(target), [one])[0].platform == platform


@pytest.mark.parametrize(
    ("target", "pythons"),
    [
        ("cp312-linux_aarch64", ("cp312",)),
        ("cp311-linux_aarch64", ("cp313",)),
        ("cp313t-pyodide_2025_0_wasm32", ("cp313", "cp313t")),
        ("cp311-musllinux_1_2_aarch64", ("cp311",)),
        ("cp311-linux_riscv64", ("cp311",)),
    ],
)
def test_what_no_platform_or_python_is_there_for_is_not_reached(
    target: str, pythons: tuple[str, ...]
) -> None:
    assert ways_to(Target.parse(target), [builder("intel", GNU, WASM, pythons=pythons)]) == ()


def test_webassembly_is_reached_by_its_tag() -> None:
    (way,) = ways_to(Target.parse("cp313-pyodide_2025_0_wasm32"), [builder("intel", WASM)])
    assert way.platform == "pyodide"


def test_a_revoked_builder_reaches_nothing() -> None:
    assert ways_to(ARM, [builder("intel", GNU, mode=Mode.REVOKED)]) == ()


def test_a_job_needs_the_machine_that_builds_and_its_platform() -> None:
    crossed, emulated = ways_to(ARM, [builder("intel", GNU)])
    able = dict(builder("intel", GNU).builder.facts.values)
    plain = dict(builder("intel").builder.facts.values)
    assert str(needs_of_way(ARM, crossed)) == "arch=x86_64,libc=glibc,platform=aarch64,python=cp311"
    for way in (crossed, emulated):
        assert meets(able, needs_of_way(ARM, way))
        assert not meets(plain, needs_of_way(ARM, way))
    arm = dict(builder("arm", arch="aarch64").builder.facts.values)
    assert meets(arm, needs_of_way(ARM, NATIVE))


def test_a_way_is_gone_only_where_there_is_another() -> None:
    ways = ways_to(ARM, [builder("intel", GNU)])
    assert not is_gone(ways[0], ways)
    assert is_gone(NATIVE, ways)
    assert not is_gone(NATIVE, ())
    assert is_gone(Way(kind=WayKind.CROSS, platform="own"), ways)


def test_the_lowest_c_library_of_several_builders_names_what_runs_there() -> None:
    lower = Reach(
        platform="aarch64", architecture="aarch64", build="manylinux_2_31_x86_64", pythons=("3.11",)
    )
    for pair in (
        [builder("a", GNU), builder("b", lower)],
        [builder("b", lower), builder("a", GNU)],
    ):
        assert str(ways_to(ARM, pair)[0].build) == "cp311-manylinux_2_31_x86_64"
