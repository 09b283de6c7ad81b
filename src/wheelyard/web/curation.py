"""What people decide about the index: yanks, statuses, snapshots."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.responses import Response

from wheelyard.coordinator.channel import is_package
from wheelyard.coordinator.farm.actions import Action
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import EventLog
from wheelyard.model.listing import NamedSnapshot, ProjectStatus, Status
from wheelyard.model.release import project_name
from wheelyard.web.access import OPERATORS, READERS
from wheelyard.web.endpoint import Call, Endpoint, answered
from wheelyard.web.ports import CuratedArtifacts, PackageDoor, SnapshotDesk, WebPorts
from wheelyard.web.refusals import Refusal, not_there

_LONGEST = 500


class Yank(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file to yank, or not any more."""

    filename: str
    reason: str = ""
    undo: bool = False


class NewStatus(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A status for a project."""

    project: str
    status: Status
    reason: str = ""


class Promotion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a name is to stand for: a name or a number; empty: what is published now."""

    source: str = ""


class IndexChanged(msgspec.Struct, kw_only=True):
    """What became of a wish about the index."""

    changed: bool


class SnapshotView(msgspec.Struct, kw_only=True):
    """A name and its snapshot; ``before`` are the numbers of those that it stood for, the newest last."""

    name: str
    snapshot: int
    created: datetime
    files: int
    projects: int
    before: tuple[int, ...]


class SnapshotList(msgspec.Struct, kw_only=True):
    """All names of snapshots."""

    snapshots: list[SnapshotView]


class IndexDecisions:
    """Carries out what people decide, and writes down who did."""

    def __init__(
        self,
        *,
        artifacts: CuratedArtifacts,
        snapshots: SnapshotDesk | None,
        events: EventLog,
        packages: PackageDoor | None = None,
    ) -> None:
        self._artifacts = artifacts
        self._packages = packages
        self._snapshots = snapshots
        self._events = events

    async def yank(self, actor: str, wanted: Yank) -> None:
        """Yank a file, or take that back; solvers see no yanked conda package. Raises a Refusal."""
        reason = _checked(wanted.reason)
        if self._packages is not None and is_package(wanted.filename):
            wish = None if wanted.undo else reason
            if not await self._packages.remove(wanted.filename, wish, actor=actor):
                raise not_there("package", wanted.filename)
            return
        if not await self._artifacts.yank(wanted.filename, None if wanted.undo else reason):
            raise not_there("file", wanted.filename)
        action = Action.ARTIFACT_UNYANKED if wanted.undo else Action.ARTIFACT_YANKED
        await self._events.write(action, wanted.filename, actor=actor, reason=reason)

    async def set_status(self, actor: str, wanted: NewStatus) -> None:
        """Give a project a status. Raises a Refusal."""
        project = project_name(wanted.project)
        status = ProjectStatus(status=wanted.status, reason=_checked(wanted.reason))
        if not await self._artifacts.set_status(project, status):
            raise not_there("project", project)
        await self._events.write(
            Action.PROJECT_STATUS,
            project,
            actor=actor,
            status=status.status.value,
            reason=status.reason,
        )

    async def names(self) -> Sequence[NamedSnapshot]:
        """Return every name. Raises a Refusal where there are no snapshots."""
        return await self._desk().names()

    async def move(self, actor: str, name: str, source: str) -> NamedSnapshot:
        """Let a name stand for another snapshot; without a source, for what is published now."""
        desk = self._desk()
        named = await (desk.promote(source, name) if source else desk.create(name))
        return await self._moved(actor, named, source or "now")

    async def roll_back(self, actor: str, name: str) -> NamedSnapshot:
        """Let a name stand for what it stood for before. Raises a Refusal."""
        try:
            named = await self._desk().roll_back(name)
        except ConfigurationError as error:
            raise Refusal(409, error.message, error.hint) from error
        return await self._moved(actor, named, "before")

    async def remove(self, actor: str, name: str) -> None:
        """Forget a name. Raises a Refusal."""
        try:
            await self._desk().remove(name)
        except ConfigurationError as error:
            raise not_there("snapshot", name) from error
        await self._events.write(Action.SNAPSHOT_REMOVED, name, actor=actor)

    async def _moved(self, actor: str, named: NamedSnapshot, source: str) -> NamedSnapshot:
        await self._events.write(
            Action.SNAPSHOT_MOVED,
            named.name,
            actor=actor,
            snapshot=named.snapshot.id,
            source=source,
        )
        return named

    def _desk(self) -> SnapshotDesk:
        if self._snapshots is None:
            raise Refusal(404, "this farm keeps no snapshots")
        return self._snapshots


def decisions(ports: WebPorts) -> IndexDecisions:
    """Return the place where they are carried out, for programs and for people."""
    return IndexDecisions(
        artifacts=ports.artifacts,
        snapshots=ports.snapshots,
        events=ports.events,
        packages=ports.packages,
    )


class Curation:
    """Takes decisions from programs."""

    def __init__(self, decided: IndexDecisions) -> None:
        self._decided = decided

    async def yank(self, call: Call) -> Response:
        """Yank a file, or take that back."""
        await self._decided.yank(call.bearer.subject, await call.value(Yank))
        return answered(IndexChanged(changed=True))

    async def status(self, call: Call) -> Response:
        """Give a project a status."""
        await self._decided.set_status(call.bearer.subject, await call.value(NewStatus))
        return answered(IndexChanged(changed=True))

    async def list(self, _: Call) -> Response:
        """Answer with every name."""
        return answered(SnapshotList(snapshots=[_view(one) for one in await self._decided.names()]))

    async def move(self, call: Call) -> Response:
        """Let a name stand for what is published now, or for another snapshot."""
        wanted = await call.value(Promotion)
        named = await self._decided.move(call.bearer.subject, call.place("name"), wanted.source)
        return answered(_view(named))

    async def roll_back(self, call: Call) -> Response:
        """Let a name stand for what it stood for before."""
        named = await self._decided.roll_back(call.bearer.subject, call.place("name"))
        return answered(_view(named))

    async def remove(self, call: Call) -> Response:
        """Forget a name."""
        await self._decided.remove(call.bearer.subject, call.place("name"))
        return answered(IndexChanged(changed=True))


def _checked(reason: str) -> str:
    if len(reason) > _LONGEST or not reason.isprintable():
        raise Refusal(422, "the reason cannot be kept", f"{_LONGEST} characters, on one line.")
    return reason


def _view(named: NamedSnapshot) -> SnapshotView:
    snapshot = named.snapshot
    return SnapshotView(
        name=named.name,
        snapshot=snapshot.id,
        created=snapshot.created,
        files=snapshot.files,
        projects=snapshot.projects,
        before=named.earlier,
    )


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where people decide about the index."""
    desk = Curation(decisions(ports))
    return (
        Endpoint(
            method="POST",
            path="/api/index/yank",
            allowed=OPERATORS,
            answer=desk.yank,
            says="Let installers take a file only where it is pinned, or take that back.",
            body=Yank,
            gives=IndexChanged,
        ),
        Endpoint(
            method="POST",
            path="/api/index/status",
            allowed=OPERATORS,
            answer=desk.status,
            says="Give a project a status: active, archived, deprecated or quarantined.",
            body=NewStatus,
            gives=IndexChanged,
        ),
        *_snapshots(desk),
    )


def _snapshots(desk: Curation) -> Sequence[Endpoint]:
    return (
        Endpoint(
            method="GET",
            path="/api/snapshots",
            allowed=READERS,
            answer=desk.list,
            says="The names of snapshots and what they stand for.",
            gives=SnapshotList,
        ),
        Endpoint(
            method="POST",
            path="/api/snapshots/{name}",
            allowed=OPERATORS,
            answer=desk.move,
            says="Let a name stand for what is published now, or for the snapshot of another name.",
            body=Promotion,
            gives=SnapshotView,
        ),
        Endpoint(
            method="POST",
            path="/api/snapshots/{name}/rollback",
            allowed=OPERATORS,
            answer=desk.roll_back,
            says="Let a name stand for the snapshot before.",
            gives=SnapshotView,
        ),
        Endpoint(
            method="POST",
            path="/api/snapshots/{name}/remove",
            allowed=OPERATORS,
            answer=desk.remove,
            says="Forget a name, and the snapshots that no other name needs.",
            gives=IndexChanged,
        ),
    )
