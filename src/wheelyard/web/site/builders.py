"""Builders: what each is, has and does, its history, and what people decide about it."""

from collections.abc import Mapping, Sequence

import msgspec

from wheelyard.farm_ports import EventLog
from wheelyard.jobs.builder_life import BuilderEvent, Drained, Paused, Resumed, Revoked
from wheelyard.jobs.selection import Selection
from wheelyard.web.access import ADMINISTRATORS, OPERATORS
from wheelyard.web.attendance import Attendance
from wheelyard.web.builders import BuilderBook, BuilderView, book_of
from wheelyard.web.endpoint import Call
from wheelyard.web.happenings import HappeningView
from wheelyard.web.happenings import view_of as happening_view
from wheelyard.web.ports import Jobs, WebPorts
from wheelyard.web.site.job_views import AttemptReport, attempt_view
from wheelyard.web.site.page import Deed, Page

_HISTORY = 50


class BuilderPages(msgspec.Struct, kw_only=True):
    """All builders."""

    builders: Sequence[BuilderView]


class Tried(msgspec.Struct, kw_only=True):
    """An attempt that a builder made."""

    key: str
    release: str
    target: str
    attempt: AttemptReport


class BuilderPageView(msgspec.Struct, kw_only=True):
    """One builder, what it made lately, and what happened to it."""

    builder: BuilderView
    attempts: Sequence[Tried]
    events: Sequence[HappeningView]
    succeeded: float | None
    """The part of the shown attempts that were built; None where there are none."""


class BuildersSite:
    """Shows builders, and passes on what people decide."""

    def __init__(self, *, book: BuilderBook, jobs: Jobs, events: EventLog) -> None:
        self._book = book
        self._jobs = jobs
        self._events = events

    async def list(self, _: Call) -> BuilderPages:
        """Show all builders."""
        return BuilderPages(builders=await self._book.all())

    async def show(self, call: Call) -> BuilderPageView:
        """Show one builder."""
        name = call.place("name")
        builder = await self._book.one(name)
        found = await self._jobs.find_attempts(Selection(builder=name), limit=_HISTORY)
        views = [attempt_view(one, running=one.report is None) for one in found]
        ended = [one for one in views if one.finished is not None]
        built = sum(one.state == "built" for one in ended)
        return BuilderPageView(
            builder=builder,
            attempts=[
                Tried(key=one.key, release=str(one.release), target=str(one.target), attempt=view)
                for one, view in zip(found, views, strict=True)
            ],
            events=[
                happening_view(one)
                for one in await self._events.recent(subject=name, limit=_HISTORY)
            ],
            succeeded=built / len(ended) if ended else None,
        )

    async def pause(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let it keep what it runs, and give it nothing new."""
        return await self._tell(call, Paused(reason=fields.get("reason", "")))

    async def drain(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let it finish what it runs, and leave."""
        return await self._tell(call, Drained(reason=fields.get("reason", "")))

    async def resume(self, call: Call, _: Mapping[str, str]) -> str:
        """Let it work again."""
        return await self._tell(call, Resumed())

    async def revoke(self, call: Call, fields: Mapping[str, str]) -> str:
        """Shut it out."""
        return await self._tell(call, Revoked(reason=fields.get("reason", "")))

    async def _tell(self, call: Call, event: BuilderEvent) -> str:
        builder = await self._book.tell(call, event)
        return f"/builders/{builder.name}"


def pages(ports: WebPorts, attendance: Attendance) -> Sequence[Page | Deed]:
    """Return what there is of builders."""
    site = BuildersSite(book=book_of(ports, attendance), jobs=ports.jobs, events=ports.events)
    decided = (
        ("pause", site.pause, "Give a builder nothing new.", OPERATORS),
        ("drain", site.drain, "Let a builder finish, and leave.", OPERATORS),
        ("resume", site.resume, "Let a builder work again.", OPERATORS),
        ("revoke", site.revoke, "Shut a builder out.", ADMINISTRATORS),
    )
    return (
        Page(
            path="/builders",
            template="builders.html",
            title="Builders",
            show=site.list,
            says="All builders: what each is, has and does, and why one takes nothing.",
            follows=("builders", "jobs"),
        ),
        Page(
            path="/builders/{name}",
            template="builder.html",
            title="{builder.name}",
            show=site.show,
            says="One builder: what it has and runs, what it made, and what happened to it.",
            follows=("builder:{builder.name}", "jobs"),
        ),
        *(
            Deed(
                path=f"/builders/{{name}}/{verb}",
                do=do,
                says=says,
                allowed=allowed,
                fields=("reason",),
            )
            for verb, do, says, allowed in decided
        ),
    )
