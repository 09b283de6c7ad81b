"""The conda channel on a page: what is in it, and how to install from it."""

from collections.abc import Sequence

import msgspec

from wheelyard.index.channel_state import ChannelState, RenderedChannel
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.page import Page

_MOST = 500


class PackageFile(msgspec.Struct, kw_only=True):
    """A file of the channel; ``address`` is relative to the page."""

    place: str
    address: str


class PackageLine(msgspec.Struct, kw_only=True):
    """A name of the channel, in a line; its files are those that solvers see, the newest first."""

    name: str
    newest: str
    summary: str
    license: str
    subdirs: Sequence[str]
    files: Sequence[PackageFile]


class RemovedPackage(msgspec.Struct, kw_only=True):
    """A package that solvers don't see any more."""

    place: str
    reason: str


class ChannelView(msgspec.Struct, kw_only=True):
    """What is in the channel; ``more`` names have no line."""

    address: str
    name: str
    packages: Sequence[PackageLine]
    more: int
    removed: Sequence[RemovedPackage]


class ChannelPages:
    """Shows the channel."""

    def __init__(self, channel: RenderedChannel | None) -> None:
        self._channel = channel

    async def show(self, call: Call) -> ChannelView:
        """Show what is in it."""
        state = ChannelState() if self._channel is None else await self._channel.state()
        wanted = call.text("name")[:200]
        rows = [row for row in state.listed() if wanted.lower() in row.name]
        lines = [
            PackageLine(
                name=row.name,
                newest=row.newest,
                summary=row.summary,
                license=row.license,
                subdirs=row.subdirs,
                files=[PackageFile(place=one.place, address=one.address) for one in row.files],
            )
            for row in rows[:_MOST]
        ]
        return ChannelView(
            address=f"{str(call.request.base_url).rstrip('/')}/conda",
            name=wanted,
            packages=lines,
            more=len(rows) - len(lines),
            removed=_removed(state),
        )


def _removed(state: ChannelState) -> Sequence[RemovedPackage]:
    return [
        RemovedPackage(place=one.place, reason=one.removed)
        for _, found in sorted(state.packages.items())
        for _, one in sorted(found.items())
        if one.removed is not None
    ][:_MOST]


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where the channel is shown."""
    return (
        Page(
            path="/conda/",
            template="channel.html",
            title="Conda channel",
            show=ChannelPages(ports.channel).show,
            says="What is in the conda channel, and how to install from it.",
            query=(Parameter(name="name", says="Only names with this in them."),),
        ),
    )
