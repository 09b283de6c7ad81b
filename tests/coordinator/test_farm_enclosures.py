"""Files that come with a result count like those that were uploaded, and damage is met in the same way."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.asked import wheels
from coordinator.machines import QUICK, Machines, ScriptedBuilder
from coordinator.waiting import scenario, until_quiet
from plan.world import Package
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.model.builder import Mode
from wheelyard.model.request import RequestState
from wheelyard.protocol.messages import Result
from wheelyard.testing.blobs import MemoryBlobs

WHEEL = b"the bytes of a wheel"
LOG = b"the bytes of a log"


class Keeping(Machines):
    """A farm that keeps bytes."""

    def __init__(self, folder: Path, names: str = "b", rules: FarmRules = QUICK) -> None:
        packages: Mapping[str, Package] = {name: Package() for name in names}
        super().__init__(packages, rules)
        self.blobs = MemoryBlobs(folder)

    def ports(self) -> FarmPorts:
        return replace(super().ports(), blobs=self.blobs)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def word_of(one: ScriptedBuilder, project: str, *enclosed: bytes) -> Result:
    """Return what a builder says of a job that it runs: it made WHEEL and LOG."""
    offer = next(o for o, _ in one.running.values() if o.release.project == project)
    report = one.report(offer)
    assert report.artifact is not None
    artifact = replace(report.artifact, digest=digest(WHEEL), metadata_digest="")
    report = replace(report, artifact=artifact, log_digest=digest(LOG), log_bytes=len(LOG))
    return Result(
        builder=one.name, key=offer.key, fence=offer.fence, report=report, enclosed=enclosed
    )


def test_what_comes_with_a_result_is_stored_and_the_result_taken_in(tmp_path: Path) -> None:
    async def work() -> None:
        farm = Keeping(tmp_path)
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            request = await coordinator.submit(wheels("b"))
            await until_quiet(lambda: bool(one.running))
            word = word_of(one, "b", WHEEL, LOG)
            await one.say(word)
            assert (await farm.end_of(request)).state is RequestState.DONE
            await until_quiet(lambda: bool(one.settled))
            assert one.settled[0].accepted
            assert await farm.blobs.read(digest(WHEEL)) == WHEEL
            report = await farm.jobs.last_report(word.key)
            assert report is not None
            assert report.log_digest == digest(LOG)
            assert await farm.blobs.read(digest(LOG)) == LOG
        await farm.close()

    scenario(work)


def test_13_what_comes_damaged_is_never_visible_and_is_asked_for_again(tmp_path: Path) -> None:
    async def work() -> None:
        farm = Keeping(tmp_path)
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            request = await coordinator.submit(wheels("b"))
            await until_quiet(lambda: bool(one.running))
            word = word_of(one, "b", b"T" + WHEEL[1:], LOG)
            await one.say(word)
            await until_quiet(lambda: bool(one.asked_to_upload))
            asked = one.asked_to_upload[0]
            assert (asked.key, asked.fence) == (word.key, word.fence)
            assert one.settled == []
            assert farm.blobs.digests() == [digest(LOG)]
            assert await farm.local.artifacts.projects() == []

            await farm.blobs.add_bytes(WHEEL)
            await one.say(replace(word, enclosed=()))

            assert (await farm.end_of(request)).state is RequestState.DONE
            builder = await farm.builders.get("one")
            assert builder is not None
            assert builder.mode is Mode.ACTIVE
        await farm.close()

    scenario(work)


def test_13_who_sends_damaged_files_three_times_is_in_quarantine(tmp_path: Path) -> None:
    async def work() -> None:
        farm = Keeping(tmp_path, "bcd")
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True, slots=3)
            await coordinator.submit(wheels("b", "c", "d"))
            await until_quiet(lambda: len(one.running) == 3)
            for project in "bcd":
                await one.say(word_of(one, project, b"damaged"))
            await until_quiet(lambda: Mode.QUARANTINED in one.modes)
            assert len(one.asked_to_upload) == 3
            assert farm.blobs.digests() == []
        await farm.close()

    scenario(work)


@pytest.mark.parametrize("most", [32 << 10, 0])
def test_a_builder_is_told_how_much_may_come_with_a_result(tmp_path: Path, most: int) -> None:
    async def work() -> None:
        farm = Keeping(tmp_path, rules=replace(QUICK, enclosable=most))
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            await coordinator.submit(wheels("b"))
            await until_quiet(lambda: bool(one.running))
            assert one.enclosable == [most]
        await farm.close()

    scenario(work)
