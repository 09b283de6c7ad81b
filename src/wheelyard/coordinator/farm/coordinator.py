"""A farm's coordinator: all services of one process, begun and ended together.

Several may run on one database. One leads and does everything that goes on by itself; the others wait to
take over, and take what people ask of them meanwhile. Nothing is kept in a process that is not in the
database or said again by builders, so that whoever takes over goes on where the other one stopped.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.aftermath import Aftermath
from wheelyard.coordinator.farm.care import Care
from wheelyard.coordinator.farm.carrying import Carrier, MakeCarrier, Undertaking
from wheelyard.coordinator.farm.crew import CrewParts, Prepare
from wheelyard.coordinator.farm.desk import Desk, Wish
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.enclosures import Enclosures
from wheelyard.coordinator.farm.explanation import Explanation
from wheelyard.coordinator.farm.jobs_desk import JobsDesk
from wheelyard.coordinator.farm.leases import LeaseKeeper
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.notices import Notices
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.results import Receiver
from wheelyard.coordinator.farm.roster import Roster
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.coordinator.farm.steadiness import end, steadily
from wheelyard.coordinator.farm.strangers import Strangers
from wheelyard.coordinator.farm.verification import Verification
from wheelyard.coordinator.farm.wheels import OpenRun, WheelsCarrier
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.others import Holds
from wheelyard.errors import ConfigurationError, StoreError
from wheelyard.farm_ports import PoolDepth
from wheelyard.jobs.builder_life import BuilderEvent
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Kind, Request, RequestId

_LOG = logging.getLogger(__name__)
_REMINDED = 20
"""How many waiting jobs are looked at in each round, in case that another process changed them."""


class Coordinator:
    """Leads a farm, or stands by. People's wishes are taken either way."""

    def __init__(  # noqa: PLR0913 - the parts of a service, by name
        self,
        *,
        ports: FarmPorts,
        intake: Intake,
        prepare: Prepare,
        open_run: OpenRun,
        rules: FarmRules | None = None,
        holds: Holds = lambda _: True,
        carriers: Mapping[Kind, MakeCarrier] | None = None,
    ) -> None:
        self._ports = ports
        self._rules = rules or FarmRules()
        self._intake = intake
        self._prepare = prepare
        self._open_run = open_run
        self._holds = holds
        self._more_carriers = dict(carriers or {})
        self._join()
        self.leads = False

    def _join(self) -> None:
        """Make the services anew: what one leadership learned is not believed by the next."""
        ports, rules = self._ports, self._rules
        self._roster = Roster()
        self._news = News()
        self._speaker = Speaker(ports.bus, session=secrets.token_hex(6))
        self._dispatcher = Dispatcher(
            ports=ports,
            rules=rules,
            roster=self._roster,
            speaker=self._speaker,
            news=self._news,
        )
        self._care = Care(
            ports=ports,
            roster=self._roster,
            speaker=self._speaker,
            dispatcher=self._dispatcher,
            news=self._news,
            rules=rules,
        )
        self._leases = LeaseKeeper(
            ports=ports,
            rules=rules,
            roster=self._roster,
            speaker=self._speaker,
            dispatcher=self._dispatcher,
            news=self._news,
        )
        self._jobs = JobsDesk(
            ports=ports,
            roster=self._roster,
            speaker=self._speaker,
            dispatcher=self._dispatcher,
            news=self._news,
        )
        self._explanation = Explanation(ports=ports, roster=self._roster)
        self._notices = Notices(ports=ports, rules=rules)
        self._receiver = self._make_receiver()
        self._desk = self._make_desk()

    def _make_receiver(self) -> Receiver:
        ports = self._ports
        aftermath = Aftermath(
            ports=ports,
            roster=self._roster,
            dispatcher=self._dispatcher,
            news=self._news,
            care=self._care,
        )
        strangers = Strangers(ports.memory, required=self._rules.stranger_proof)
        return Receiver(
            ports=ports,
            rules=self._rules,
            roster=self._roster,
            speaker=self._speaker,
            dispatcher=self._dispatcher,
            news=self._news,
            intake=self._intake,
            verification=Verification(ports=ports, roster=self._roster, strangers=strangers),
            enclosures=Enclosures(blobs=ports.blobs, speaker=self._speaker, care=self._care),
            aftermath=aftermath,
        )

    def _make_desk(self) -> Desk:
        parts = CrewParts(
            ports=self._ports,
            roster=self._roster,
            dispatcher=self._dispatcher,
            news=self._news,
            care=self._care,
            intake=self._intake,
            prepare=self._prepare,
            holds=self._holds,
        )
        wheels = WheelsCarrier(parts=parts, open_run=self._open_run, explanation=self._explanation)
        carriers: dict[Kind, Carrier] = {Kind.WHEELS: wheels}
        carriers |= {kind: make(parts) for kind, make in self._more_carriers.items()}
        return Desk(
            ports=self._ports,
            rules=self._rules,
            carriers=carriers,
            jobs=self._jobs,
            news=self._news,
        )

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled."""
        try:
            while True:
                await self._stand_by()
                await self._lead()
        finally:
            self.leads = False
            await asyncio.shield(self._let_go())

    async def _stand_by(self) -> None:
        """Watch, to be able to tell people what they ask, until nobody else leads."""
        self._join()
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(steadily(name, loop, self._rules))
                for name, loop in self._leases.watching().items()
            ]
            while not await self._may_lead():  # noqa: ASYNC110 - another process has it
                await asyncio.sleep(self._rules.leadership)
            await end(watching)

    async def _may_lead(self) -> bool:
        try:
            return await self._ports.leadership.hold()
        except StoreError as error:
            _LOG.warning("the coordinator waits: %s", error.message)
            return False

    async def _let_go(self) -> None:
        try:
            await self._ports.leadership.let_go()
        except StoreError as error:
            _LOG.warning("leadership was not given back: %s", error.message)

    async def _lead(self) -> None:
        """Do everything that goes on by itself, until somebody else leads."""
        _LOG.info("this coordinator leads")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(steadily(name, loop, self._rules))
                    for name, loop in self._loops().items()
                ]
                await self._stay_leader()
                await end(tasks)
        finally:
            self.leads = False
        _LOG.warning("another coordinator leads")

    async def _stay_leader(self) -> None:
        """Come back when somebody else leads. Without its database nobody can, so that is waited for."""
        while True:
            await asyncio.sleep(self._rules.leadership)
            try:
                if not await self._ports.leadership.hold():
                    return
            except StoreError as error:
                _LOG.warning("the coordinator waits: %s", error.message)

    def _loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        begun = asyncio.Event()

        async def begin() -> None:
            if not begun.is_set():
                await self._leases.take_over()
                await self._ports.events.write(Action.LEADER_CHANGED, "farm")
                self.leads = True
                begun.set()
            await asyncio.Event().wait()

        def after(loop: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
            async def once_begun() -> None:
                await begun.wait()
                await loop()

            return once_begun

        return {
            "taking over": begin,
            "presences": after(self._leases.listen),
            "leases": after(self._leases.watch),
            "dispatch": after(self._dispatcher.run),
            "results": after(self._receiver.run),
            "requests": after(self._desk.run),
            "notices": after(self._notices.run),
            "builders": after(self._look_around),
        }

    async def _look_around(self) -> None:
        """Learn what other processes changed, and look after builders in quarantine."""
        while True:
            self._roster.refresh(await self._ports.builders.all())
            await self._care.round()
            self._news.remind(_REMINDED)
            await asyncio.sleep(self._rules.refresh)

    # What people ask for.

    async def submit(self, wish: Wish) -> Request:
        """Take a request, or join the one that is open already. Raises ConfigurationError."""
        return await self._desk.submit(wish)

    async def cancel_request(self, request: RequestId, *, actor: str) -> bool:
        """End a request, and the jobs that nobody else wants; False where it had ended or there is none."""
        return await self._desk.cancel(request, actor=actor)

    async def cancel(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """End a job; False where it had ended."""
        return await self._jobs.cancel(key, actor=actor, reason=reason)

    async def hold(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended."""
        return await self._jobs.hold(key, actor=actor, reason=reason)

    async def approve(self, key: BuildKey, *, actor: str) -> bool:
        """Let a wheel count that was held; False where none waits."""
        return await self._jobs.approve(key, actor=actor)

    async def retry(
        self, selection: Selection, *, actor: str, preview: bool = False
    ) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before."""
        return await self._jobs.retry(selection, actor=actor, preview=preview)

    async def boost(self, selection: Selection, *, by: int, actor: str) -> int:
        """Raise the priority of jobs that wait by some levels; return of how many."""
        return await self._jobs.boost(selection, by=by, actor=actor)

    async def tell_builder(self, name: str, event: BuilderEvent, *, actor: str) -> Builder | None:
        """Let something happen to a builder, and return what became of it; None where there is none."""
        try:
            return await self._care.apply(name, event, actor=actor)
        except ConfigurationError:
            return None

    async def flag_builder(self, name: str, reason: str) -> None:
        """Write down that a builder tried what no honest one does."""
        await self._ports.events.write(Action.BUILDER_FLAGGED, name, reason=reason)

    async def standings(self) -> Sequence[Standing]:
        """Return all builders as a sentence about waiting needs them."""
        self._roster.refresh(await self._ports.builders.all())
        return self._roster.standings()

    async def why(self, key: BuildKey) -> str:
        """Say what a job waits for, or where it stands; empty where there is none."""
        return await self._explanation.of_job(key)

    async def waits(self, request: RequestId) -> Sequence[str]:
        """Say what an open request waits for; nothing of one that another coordinator carries out."""
        undertaking = self._desk.undertaking(request)
        if undertaking is None:
            return ()
        jobs = await self._explanation.of_jobs(undertaking.keys())
        return (*jobs, *undertaking.waits_for())

    async def depths(self) -> Sequence[PoolDepth]:
        """Return how much waits and runs in each pool."""
        return await self._ports.queue.open_pools()

    def undertaking(self, request: RequestId) -> Undertaking | None:
        """Return how an open request is carried out here; None where another coordinator does."""
        return self._desk.undertaking(request)
