"""What people and failures make of a builder."""

from dataclasses import replace

import pytest

from wheelyard.jobs.builder_life import (
    SUSPECT,
    Alarm,
    BuilderCommand,
    BuilderEvent,
    Cleared,
    DoubtFailures,
    Drained,
    HandOver,
    JobEnded,
    Paused,
    Resumed,
    Revoked,
    UploadDamaged,
    counts_for_nothing,
    probe_after,
    step,
)
from wheelyard.model.builder import Builder, Mode
from wheelyard.model.job import BuildKey, Outcome

ARM = Builder(name="arm-1")


def ended(outcome: Outcome, *, others: bool = True, probe: bool = False) -> JobEnded:
    return JobEnded(key=BuildKey("k"), outcome=outcome, others=others, probe=probe)


def after(builder: Builder, *events: BuilderEvent) -> tuple[Builder, list[BuilderCommand]]:
    told: list[BuilderCommand] = []
    for event in events:
        builder, commands = step(builder, event)
        told += commands
    return builder, told


@pytest.mark.parametrize("event", [Paused(), Drained(), Resumed(), Revoked()])
def test_twice_is_the_same_as_once(event: BuilderEvent) -> None:
    once, _ = step(ARM, event)
    assert step(once, event) == (once, ())


def test_a_paused_builder_comes_back_when_it_is_resumed() -> None:
    assert after(ARM, Paused(), Resumed())[0].mode is Mode.ACTIVE


def test_a_revoked_builder_never_comes_back_and_loses_its_leases() -> None:
    builder, told = after(ARM, Revoked(reason="lost"), Resumed())
    assert builder.mode is Mode.REVOKED
    assert HandOver() in told


def test_a_builder_that_fails_everything_is_suspected_and_its_failures_are_doubted() -> None:
    builder, told = after(ARM, *[ended(Outcome.FAILED)] * SUSPECT)
    assert builder.mode is Mode.QUARANTINED
    assert DoubtFailures(count=SUSPECT) in told
    assert any(isinstance(one, Alarm) for one in told)


def test_what_fails_in_the_moment_of_its_quarantine_is_doubted_with_the_rest() -> None:
    builder, _ = after(ARM, *[ended(Outcome.FAILED)] * SUSPECT)
    again, told = after(builder, ended(Outcome.FAILED))
    assert again.mode is Mode.QUARANTINED
    assert told == [DoubtFailures(count=SUSPECT + 1)]


def test_one_success_ends_a_streak() -> None:
    failures = [ended(Outcome.FAILED)] * (SUSPECT - 1)
    builder, told = after(ARM, *failures, ended(Outcome.BUILT), *failures)
    assert builder.mode is Mode.ACTIVE
    assert not told


def test_the_only_builder_is_not_blamed_for_packages_that_fail() -> None:
    builder, _ = after(ARM, *[ended(Outcome.FAILED, others=False)] * (SUSPECT * 2))
    assert builder.mode is Mode.ACTIVE


def test_the_only_builder_is_blamed_for_its_own_disk() -> None:
    builder, _ = after(ARM, *[ended(Outcome.RESOURCES, others=False)] * SUSPECT)
    assert builder.mode is Mode.QUARANTINED


def test_a_builder_whose_failures_fail_elsewhere_too_is_cleared() -> None:
    builder, _ = after(ARM, *[ended(Outcome.FAILED)] * SUSPECT, Cleared())
    assert (builder.mode, builder.streak) == (Mode.ACTIVE, 0)


def test_a_probe_that_passes_ends_the_quarantine() -> None:
    builder, _ = after(ARM, *[ended(Outcome.FAILED)] * SUSPECT)
    assert step(builder, ended(Outcome.BUILT))[0].mode is Mode.QUARANTINED
    assert step(builder, ended(Outcome.BUILT, probe=True))[0].mode is Mode.ACTIVE


def test_what_fails_in_quarantine_counts_for_nothing() -> None:
    quarantined = replace(ARM, mode=Mode.QUARANTINED)
    assert counts_for_nothing(quarantined, Outcome.FAILED)
    assert not counts_for_nothing(quarantined, Outcome.BUILT)
    assert not counts_for_nothing(ARM, Outcome.FAILED)


def test_cancelled_and_lost_jobs_say_nothing() -> None:
    builder, told = after(ARM, *[ended(Outcome.CANCELLED), ended(Outcome.LOST)] * SUSPECT)
    assert (builder, told) == (ARM, [])


def test_three_damaged_uploads_in_a_row_are_enough() -> None:
    assert step(ARM, UploadDamaged(times=2))[0].mode is Mode.ACTIVE
    assert step(ARM, UploadDamaged(times=3))[0].mode is Mode.QUARANTINED


def test_probes_come_less_and_less_often() -> None:
    waits = [probe_after(number) for number in range(40)]
    assert waits == sorted(waits)
    assert waits[-1] == waits[-2]
