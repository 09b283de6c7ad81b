"""Keeps the leases of builders that are heard of, and takes back those of builders that are not.

Silence is measured in seconds of this coordinator's own listening: that clock stands still while the
bus is away and hardly moves while the process is stopped, and nobody sets it. So neither a wrong clock
nor an absence of the coordinator lets a lease expire; whoever takes over gives everything a whole new one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from wheelyard.bus_ports import Announcement
from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Fence, Held, Roster
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.errors import ProtocolError
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.builder import Builder, Mode
from wheelyard.model.job import BuildKey
from wheelyard.protocol.messages import Presence
from wheelyard.protocol.wire import decode_word

_LOG = logging.getLogger(__name__)
_LATE_TICKS = 3.0
"""A tick that comes later than so many times its interval says that this process was stopped."""

_MADE_UP, _LAST_EVENTS = 50, 1000
_KEPT_SECONDS = 30.0
"""How old what people see of a builder may be; it is decided upon by nobody."""


class LeaseKeeper:
    """Hears presences, prolongs leases, and declares builders lost."""

    def __init__(  # noqa: PLR0913 - the parts of a service, by name
        self,
        *,
        ports: FarmPorts,
        rules: FarmRules,
        roster: Roster,
        speaker: Speaker,
        dispatcher: Dispatcher,
        news: News,
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._roster = roster
        self._speaker = speaker
        self._dispatcher = dispatcher
        self._news = news
        self._last_tick = ports.ticks()
        self._renewed = 0.0
        self._kept: dict[str, float] = {}
        self._strays: dict[Fence, float] = {}

    async def take_over(self) -> None:
        """Learn who has what, and give every lease its whole time again."""
        self._roster.refresh(await self._ports.builders.all())
        self._last_tick = self._ports.ticks()
        leased = await self._ports.queue.leased()
        for queued, _ in leased:
            self._roster.grant(Held(queued=queued, vouched=self._roster.now))
        fences = [(lease.key, lease.fence) for _, lease in leased]
        await self._ports.queue.renew_all(fences, seconds=self._rules.lease)
        await self._make_up()

    async def _make_up(self) -> None:
        """Write down the ends that were committed last, where a crash came before the line; their builders may be gone."""
        for job in await self._ports.jobs.jobs(Selection(state=State.DONE), limit=_MADE_UP):
            lines = await self._ports.events.read(subject=job.key, limit=_LAST_EVENTS)
            known = {one.detail.get("fence") for one in lines if one.action == Action.JOB_ENDED}
            if job.accepted and job.outcome is not None and job.fence not in known:
                await self._ports.events.write(
                    Action.JOB_ENDED,
                    job.key,
                    actor=job.builder,
                    fence=job.fence,
                    outcome=job.outcome.value,
                    reason=job.reason[:300],
                )

    async def listen(self) -> None:
        """Hear presences."""
        async for announcement in self._ports.bus.presences():
            await self.hear(announcement)

    async def hear(self, announcement: Announcement) -> None:
        """Take one presence."""
        presence = self._read(announcement)
        if presence is None:
            return
        heard = self._roster.hear(presence)
        if heard is None:
            await self._learn(presence)
            heard = self._roster.hear(presence)
        if heard is None:
            return
        builder = self._roster.get(presence.builder)
        old = self._roster.now - self._kept.get(presence.builder, 0.0) > _KEPT_SECONDS
        if builder is not None and (heard.came or heard.changed or old):
            await self._keep(builder, came=heard.came)
        if heard.facts_changed:
            # It may be able now to do what it refused before.
            await self._ports.queue.forget_refusals(presence.builder)
            self._dispatcher.look_again()
        for key in heard.further:
            self._news.tell(key)
        for key, fence in heard.stale:
            await self._stop_stale(presence.builder, key, fence)
        if self._roster.free(presence.builder) > 0:
            self._dispatcher.bell.ring()

    def watching(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return the loops of one who only watches: it decides nothing and writes nothing."""
        return {"presences": self._overhear, "builders": self._look_on}

    async def _overhear(self) -> None:
        async for announcement in self._ports.bus.presences():
            presence = self._read(announcement)
            if presence is not None:
                self._roster.hear(presence)

    async def _look_on(self) -> None:
        self._last_tick = self._ports.ticks()
        while True:
            self._roster.refresh(await self._ports.builders.all())
            await self._count_time()
            for name in self._silent():
                self._roster.lose(name)
            await asyncio.sleep(self._rules.tick)

    def _silent(self) -> Sequence[str]:
        now, lease = self._roster.now, self._rules.lease
        return [name for name, heard in self._roster.present().items() if now - heard > lease]

    async def watch(self) -> None:
        """Look after leases, again and again."""
        self._last_tick = self._ports.ticks()
        while True:
            await self.tick()
            await asyncio.sleep(self._rules.tick)

    async def tick(self) -> None:
        """Count the time that was listened, prolong what is vouched for, take back what is not."""
        await self._count_time()
        if self._roster.now - self._renewed >= self._rules.lease / 4:
            await self._renew()
            await self._find_strays()
            self._renewed = self._roster.now
        for name in self._silent():
            await self._lose(name)
        for held in self._roster.held():
            if self._roster.now - held.vouched > self._rules.lease:
                await self._take_back(held)

    async def _count_time(self) -> None:
        now = self._ports.ticks()
        passed, self._last_tick = now - self._last_tick, now
        if await self._ports.reachable():
            self._roster.now += min(passed, _LATE_TICKS * self._rules.tick)

    async def _renew(self) -> None:
        """Prolong all leases that builders vouched for since the last time; who lost one is told."""
        vouched = [one for one in self._roster.held() if one.vouched >= self._renewed]
        fences = [(one.key, one.fence) for one in vouched]
        if not fences:
            return
        lost = await self._ports.queue.renew_all(fences, seconds=self._rules.lease)
        for key, fence in lost:
            held = self._roster.end(key, fence)
            if held is not None:
                await self._speaker.stop(held.builder, key, fence, "its lease was lost")

    async def _find_strays(self) -> None:
        """Look after leases that are in the database and that nobody here knows of.

        A leader that is cut off while it takes one has it all the same, and whoever leads next may have read
        leases before that. What is strange twice is one of these; the first time it may be on its way here.
        """
        strays: dict[Fence, float] = {}
        for queued, lease in await self._ports.queue.leased():
            fence = (lease.key, lease.fence)
            if self._roster.lease(*fence) is not None:
                continue
            if fence in self._strays:
                self._roster.grant(Held(queued=queued, vouched=self._strays[fence]))
            else:
                strays[fence] = self._roster.now
        self._strays = strays

    async def _lose(self, name: str) -> None:
        """Give the jobs of a builder that is not heard of any more to others."""
        keys = await self._ports.queue.expire_of(name)
        self._roster.lose(name)
        await self._ports.events.write(Action.BUILDER_LOST, name, jobs=len(keys))
        for held in self._roster.held():
            if held.builder == name:
                self._roster.end(held.key, held.fence)
        for key in keys:
            await self._ports.events.write(Action.JOB_LOST, key, actor=name)
            self._news.tell(key)
        self._dispatcher.look_again()

    async def _take_back(self, held: Held) -> None:
        """Take a lease back that nobody vouches for: its builder is gone, or lives and does not know of it."""
        if held.builder not in self._roster.present():
            await self._lose(held.builder)
            return
        self._roster.end(held.key, held.fence)
        reason = f"{held.builder} is there and does not run it"
        if await self._ports.queue.hand_back(held.key, held.fence, reason):
            await self._ports.events.write(Action.JOB_LOST, held.key, actor=held.builder)
            self._news.tell(held.key)
            self._dispatcher.look_again()

    def _read(self, announcement: Announcement) -> Presence | None:
        try:
            word = decode_word(announcement.content)
        except ProtocolError as error:
            _LOG.warning("presence of %s refused: %s", announcement.builder, error.message)
            return None
        if not isinstance(word, Presence) or word.builder != announcement.builder:
            _LOG.warning("presence of %s refused: it is not its own", announcement.builder)
            return None
        return word

    async def _learn(self, presence: Presence) -> None:
        """Look whether an unknown builder was enrolled since builders were read the last time."""
        self._roster.refresh(await self._ports.builders.all())
        if self._roster.get(presence.builder) is None:
            _LOG.warning("presence of %s refused: it is not enrolled", presence.builder)

    async def _keep(self, builder: Builder, *, came: bool) -> None:
        self._kept[builder.name] = self._roster.now
        await self._ports.builders.hear(replace(builder, heard=self._ports.clock.now()))
        if not came:
            return
        await self._ports.events.write(Action.BUILDER_HEARD, builder.name)
        if builder.mode is not Mode.ACTIVE:
            # It starts as active by itself, and may have slept while it was told.
            await self._speaker.tell_mode(builder.name, builder.mode, builder.reason)

    async def _stop_stale(self, builder: str, key: BuildKey, fence: int) -> None:
        """Have a builder kill what is not its job any more; the database has the last word about that."""
        queued = await self._ports.queue.queued(key)
        job = queued.job if queued is not None else None
        mine = job is not None and (job.state, job.builder, job.fence) == (
            State.LEASED,
            builder,
            fence,
        )
        if queued is not None and mine:
            self._roster.grant(Held(queued=queued, vouched=self._roster.now))
            return
        if job is not None and job.accepted and (job.builder, job.fence) == (builder, fence):
            # Its result was taken in; it is told so when it says it again, and what a crash lost is made up for then.
            return
        await self._speaker.stop(builder, key, fence, "its lease was lost")
