"""Keeps an eye on builders: what people decide about them, and what failures say.

What follows is decided by ``jobs.builder_life`` alone; this carries it out. A failure on a builder that has
shown nothing since waits a little before anybody is told: should it fail all that it gets, its failures
are built elsewhere, and nobody hears of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Held, Roster
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.coordinator.others import Known
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.farm_ports import Role
from wheelyard.jobs import builder_life as life
from wheelyard.jobs.job import State
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.selection import Selection
from wheelyard.model.builder import Builder, Mode
from wheelyard.model.job import BuildKey, Outcome

_PASSED = frozenset({Outcome.BUILT, Outcome.NEEDS})
_UNSURE = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})


@dataclass(slots=True, kw_only=True)
class _Watched:
    """What is remembered of a builder beside its record; all of it may be lost with the process.

    ``unsure`` are failures that nobody was told of yet, each with its time; ``doubted`` those that are
    built elsewhere; ``guilty``: one of them passed there. ``probes`` failed since quarantine.
    """

    unsure: dict[BuildKey, tuple[float, Known]] = field(default_factory=dict)
    doubted: set[BuildKey] = field(default_factory=set)
    guilty: bool = False
    probes: int = 0
    next_probe: float = 0.0


class Care:
    """Applies events to builders and carries out what follows."""

    def __init__(  # noqa: PLR0913 - the parts of a service, by name
        self,
        *,
        ports: FarmPorts,
        roster: Roster,
        speaker: Speaker,
        dispatcher: Dispatcher,
        news: News,
        rules: FarmRules,
    ) -> None:
        self._ports = ports
        self._roster = roster
        self._speaker = speaker
        self._dispatcher = dispatcher
        self._news = news
        self._patience = rules.doubt
        self._first_probe = rules.probe
        self._watched: dict[str, _Watched] = {}
        self._alone: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def apply(self, name: str, event: life.BuilderEvent, *, actor: str = "") -> Builder:
        """Tell a builder's life what happened. Raises ConfigurationError where there is no such builder."""
        # One after another: of failures that come at once each has to count.
        async with self._alone[name]:
            return await self._apply(name, event, actor)

    async def _apply(self, name: str, event: life.BuilderEvent, actor: str) -> Builder:
        builder = await self._ports.builders.get(name)
        if builder is None:
            known = [one.name for one in await self._ports.builders.all()]
            raise ConfigurationError(
                f"there is no builder {name!r}",
                hint=nearest(name, known) or "'wheelyard builder list' shows all.",
            )
        after, commands = life.step(builder, event)
        if after.streak != builder.streak:
            await self._ports.builders.set_streak(name, after.streak)
        if (after.mode, after.reason) != (builder.mode, builder.reason):
            await self._ports.builders.set_mode(name, after.mode, after.reason)
        self._roster.refresh(await self._ports.builders.all())
        for command in commands:
            await self._carry_out(after, command, actor)
        self._dispatcher.bell.ring()
        return after

    async def ended(self, held: Held, outcome: Outcome, known: Known | None) -> bool:
        """Take how a job ended on a builder; return whether its end may be told now.

        ``known`` is the end of the job; None where it is tried again.
        """
        builder = self._roster.get(held.builder)
        if builder is None:
            return True
        able = self._roster.able(Needs.of(held.queued.terms.needs))
        others = any(one.name != held.builder for one in able)
        watched = self._watched.setdefault(builder.name, _Watched())
        unsure = known is not None and outcome in _UNSURE and others and self._patience > 0
        if unsure and known is not None:
            watched.unsure[held.key] = (self._ports.ticks() + self._patience, known)
        await self._judge_doubted(held, outcome)
        event = life.JobEnded(key=held.key, outcome=outcome, others=others, probe=held.probe)
        after, _ = life.step(builder, event)
        if after != builder:
            await self.apply(builder.name, event)
        if outcome in _PASSED:
            self._sure(watched)
        elif held.probe:
            watched.probes += 1
            watched.next_probe = self._roster.now + self._probe_after(watched.probes)
        return held.key not in watched.unsure and held.key not in watched.doubted

    def unsure(self, key: BuildKey) -> bool:
        """Whether nobody is to be told of a job's failure yet."""
        return any(key in one.unsure for one in self._watched.values())

    async def round(self) -> None:
        """Tell failures that waited long enough, and give probes to builders whose time has come."""
        now = self._ports.ticks()
        for watched in self._watched.values():
            for key, (due, known) in list(watched.unsure.items()):
                if due <= now:
                    del watched.unsure[key]
                    self._news.tell(key, known)
        for builder in self._roster.in_quarantine():
            watched = self._watched.setdefault(builder.name, _Watched())
            if not watched.next_probe:
                watched.next_probe = self._roster.now + self._probe_after(0)
            if watched.next_probe <= self._roster.now and await self._dispatcher.probe(builder):
                watched.next_probe = self._roster.now + self._probe_after(watched.probes)

    def _probe_after(self, failed: int) -> float:
        return life.probe_after(failed, self._first_probe)

    def _sure(self, watched: _Watched) -> None:
        """Believe what a builder failed: it built something since."""
        unsure, watched.unsure = watched.unsure, {}
        watched.probes, watched.next_probe = 0, 0.0
        for key, (_, known) in unsure.items():
            self._news.tell(key, known)

    async def _judge_doubted(self, held: Held, outcome: Outcome) -> None:
        """See whether what another builder failed fails here, too."""
        for name, watched in self._watched.items():
            if held.key not in watched.doubted or name == held.builder:
                continue
            if outcome in _PASSED:
                watched.guilty = True
            elif outcome not in _UNSURE:
                continue
            watched.doubted.discard(held.key)
            if not watched.doubted and not watched.guilty:
                await self.apply(name, life.Cleared())

    async def _carry_out(self, builder: Builder, command: life.BuilderCommand, actor: str) -> None:
        match command:
            case life.Tell():
                await self._ports.events.write(
                    Action.BUILDER_MODE,
                    builder.name,
                    actor=actor,
                    mode=command.mode.value,
                    reason=command.reason,
                )
                if command.mode is not Mode.REVOKED:
                    await self._speaker.tell_mode(builder.name, command.mode, command.reason)
                self._mode_changed(builder)
            case life.Alarm():
                await self._ports.events.write(
                    Action.BUILDER_ALARM, builder.name, text=command.text
                )
            case life.DoubtFailures():
                await self._doubt(builder, command.count)
            case life.HandOver():
                await self._hand_over(builder)
            case _:
                assert_never(command)

    def _mode_changed(self, builder: Builder) -> None:
        watched = self._watched.setdefault(builder.name, _Watched())
        watched.probes, watched.next_probe = 0, 0.0

    async def _doubt(self, builder: Builder, count: int) -> None:
        """Have what a builder failed last built elsewhere."""
        watched = self._watched.setdefault(builder.name, _Watched())
        watched.guilty = watched.guilty and bool(watched.doubted)
        failed = await self._failed_last(builder, count)
        watched.doubted |= set(failed)
        for key in failed:
            watched.unsure.pop(key, None)
        await self._ports.jobs.retry(Selection(keys=tuple(failed)))
        for key in failed:
            await self._ports.events.write(Action.JOB_DOUBTED, key, actor=builder.name)
            self._news.reopen(key)
        self._dispatcher.look_again()

    async def _failed_last(self, builder: Builder, count: int) -> Sequence[BuildKey]:
        selection = Selection(builder=builder.name, state=State.DONE)
        jobs = await self._ports.jobs.jobs(selection, limit=2 * count)
        return [job.key for job in jobs if job.outcome in _UNSURE][:count]

    async def _hand_over(self, builder: Builder) -> None:
        """Shut a builder out; what it runs goes elsewhere without a count."""
        await self._ports.tokens.revoke_of(Role.BUILDER, builder.name)
        for queued, lease in await self._ports.queue.leased():
            if queued.job.builder == builder.name:
                await self._ports.queue.hand_back(
                    lease.key, lease.fence, f"{builder.name} was shut out"
                )
                self._roster.end(lease.key, lease.fence)
                await self._ports.events.write(Action.JOB_LOST, lease.key, actor=builder.name)
                self._news.tell(lease.key)
        self._roster.lose(builder.name)
        await self._ports.bus.forget(builder.name)
        self._dispatcher.look_again()
