"""Builders: who is there, what each has and runs, and what people decide about them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from wheelyard.farm_ports import BuilderStore, Role, TokenStore
from wheelyard.jobs.builder_life import BuilderEvent, Drained, Paused, Resumed, Revoked
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder
from wheelyard.protocol.messages import Presence
from wheelyard.web.access import ADMINISTRATORS, OPERATORS, READERS
from wheelyard.web.attendance import Attendance
from wheelyard.web.endpoint import Answering, Call, Endpoint, answered
from wheelyard.web.jobs import Why
from wheelyard.web.ports import Desk, WebPorts
from wheelyard.web.refusals import not_there


class RunningView(msgspec.Struct, kw_only=True):
    """What a builder says that it runs."""

    key: str
    fence: int
    step: str
    seconds: float


class BuilderView(msgspec.Struct, kw_only=True):
    """A builder as people see it. ``present``: it was heard of lately; ``why``: why it takes nothing."""

    name: str
    owner: str
    tier: str
    mode: str
    reason: str
    present: bool
    accepting: bool
    why: str
    free: int
    slots: int
    version: str
    facts: dict[str, Any]
    well: bool
    ailment: str
    load: float
    free_memory_bytes: int
    free_disk_bytes: int
    streak: int
    enrolled: datetime | None
    heard: datetime | None
    running: Sequence[RunningView]


class BuilderList(msgspec.Struct, kw_only=True):
    """All builders, by name."""

    builders: Sequence[BuilderView]


class BuilderBook:
    """Shows builders and passes on what people decide."""

    def __init__(
        self,
        *,
        builders: BuilderStore,
        tokens: TokenStore,
        desk: Desk,
        attendance: Attendance,
        admit: Callable[[], Awaitable[None]],
    ) -> None:
        self._admit = admit
        self._builders = builders
        self._tokens = tokens
        self._desk = desk
        self._attendance = attendance

    async def list(self, _: Call) -> Response:
        """Answer with all builders."""
        return answered(BuilderList(builders=await self.all()))

    async def show(self, call: Call) -> Response:
        """Answer with one."""
        return answered(await self.one(call.place("name")))

    async def all(self) -> Sequence[BuilderView]:
        """Return all builders, by name."""
        return await self._views(await self._builders.all())

    async def one(self, name: str) -> BuilderView:
        """Return one builder. Raises a Refusal."""
        builder = await self._builders.get(name)
        if builder is None:
            raise not_there("builder", name)
        return (await self._views([builder]))[0]

    async def pause(self, call: Call) -> Response:
        """Let it keep what it runs, and give it nothing new."""
        return await self._tell(call, Paused(reason=await _reason(call)))

    async def drain(self, call: Call) -> Response:
        """Let it finish what it runs, and leave."""
        return await self._tell(call, Drained(reason=await _reason(call)))

    async def resume(self, call: Call) -> Response:
        """Let it work again."""
        return await self._tell(call, Resumed())

    async def revoke(self, call: Call) -> Response:
        """Shut it out, and have its jobs run elsewhere."""
        return await self._tell(call, Revoked(reason=await _reason(call)))

    async def _tell(self, call: Call, event: BuilderEvent) -> Response:
        return answered(await self.tell(call, event))

    async def tell(self, call: Call, event: BuilderEvent) -> BuilderView:
        """Let something happen to the builder that the address names. Raises a Refusal."""
        name = call.place("name")
        builder = await self._desk.tell_builder(name, event, actor=call.bearer.subject)
        if builder is None:
            raise not_there("builder", name)
        if isinstance(event, Revoked):
            await self._tokens.revoke_of(Role.BUILDER, name)
            await self._admit()
        return (await self._views([builder]))[0]

    async def _views(self, builders: Sequence[Builder]) -> Sequence[BuilderView]:
        standings = {one.builder.name: one for one in await self._desk.standings()}
        there = self._attendance.present()
        return [_view(one, standings.get(one.name), there.get(one.name)) for one in builders]


def _view(builder: Builder, standing: Standing | None, presence: Presence | None) -> BuilderView:
    facts = presence.facts if presence is not None else builder.facts
    health = presence.health if presence is not None else builder.health
    return BuilderView(
        name=builder.name,
        owner=builder.owner,
        tier=builder.tier.value,
        mode=builder.mode.value,
        reason=builder.reason,
        present=presence is not None,
        accepting=presence.accepting if presence is not None else False,
        why=presence.why if presence is not None else "",
        free=standing.free if standing is not None else 0,
        slots=facts.slots,
        version=facts.version,
        facts=dict(facts.values),
        well=health.well,
        ailment=health.reason,
        load=health.load,
        free_memory_bytes=health.free_memory_bytes,
        free_disk_bytes=health.free_disk_bytes,
        streak=builder.streak,
        enrolled=builder.enrolled,
        heard=builder.heard,
        running=[
            RunningView(key=one.key, fence=one.fence, step=one.step, seconds=one.seconds)
            for one in (presence.running if presence is not None else ())
        ],
    )


async def _reason(call: Call) -> str:
    return (await call.value(Why)).reason


def book_of(ports: WebPorts, attendance: Attendance) -> BuilderBook:
    """Return the book of a farm's builders."""
    return BuilderBook(
        builders=ports.builders,
        tokens=ports.tokens,
        desk=ports.desk,
        attendance=attendance,
        admit=ports.admit,
    )


def endpoints(ports: WebPorts, attendance: Attendance) -> Sequence[Endpoint]:
    """Return what there is of builders."""
    book = book_of(ports, attendance)
    verbs: tuple[tuple[str, Answering, str, frozenset[Role]], ...] = (
        ("pause", book.pause, "Let a builder keep what it runs, and give it no more.", OPERATORS),
        ("drain", book.drain, "Let a builder finish what it runs, and leave.", OPERATORS),
        ("resume", book.resume, "Let a builder work again.", OPERATORS),
        ("revoke", book.revoke, "Shut a builder out; its jobs run elsewhere.", ADMINISTRATORS),
    )
    return (
        Endpoint(
            method="GET",
            path="/api/builders",
            allowed=READERS,
            answer=book.list,
            says="All builders, by name.",
            gives=BuilderList,
        ),
        Endpoint(
            method="GET",
            path="/api/builders/{name}",
            allowed=READERS,
            answer=book.show,
            says="A builder: what it has, how it fares, what it runs.",
            gives=BuilderView,
        ),
        *(
            Endpoint(
                method="POST",
                path=f"/api/builders/{{name}}/{verb}",
                allowed=allowed,
                answer=answer,
                says=says,
                body=Why,
                gives=BuilderView,
            )
            for verb, answer, says, allowed in verbs
        ),
    )
