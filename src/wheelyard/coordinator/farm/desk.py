"""Where requests come in and are seen through, several at once.

An open request is carried out by whoever leads, and begun anew after every interruption: planning again
is cheap, and its jobs are found where they are. Its end and the messages about it are one transaction.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Protocol

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.bell import Bell
from wheelyard.coordinator.farm.carrying import Carrier, Conclusion, Undertaking, with_hint
from wheelyard.coordinator.farm.crew import UNWANTED
from wheelyard.coordinator.farm.jobs_desk import JobsDesk
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.steadiness import OUTAGES, family
from wheelyard.errors import ConfigurationError, UpstreamError, WheelyardError
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Kind, Request, RequestId, RequestState

_LOG = logging.getLogger(__name__)
_MOST_OPEN = 10_000
_UPSTREAM_TRIES = 5


class Wish(Protocol):
    """What somebody asks for: ``asked`` as its kind writes it, ``notify`` who is told of its end."""

    @property
    def kind(self) -> Kind:
        """What kind of thing is asked for."""
        ...

    @property
    def asked(self) -> bytes:
        """What is asked for."""
        ...

    @property
    def owner(self) -> str:
        """Who asks."""
        ...

    @property
    def priority(self) -> int:
        """How much it matters; 0 is usual."""
        ...

    @property
    def notify(self) -> tuple[str, ...]:
        """Who is told of its end."""
        ...


class Desk:
    """Requests: taken, joined, carried out, ended, cancelled."""

    def __init__(
        self,
        *,
        ports: FarmPorts,
        rules: FarmRules,
        carriers: Mapping[Kind, Carrier],
        jobs: JobsDesk,
        news: News,
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._carriers = carriers
        self._jobs = jobs
        self._news = news
        self._bell = Bell()
        self._tasks: dict[RequestId, asyncio.Task[None]] = {}
        self._undertakings: dict[RequestId, Undertaking] = {}
        self._ending: set[RequestId] = set()

    async def submit(self, wish: Wish) -> Request:
        """Take a request, or join the open one for the same. Raises ConfigurationError."""
        digest, summary = self._carrier(wish.kind).check(wish.asked)
        request = Request(
            id=RequestId(f"r{secrets.token_hex(6)}"),
            kind=wish.kind,
            owner=wish.owner,
            text=wish.asked,
            digest=digest,
            summary=summary,
            created=self._ports.clock.now(),
            priority=wish.priority,
        )
        kept = await self._ports.requests.add(request, wish.notify)
        action = Action.REQUEST_ADDED if kept.id == request.id else Action.REQUEST_JOINED
        await self._ports.events.write(action, kept.id, actor=wish.owner, summary=summary)
        self._bell.ring()
        return kept

    async def cancel(self, request: RequestId, *, actor: str) -> bool:
        """End a request, and the jobs that nobody else wants; False where it had ended or there is none."""
        undertaking = self._undertakings.get(request)
        keys = undertaking.keys() if undertaking is not None else ()
        found = await self._ports.requests.get(request)
        if found is None:
            return False
        reason = f"cancelled by {actor}" if actor else "cancelled"
        conclusion = Conclusion(state=RequestState.CANCELLED, reason=reason)
        if not await self._end(found, conclusion, actor=actor):
            return False
        task = self._tasks.get(request)
        if task is not None:
            task.cancel()
        for key in keys or await self._jobs.wanted_by(request):
            if not await self._wanted_still(key):
                await self._jobs.cancel(key, actor=actor, reason=UNWANTED)
        return True

    def undertaking(self, request: RequestId) -> Undertaking | None:
        """Return what is known of an open request by whoever carries it out."""
        return self._undertakings.get(request)

    async def run(self) -> None:
        """Carry out every open request, those of before, too."""
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    await self._begin_anew()
                    await self._begin_new(group)
                    await self._bell.wait(self._rules.poll)
            finally:
                for task in self._tasks.values():
                    task.cancel()

    async def _begin_anew(self) -> None:
        """Stop what goes by the end of a job that was opened again; it is begun anew like every open request."""
        for key in self._news.take_reopened():
            for request in await self._ports.queue.requests_of(key):
                task, undertaking = self._tasks.get(request), self._undertakings.get(request)
                waits = undertaking is not None and key in undertaking.keys()  # noqa: SIM118 - not a mapping
                if task is not None and request not in self._ending and not waits:
                    task.cancel()
                    await asyncio.wait({task})

    async def _begin_new(self, group: asyncio.TaskGroup) -> None:
        open_requests = await self._ports.requests.find(state=RequestState.OPEN, limit=_MOST_OPEN)
        still = {request.id for request in open_requests}
        for name, task in self._tasks.items():
            # Another process may have ended it.
            if name not in still and name not in self._ending:
                task.cancel()
        for request in reversed(open_requests):
            if request.id not in self._tasks:
                task = group.create_task(self._see_through(request))
                self._tasks[request.id] = task

    async def _see_through(self, request: Request) -> None:
        try:
            conclusion = await self._conclude(request)
            self._ending.add(request.id)
            await self._end_for_sure(request, conclusion)
        finally:
            self._ending.discard(request.id)
            self._undertakings.pop(request.id, None)
            self._tasks.pop(request.id, None)

    async def _conclude(self, request: Request) -> Conclusion:
        """Carry a request out as often as it takes."""
        failures, pause = 0, self._rules.retry
        while True:
            try:
                undertaking = self._carrier(request.kind).begin(request)
                self._undertakings[request.id] = undertaking
                return await undertaking.carry_out()
            except (WheelyardError, BaseExceptionGroup) as error:
                known = family(error)
                if known is None:
                    raise
                failures += not isinstance(known, OUTAGES)
                again = isinstance(known, UpstreamError) and failures < _UPSTREAM_TRIES
                if not again and not isinstance(known, OUTAGES):
                    return _failed(known)
                _LOG.warning("request %s waits: %s", request.id, known.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._rules.longest_retry)

    async def _end_for_sure(self, request: Request, conclusion: Conclusion) -> None:
        """Write the end down; without a database that waits."""
        while True:
            try:
                await self._end(request, conclusion, actor="")
            except OUTAGES as error:
                _LOG.warning("the end of request %s waits: %s", request.id, error.message)
                await asyncio.sleep(self._rules.longest_retry)
            else:
                return

    async def _end(self, request: Request, conclusion: Conclusion, *, actor: str) -> bool:
        subject = f"{request.summary}: {conclusion.state}"
        body = "\n".join([f"Request {request.id}: {conclusion.reason}", "", *conclusion.lines])
        waiters = await self._ports.requests.waiters(request.id)
        notices = [(address, subject, body) for address in waiters]
        self._ports.pass_by("request.before_end")
        ended = await self._ports.requests.end(
            request.id, conclusion.state, conclusion.reason, notices
        )
        if ended:
            await self._ports.events.write(
                Action.REQUEST_ENDED,
                request.id,
                actor=actor,
                state=conclusion.state.value,
                reason=conclusion.reason,
            )
        return ended

    async def _wanted_still(self, key: BuildKey) -> bool:
        for name in await self._ports.queue.requests_of(key):
            request = await self._ports.requests.get(name)
            if request is not None and request.state is RequestState.OPEN:
                return True
        return False

    def _carrier(self, kind: Kind) -> Carrier:
        if kind not in self._carriers:
            known = ", ".join(sorted(self._carriers))
            raise ConfigurationError(
                f"this farm carries out no requests of kind {kind.value!r}",
                hint=f"It knows: {known}.",
            )
        return self._carriers[kind]


def _failed(error: WheelyardError) -> Conclusion:
    return Conclusion(state=RequestState.FAILED, reason=with_hint(error.message, error.hint))
