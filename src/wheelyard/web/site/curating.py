"""What people decide about the index, by forms: yanks, statuses of projects, names of snapshots."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from wheelyard.model.listing import Status
from wheelyard.web.access import OPERATORS
from wheelyard.web.curation import IndexDecisions, NewStatus, Yank, decisions
from wheelyard.web.endpoint import Call
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.page import Deed

_INDEX = "/index"


class CuratingForms:
    """Takes decisions from people."""

    def __init__(self, decided: IndexDecisions) -> None:
        self._decided = decided

    async def yank(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let installers take a file only where it is pinned."""
        return await self._yank(call, reason=fields.get("reason", ""))

    async def unyank(self, call: Call, _: Mapping[str, str]) -> str:
        """Take that back."""
        return await self._yank(call, undo=True)

    async def status(self, call: Call, fields: Mapping[str, str]) -> str:
        """Give a project a status."""
        project, reason = call.place("project"), fields.get("reason", "")
        try:
            status = msgspec.convert(fields.get("status", ""), Status)
        except msgspec.ValidationError as error:
            known = ", ".join(one.value for one in Status)
            raise Refusal(
                422, "that is no status of a project", f"Choose one of {known}."
            ) from error
        wanted = NewStatus(project=project, status=status, reason=reason)
        await self._decided.set_status(call.bearer.subject, wanted)
        return f"/projects/{quote(project)}"

    async def move(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let a name stand for what is published now, or for another snapshot."""
        name, source = fields.get("name", "").strip(), fields.get("source", "").strip()
        await self._decided.move(call.bearer.subject, name, source)
        return _INDEX

    async def roll_back(self, call: Call, _: Mapping[str, str]) -> str:
        """Let a name stand for what it stood for before."""
        await self._decided.roll_back(call.bearer.subject, call.place("name"))
        return _INDEX

    async def remove(self, call: Call, _: Mapping[str, str]) -> str:
        """Forget a name."""
        await self._decided.remove(call.bearer.subject, call.place("name"))
        return _INDEX

    async def _yank(self, call: Call, *, reason: str = "", undo: bool = False) -> str:
        project, filename = call.place("project"), call.place("filename")
        wanted = Yank(filename=filename, reason=reason, undo=undo)
        await self._decided.yank(call.bearer.subject, wanted)
        return f"{_INDEX}/{quote(project)}/{quote(filename)}"


def deeds(ports: WebPorts) -> Sequence[Deed]:
    """Return where these forms are sent."""
    forms = CuratingForms(decisions(ports))
    file, name = "/index/{project}/{filename}", "/index/snapshots/{name}"
    rows = (
        (
            f"{file}/yank",
            forms.yank,
            "Let installers take a file only where it is pinned.",
            ("reason",),
        ),
        (f"{file}/unyank", forms.unyank, "Let installers take a file again.", ()),
        (
            "/projects/{project}/status",
            forms.status,
            "Give a project a status.",
            ("status", "reason"),
        ),
        ("/index/snapshots", forms.move, "Let a name stand for a snapshot.", ("name", "source")),
        (f"{name}/rollback", forms.roll_back, "Let a name stand for the snapshot before.", ()),
        (f"{name}/remove", forms.remove, "Forget the name of a snapshot.", ()),
    )
    return [
        Deed(path=path, do=do, says=says, allowed=OPERATORS, fields=fields)
        for path, do, says, fields in rows
    ]
