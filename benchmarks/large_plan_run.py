"""``python -m benchmarks.large_plan_run HOW RELEASES FOLDER``: makes one large plan and prints what it took.

A process of its own, so that its peak of memory is that of this plan. ``planner`` is the pure planner, answered
at once. ``run`` is all that ``wheelyard plan`` does when everything was recorded by an earlier run: the answers of the
resolver are in a plan file, what sources say of themselves is in the state folder. ``record`` writes those.
"""

import asyncio
import json
import resource
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from benchmarks.large_plan import Ecosystem

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.builder.worker import Worker
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.local_crew import LocalCrew
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.run import Run
from wheelyard.model.job import Offer, Report
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.model.source import Source, SourceFacts
from wheelyard.plan.events import (
    BuildResolved,
    Command,
    Event,
    Inspect,
    Inspected,
    Recall,
    Recalled,
    RequestResolved,
    ResolveBuild,
    ResolveRequest,
)
from wheelyard.plan.planner import Planner
from wheelyard.plan.record import Answer, PlanRecord
from wheelyard.plan.recording import query_key
from wheelyard.ports import Progress, Resolver
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.recorded import RecordedResolver, RecordingResolver

_PLAN = "plan.json"


def main() -> None:
    how, releases, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    ecosystem = Ecosystem(releases)
    if how == "record":
        asyncio.run(_record(ecosystem, folder))
        return
    answers = _Answers(ecosystem)
    wall, cpu = time.perf_counter(), time.process_time()
    units = answers.plan() if how == "planner" else asyncio.run(_repeat(folder))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if units != releases:
        raise SystemExit(f"the plan has {units} wheels, not {releases}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "megabytes": peak}))


class _Answers:
    """Every answer that a planner asks for, made before it asks."""

    def __init__(self, ecosystem: Ecosystem) -> None:
        self._ecosystem = ecosystem
        self._resolved: dict[Query, Resolution] = {}
        # What the first plan asked for, the second finds answered.
        self.plan()

    def plan(self) -> int:
        """Plan everything and return how many wheels there are."""
        planner = Planner(self._ecosystem.options(), lambda _: DEFAULT_RECIPE)
        queue = deque(planner.begin())
        while queue:
            event = self._answer(queue.popleft())
            if event is not None:
                queue += planner.handle(event)
        return len(planner.board.units)

    def _answer(self, command: Command) -> Event | None:
        match command:
            case ResolveRequest(query=query):
                return RequestResolved(target=query.target, resolution=self._resolve(query))
            case ResolveBuild(unit=unit, query=query):
                return BuildResolved(unit=unit, resolution=self._resolve(query))
            case Inspect(release=release, source=source):
                facts = self._ecosystem.facts(release)
                return Inspected(release=release, source=source, facts=facts, published=())
            case Recall(unit=unit, key=key):
                return Recalled(unit=unit, key=key, artifact=None, needs=None)
        return None

    def _resolve(self, query: Query) -> Resolution:
        known = self._resolved.get(query)
        if known is None:
            known = self._resolved[query] = self._ecosystem.resolve(query)
        return known


class _EcosystemResolver:
    """Resolves what is asked for the first time."""

    def __init__(self, ecosystem: Ecosystem) -> None:
        self._ecosystem = ecosystem

    async def resolve(self, query: Query) -> Resolution:
        """Return the one solution."""
        return self._ecosystem.resolve(query)


class _EcosystemUpstream(MemoryUpstream):
    """Says what sources say of themselves, which are nowhere."""

    def __init__(self, ecosystem: Ecosystem) -> None:
        super().__init__()
        self._ecosystem = ecosystem

    async def fetch(self, source: Source) -> Source:
        """Say that it is here."""
        return source

    async def facts(self, source: Source) -> SourceFacts:
        """Return what is made up."""
        name, _, version = source.filename.removesuffix(".tar.gz").rpartition("-")
        return self._ecosystem.facts(Release.of(name, version))


async def _record(ecosystem: Ecosystem, folder: Path) -> None:
    resolver = RecordingResolver(_EcosystemResolver(ecosystem))
    options = ecosystem.options()
    planner = Planner(options, lambda _: DEFAULT_RECIPE)
    await _run(planner, folder, resolver, _EcosystemUpstream(ecosystem))
    answers = tuple(Answer(query=query, resolution=one) for query, one in resolver.answers.values())
    text = PlanRecord(options=options, answers=answers).encode()
    await asyncio.to_thread((folder / _PLAN).write_text, text)


async def _repeat(folder: Path) -> int:
    """Plan what was recorded; whatever is not recorded is an error."""
    record = PlanRecord.decode(await asyncio.to_thread((folder / _PLAN).read_bytes))
    known = {query_key(answer.query): answer.resolution for answer in record.answers}
    planner = Planner(record.options, lambda _: DEFAULT_RECIPE)
    await _run(planner, folder, RecordedResolver(known), MemoryUpstream())
    return len(planner.board.units)


async def _run(
    planner: Planner, folder: Path, resolver: Resolver, upstream: MemoryUpstream
) -> None:
    """Carry a plan out as the command does, but build nothing."""
    clock = SystemClock()
    async with await StateFolder.open(folder / "state", clock=clock) as state:
        blobs = FolderBlobs(state.place("blobs"))
        run = Run(
            planner=planner,
            questions=Questions(
                upstream=upstream,
                resolver=resolver,
                artifacts=state.artifacts,
                blobs=blobs,
                memory=state.memory,
            ),
            crew=LocalCrew(
                intake=Intake(
                    jobs=state.jobs,
                    artifacts=state.artifacts,
                    blobs=blobs,
                    memory=state.memory,
                    clock=clock,
                    renumber=_never,
                ),
                builder=Worker(name="nobody", jobs=state.jobs, executor=_Idle()),
                jobs=state.jobs,
                clock=clock,
                recover=state.recover,
                prepare=_never,
            ),
            jobs=state.jobs,
            build=False,
        )
        await run.carry_out()


class _Idle:
    """An executor that nobody asks: nothing is built."""

    def capabilities(self) -> dict[str, str]:
        """Say that there is nothing."""
        return {}

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        """Refuse."""
        await _never(offer, progress)

    async def close(self) -> None:
        """Do nothing."""


async def _never(*what: object) -> NoReturn:
    raise AssertionError(what)


if __name__ == "__main__":
    main()
