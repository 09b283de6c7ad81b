"""When a machine is well, idle, and what it is said to have."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wheelyard.builder.facts import Abilities, facts_of, slots_for
from wheelyard.builder.health import Thresholds, Vitals
from wheelyard.builder.machine import Equipment, LocalMachine, Reading
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.needs import Needs, meets
from wheelyard.jobs.pools import needs_of_target
from wheelyard.model.job import Outcome
from wheelyard.targets.target import Target

FINE = Reading(at=100, load=0.5, free_memory_bytes=4 << 30, free_disk_bytes=50 << 30)
PI = Equipment(system="linux", cores=4, memory_bytes=8_200_000_000, disk_bytes=64 * 10**9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"free_disk_bytes": 1 << 30}, "1.0 GiB of disk are free, less than 2.0 GiB"),
        ({"free_memory_bytes": 128 << 20}, "0.1 GiB of memory are free, less than 0.2 GiB"),
        ({"load": 9.0}, "its load is 9.0, more than 8"),
        ({"free_disk_bytes": 0, "free_memory_bytes": 0}, ""),
    ],
)
def test_a_machine_says_what_it_is_short_of(change: dict[str, float], reason: str) -> None:
    vitals = Vitals(Thresholds(load=8))
    vitals.see(replace(FINE, **change))  # type: ignore[arg-type]
    assert vitals.health().reason == reason
    assert vitals.health().well is not bool(reason)


def test_a_machine_that_was_not_looked_at_takes_nothing() -> None:
    assert not Vitals(Thresholds()).health().well


def test_a_builder_that_could_run_nothing_rests_longer_each_time() -> None:
    vitals = Vitals(Thresholds(failures=2))
    vitals.see(FINE)
    vitals.hear(Outcome.INFRASTRUCTURE)
    assert vitals.health().well
    vitals.hear(Outcome.INFRASTRUCTURE)
    assert vitals.health().reason == "2 jobs in a row could not be run here; tries again in 60 s"
    vitals.see(replace(FINE, at=161))
    assert vitals.health().well
    vitals.hear(Outcome.INFRASTRUCTURE)
    assert "tries again in 120 s" in vitals.health().reason
    vitals.see(replace(FINE, at=300))
    vitals.hear(Outcome.FAILED)
    vitals.hear(Outcome.INFRASTRUCTURE)
    assert vitals.health().well


def test_only_what_others_do_keeps_a_builder_from_being_idle() -> None:
    vitals = Vitals(Thresholds(others_load=0.5, quiet_seconds=10))
    vitals.see(FINE)
    assert vitals.why_busy()
    vitals.see(replace(FINE, at=105, busy_seconds=20, own_seconds=19))
    assert vitals.why_busy() == "its owner worked on it 5 s ago"
    vitals.see(replace(FINE, at=111, busy_seconds=40, own_seconds=39))
    assert vitals.why_busy() == ""
    vitals.see(replace(FINE, at=112, busy_seconds=42, own_seconds=39))
    assert vitals.why_busy() == "its owner works on it: others use 2.0 processors"
    assert Vitals(Thresholds()).why_busy() == ""


def test_this_machine_can_be_looked_at(tmp_path: Path) -> None:
    machine = LocalMachine(tmp_path)
    before = machine.look()
    # Its time counts as ours when it has ended, too.
    subprocess.run(
        [sys.executable, "-c", "import time\nwhile time.process_time() < 0.2: pass"], check=True
    )
    after = machine.look()
    equipment = machine.equipment()

    assert after.own_seconds - before.own_seconds >= 0.15
    assert after.busy_seconds >= before.busy_seconds
    assert after.free_disk_bytes > 0
    assert 0 < after.free_memory_bytes <= equipment.memory_bytes
    assert 1 <= equipment.cores <= (os.cpu_count() or 1)
    assert equipment.system == "linux"


def test_a_folder_that_is_not_there_is_not_counted_on(tmp_path: Path) -> None:
    assert LocalMachine(tmp_path / "gone").look().free_disk_bytes == 0


def test_slots_share_cores_and_memory() -> None:
    abilities = Abilities(
        targets=(Target.parse("cp312-manylinux_2_36_aarch64"),),
        tools={"cc": "12.2.0", "c++": "12.2.0"},
        sandbox=("bubblewrap", "no network"),
    )
    facts = facts_of(PI, abilities, version="1.0", slots=2, labels=["site=cellar,gpu=2"])
    values = dict(facts.values)

    assert (values["memory_gb"], values["cores"], values["disk_gb"]) == (4, 2, 64)
    assert meets(values, needs_of_target(Target.parse("cp312-manylinux_2_28_aarch64")))
    assert not meets(values, needs_of_target(Target.parse("cp312-musllinux_1_2_aarch64")))
    assert not meets(values, needs_of_target(Target.parse("cp313-manylinux_2_28_aarch64")))
    wanted = 'site=cellar,gpu=2,cxx=">=12",sandbox=bubblewrap,os=linux,memory_gb=">=4"'
    assert meets(values, Needs.parse(wanted))
    assert "libc_version" not in values
    assert not meets(values, Needs.parse("network=yes"))
    opened = facts_of(PI, replace(abilities, network=True), version="1.0", slots=2)
    assert meets(dict(opened.values), Needs.parse("network=yes"))


@pytest.mark.parametrize(
    ("cores", "gigabytes", "wanted", "slots"),
    [(4, 8, None, 2), (4, 32, None, 4), (4, 1, None, 1), (64, 8, 64, 64), (4, 0, None, 1)],
)
def test_slots_are_as_many_as_there_is_memory_for(
    cores: int, gigabytes: int, wanted: int | None, slots: int
) -> None:
    equipment = replace(PI, cores=cores, memory_bytes=gigabytes * 10**9)
    assert slots_for(equipment, wanted) == slots


@pytest.mark.parametrize("label", ["site", "=x", "memory_gb=64", "a=1,b"])
def test_a_label_that_is_none_is_refused(label: str) -> None:
    abilities = Abilities(targets=(), tools={}, sandbox=())
    with pytest.raises(ConfigurationError):
        facts_of(PI, abilities, version="1", slots=1, labels=[label])
