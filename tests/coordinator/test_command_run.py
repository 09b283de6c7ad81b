"""A request for a command on a git tree on one machine: answered from the store, or built once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from coordinator.farm import EndlessBlobs
from wheelyard.builder.worker import Worker
from wheelyard.coordinator.command_run import CommandEnded, CommandRun
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.local_crew import LocalCrew
from wheelyard.coordinator.story import JobEnded, JobStarted, RunEvent, UnitProvided
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.command import CommandRequest
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.source import FileEntry
from wheelyard.plan.command import CommandPlan, plan_command
from wheelyard.plan.unit import Provision
from wheelyard.ports import Progress
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.clock import FixedClock
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.memo import MemoryMemo
from wheelyard.testing.repositories import MemoryRepositories

ADDRESS = "https://git.example/demo.git"
REQUEST = CommandRequest(repository=ADDRESS, line="make", artifacts=("dist/*",))


@dataclass
class Machine:
    """One machine; ``endings`` are those of the next attempts, which otherwise build an archive."""

    lines: dict[str, int] = field(default_factory=lambda: {"main": 20, "side": 20})
    endings: list[Report] = field(default_factory=list)
    hold: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.repositories = MemoryRepositories({ADDRESS: self.lines})
        self.clock = FixedClock()
        self.artifacts = MemoryArtifactStore(clock=self.clock)
        self.jobs = MemoryJobStore(clock=self.clock, artifacts=self.artifacts)
        self.blobs = EndlessBlobs()
        self.events: list[RunEvent] = []
        self.ran: list[str] = []

    # The executor.

    def capabilities(self) -> dict[str, str]:
        return {}

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        assert offer.command is not None
        self.ran.append(str(offer.release))
        if self.hold is not None:
            await self.hold.wait()
        if self.endings:
            return self.endings.pop(0)
        artifact = Artifact(
            filename=offer.command.filename,
            digest=f"sha256:{offer.key}",
            size=1,
            release=offer.release,
            tags=frozenset(),
            origin=Origin.BUILT,  # what a builder says of that is not believed
        )
        return Report(outcome=Outcome.BUILT, artifact=artifact)

    async def close(self) -> None: ...

    # What a user does.

    async def plan(self, **asked: object) -> CommandPlan:
        request = replace(REQUEST, **asked)  # type: ignore[arg-type]
        found = await self.repositories.revision(ADDRESS, request.revision, request.tolerance)
        return plan_command(request, found, machine="x86_64")

    async def ask(self, **asked: object) -> CommandEnded:
        return await self.command_run().carry_out(await self.plan(**asked))

    def command_run(self, builder: str = "here") -> CommandRun:
        async def renumber(artifact: Artifact, number: int) -> Artifact:
            raise AssertionError(artifact)

        async def prepare(offer: Offer, wheel: FileEntry | None) -> Offer:
            assert wheel is None
            return offer

        async def recover() -> int:
            return 0

        intake = Intake(
            jobs=self.jobs,
            artifacts=self.artifacts,
            blobs=self.blobs,
            memory=MemoryMemo(),
            clock=self.clock,
            renumber=renumber,
        )
        crew = LocalCrew(
            intake=intake,
            builder=Worker(name=builder, jobs=self.jobs, executor=self),
            jobs=self.jobs,
            clock=self.clock,
            recover=recover,
            prepare=prepare,
            poll_seconds=0.001,
        )
        return CommandRun(
            jobs=self.jobs,
            artifacts=self.artifacts,
            blobs=self.blobs,
            crew=crew,
            listener=self.events.append,
        )


def of(ended: CommandEnded) -> str:
    assert ended.artifact is not None
    return ended.artifact.filename


def asking(machine: Machine, **asked: object) -> CommandEnded:
    return asyncio.run(machine.ask(**asked))


def test_a_request_is_built_and_the_next_one_is_answered_from_the_store() -> None:
    machine = Machine()
    first = asking(machine, revision="7")
    assert first.report is not None
    assert (first.wanted, first.revision) == (7, 7)
    again = asking(machine, revision="7")
    assert again.report is None
    assert of(again) == of(first)
    assert machine.ran == ["demo==7"]
    provided = [one.provision for one in machine.events if isinstance(one, UnitProvided)]
    assert provided == [Provision.BUILT, Provision.REUSED]


def test_an_existing_build_serves_a_request_for_a_revision_within_the_range() -> None:
    machine = Machine()
    built = of(asking(machine, revision="7"))
    for revision, tolerance in (("9", 2), ("5", 2), ("8", 1), ("6", 5)):
        ended = asking(machine, revision=revision, tolerance=tolerance)
        assert of(ended) == built
        assert (str(ended.wanted), ended.revision) == (revision, 7)
    assert machine.ran == ["demo==7"]


def test_beyond_the_range_or_with_anything_else_different_it_is_built() -> None:
    machine = Machine()
    asking(machine, revision="7")
    asking(machine, revision="10", tolerance=2)
    asking(machine, revision="6")
    asking(machine, revision="8", tolerance=1, options=(("opt", "0"),))
    asking(machine, revision="side:7", tolerance=3)
    assert machine.ran == ["demo==7", "demo==10", "demo==6", "demo==8", "demo==7"]


def test_of_several_builds_in_the_range_the_nearest_serves() -> None:
    machine = Machine()
    for number in ("5", "9", "12"):
        asking(machine, revision=number)
    assert asking(machine, revision="8", tolerance=10).revision == 9
    assert asking(machine, revision="7", tolerance=10).revision == 9
    assert asking(machine, revision="6", tolerance=10).revision == 5
    assert asking(machine, revision="7", tolerance=2).revision == 9
    assert len(machine.ran) == 3


def test_a_build_whose_bytes_are_gone_serves_nobody() -> None:
    machine = Machine()
    built = asking(machine, revision="7").artifact
    assert built is not None
    machine.blobs.lost.add(built.digest)
    assert asking(machine, revision="8", tolerance=1).revision == 8
    machine.blobs.lost.clear()


def test_a_failure_is_told_and_a_new_request_tries_again() -> None:
    machine = Machine(endings=[Report(outcome=Outcome.FAILED, reason="boom")])
    ended = asking(machine, revision="7")
    assert ended.artifact is None
    assert ended.report is not None
    assert ended.report.reason == "boom"
    assert asking(machine, revision="7").artifact is not None
    assert machine.ran == ["demo==7", "demo==7"]


def test_a_failed_build_serves_no_other_revision() -> None:
    machine = Machine(endings=[Report(outcome=Outcome.FAILED, reason="boom")])
    asking(machine, revision="7")
    assert asking(machine, revision="8", tolerance=1).revision == 8


def test_two_who_ask_for_the_same_at_once_share_one_build() -> None:
    async def both(machine: Machine) -> tuple[CommandEnded, CommandEnded]:
        machine.hold = asyncio.Event()
        plan = await machine.plan(revision="7")
        one = asyncio.ensure_future(machine.command_run("one").carry_out(plan))
        other = asyncio.ensure_future(machine.command_run("other").carry_out(plan))
        while not machine.ran:
            await asyncio.sleep(0)
        machine.hold.set()
        return await asyncio.gather(one, other)

    machine = Machine()
    first, second = asyncio.run(both(machine))
    assert of(first) == of(second)
    assert machine.ran == ["demo==7"]


def test_an_archive_counts_for_its_job_and_is_in_no_index() -> None:
    machine = Machine()
    asking(machine, revision="7")

    async def look() -> None:
        plan = await machine.plan(revision="7")
        kept = await machine.artifacts.by_key(plan.offer.key)
        assert kept is not None
        assert kept.origin is Origin.COMMAND
        assert not kept.portable
        assert await machine.artifacts.projects() == []
        assert list(await machine.artifacts.waiting()) == []

    asyncio.run(look())


def test_who_watches_is_told_what_happens() -> None:
    machine = Machine()
    asking(machine, revision="7")
    kinds = [type(event) for event in machine.events]
    assert kinds.index(JobStarted) < kinds.index(JobEnded) < kinds.index(UnitProvided)
