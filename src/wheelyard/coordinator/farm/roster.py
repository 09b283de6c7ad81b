"""Builders as the coordinator that leads sees them: who is there, what each runs, how many more it takes.

All of it can be had again: builders announce themselves every few seconds, and leases are in the
database. Times are those of the leader's own listening (``leases``), not of any clock.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.needs import Needs, meets
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder, FactValue, Mode, Tier
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, StepName
from wheelyard.protocol.messages import Presence

Fence = tuple[BuildKey, int]
_TOLD_SECONDS = 10.0
"""For so long a builder may say that it holds what it was told to forget: both words cross on their way."""
_DELIVERING = StepName.DELIVER.value


@dataclass(slots=True, kw_only=True)
class Held:
    """A lease of a builder, and its job as it was when that was taken.

    ``vouched``: when its builder last said that it runs it, or got it.
    """

    queued: QueuedJob
    vouched: float
    probe: bool = False
    step: str = ""
    seconds: float = 0.0
    caught: Caught | None = None

    @property
    def key(self) -> BuildKey:
        """Its job."""
        return self.queued.job.key

    @property
    def fence(self) -> int:
        """Its fence."""
        return self.queued.job.fence

    @property
    def builder(self) -> str:
        """Whose it is."""
        return self.queued.job.builder

    @property
    def owner(self) -> str:
        """Who wanted the job first."""
        return self.queued.terms.owner


@dataclass(slots=True, kw_only=True)
class Seen:
    """A builder and what was heard of it since this coordinator leads; ``presence`` None: nothing.

    ``running`` is what it said that it runs, ``delivering`` what of that takes no slot any more, ``settled``
    what of the rest has ended since. ``held`` are its leases, ``told`` those that it was told the end of, and when.
    """

    builder: Builder
    presence: Presence | None = None
    heard: float = 0.0
    running: set[Fence] = field(default_factory=set)
    delivering: set[Fence] = field(default_factory=set)
    settled: set[Fence] = field(default_factory=set)
    held: dict[Fence, Held] = field(default_factory=dict)
    told: dict[Fence, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a presence changed.

    ``stale``: fences that it runs but that are not known to be its own. ``further``: jobs whose compilers came further.
    """

    came: bool
    changed: bool
    facts_changed: bool
    stale: tuple[Fence, ...]
    further: tuple[BuildKey, ...] = ()


class Roster:
    """Who is there and what each has. ``now`` is for how many seconds its coordinator has listened."""

    def __init__(self) -> None:
        self.now = 0.0
        self._seen: dict[str, Seen] = {}
        self._held: dict[Fence, Held] = {}
        self._facts_changed = asyncio.Event()

    async def wait_for_facts(self) -> None:
        """Wait until a builder has other facts than before, came to be known, or is known no more."""
        await self._facts_changed.wait()

    def _tell_facts(self) -> None:
        self._facts_changed.set()
        self._facts_changed = asyncio.Event()

    def refresh(self, builders: Iterable[Builder]) -> None:
        """Take what the database says of builders: their modes, tiers and owners."""
        known = {builder.name: builder for builder in builders}
        before = {name: _standing(seen.builder) for name, seen in self._seen.items()}
        for name in self._seen.keys() - known.keys():
            del self._seen[name]
        for name, builder in known.items():
            seen = self._seen.setdefault(name, Seen(builder=builder))
            seen.builder = builder
        if before != {name: _standing(builder) for name, builder in known.items()}:
            self._tell_facts()

    def hear(self, presence: Presence) -> Heard | None:
        """Take a presence; None where no such builder may be there."""
        seen = self._seen.get(presence.builder)
        if seen is None or seen.builder.mode is Mode.REVOKED:
            return None
        before, seen.presence, seen.heard = seen.presence, presence, self.now
        seen.running = {(one.key, one.fence) for one in presence.running}
        seen.delivering = {(o.key, o.fence) for o in presence.running if o.step == _DELIVERING}
        seen.settled = set()
        seen.told = {k: at for k, at in seen.told.items() if self.now - at < _TOLD_SECONDS}
        stale, further = [], []
        for one in presence.running:
            held = self._held.get((one.key, one.fence))
            if held is not None and held.builder == presence.builder:
                if one.caught not in {None, held.caught}:
                    further.append(one.key)
                held.vouched, held.step, held.seconds = self.now, one.step, one.seconds
                held.caught = one.caught
            elif (one.key, one.fence) not in seen.told:
                stale.append((one.key, one.fence))
        known = seen.builder
        seen.builder = replace(
            known, facts=presence.facts, health=presence.health, session=presence.session
        )
        if known.facts != presence.facts:
            self._tell_facts()
        return Heard(
            came=before is None or before.session != presence.session,
            changed=_lasting(known) != _lasting(seen.builder),
            facts_changed=known.facts != presence.facts,
            stale=tuple(stale),
            further=tuple(further),
        )

    def lose(self, name: str) -> None:
        """Forget that a builder is there."""
        seen = self._seen.get(name)
        if seen is not None:
            seen.presence, seen.running, seen.delivering = None, set(), set()
            seen.settled, seen.told = set(), {}

    def grant(self, held: Held) -> None:
        """Note that a builder got a lease."""
        self._held[held.key, held.fence] = held
        if held.builder in self._seen:
            self._seen[held.builder].held[held.key, held.fence] = held

    def end(self, key: BuildKey, fence: int) -> Held | None:
        """Note that a lease is over."""
        held = self._held.pop((key, fence), None)
        seen = self._seen.get(held.builder) if held is not None else None
        if seen is not None:
            seen.held.pop((key, fence), None)
            seen.settled |= {(key, fence)} & (seen.running - seen.delivering)
        return held

    def told(self, name: str, key: BuildKey, fence: int) -> None:
        """Note that a builder was told what became of a result."""
        if name in self._seen:
            self._seen[name].told[key, fence] = self.now

    def lease(self, key: BuildKey, fence: int) -> Held | None:
        """Return a lease."""
        return self._held.get((key, fence))

    def held(self) -> Sequence[Held]:
        """Return all leases."""
        return list(self._held.values())

    def holder(self, key: BuildKey) -> Held | None:
        """Return the lease of a job."""
        return next((one for one in self._held.values() if one.key == key), None)

    def get(self, name: str) -> Builder | None:
        """Return a builder."""
        seen = self._seen.get(name)
        return seen.builder if seen is not None else None

    def put(self, builder: Builder) -> None:
        """Take what became of a builder."""
        seen = self._seen.get(builder.name)
        if seen is not None:
            seen.builder = builder

    def present(self) -> Mapping[str, float]:
        """Return the builders that are there, and when they were last heard of."""
        return {name: seen.heard for name, seen in self._seen.items() if seen.presence is not None}

    def free(self, name: str) -> int:
        """Return how many more jobs a builder would take: what it said, less what is on its way to it.

        What ran in a slot and was settled since makes room again. What is on its way to the farm takes none,
        but a builder never holds more than twice as many leases as it has slots, whatever it says.
        """
        seen = self._seen[name]
        presence = seen.presence
        if presence is None or not presence.accepting or not presence.health.well:
            return 0
        under_way = len(seen.held.keys() - seen.running)
        free = presence.free - under_way + len(seen.settled)
        slots, in_slots = presence.facts.slots, len(seen.held.keys() - seen.delivering)
        return max(0, min(free, slots - in_slots, 2 * slots - len(seen.held)))

    def willing(self) -> Sequence[Builder]:
        """Return active builders with free slots, those that can do least first, so that others stay free."""
        found = [
            seen.builder
            for name, seen in self._seen.items()
            if seen.builder.mode is Mode.ACTIVE and self.free(name) > 0
        ]
        return sorted(found, key=lambda one: (len(one.facts.values), one.name))

    def in_quarantine(self) -> Sequence[Builder]:
        """Return builders that could have a probe now: there, and nothing runs on them."""
        return [
            seen.builder
            for name, seen in sorted(self._seen.items())
            if seen.builder.mode is Mode.QUARANTINED and self.free(name) > 0 and not seen.held
        ]

    def able(self, needs: Needs) -> Sequence[Builder]:
        """Return the builders that are there, or were lately, and could run a job now or soon."""
        return [
            seen.builder
            for seen in self._seen.values()
            if seen.presence is not None
            and seen.builder.mode is Mode.ACTIVE
            and meets(facts_of(seen.builder), needs)
        ]

    def strangers(self) -> bool:
        """Whether there is, or was, a builder whose word alone does not count."""
        return any(seen.builder.tier is Tier.STRANGER for seen in self._seen.values())

    def slots(self) -> int:
        """Return how many jobs all builders that are there run at once."""
        there = (seen for seen in self._seen.values() if seen.presence is not None)
        return sum(one.builder.facts.slots for one in there)

    def running_of_owners(self) -> Mapping[str, int]:
        """Return how many jobs run for each owner."""
        return Counter(held.owner for held in self._held.values())

    def standings(self) -> Sequence[Standing]:
        """Return all builders as a sentence about waiting needs them."""
        return [
            Standing(
                builder=seen.builder,
                free=self.free(name),
                present=seen.presence is not None,
                accepting=seen.presence.accepting if seen.presence is not None else True,
                why=seen.presence.why if seen.presence is not None else "",
            )
            for name, seen in sorted(self._seen.items())
            if seen.builder.mode is not Mode.REVOKED
        ]


def facts_of(builder: Builder) -> Mapping[str, FactValue]:
    """Return a builder's facts by name."""
    return dict(builder.facts.values)


def _standing(builder: Builder) -> tuple[object, ...]:
    """Return what it depends on whether a builder could run a job one day."""
    return builder.facts, builder.mode is Mode.REVOKED


def _lasting(builder: Builder) -> tuple[object, ...]:
    """Return what of an announcement is worth keeping: not the load of this moment."""
    return builder.facts, builder.session, builder.health.well, builder.health.reason
