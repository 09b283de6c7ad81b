"""The page of a conda channel for people, and the same as JSON."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Self
from urllib.parse import quote

import msgspec

from wheelyard.index.site import page_for_people
from wheelyard.model.channel import CondaPackage

_ROWS = 500
_FILES = 20


class ChannelFile(msgspec.Struct, kw_only=True, frozen=True):
    """A package's file; ``address`` is relative to the channel."""

    place: str
    address: str


class ChannelRow(msgspec.Struct, kw_only=True, frozen=True):
    """A name of the channel: its newest version, what that says of itself, and its files, the newest first."""

    name: str
    newest: str
    summary: str
    license: str
    subdirs: list[str]
    files: list[ChannelFile]

    @classmethod
    def of(cls, packages: Sequence[CondaPackage]) -> Self:
        """Make it of all packages of a name that solvers see, the newest first."""
        last = packages[0]
        about = msgspec.json.decode(last.about, type=_About)
        return cls(
            name=last.name,
            newest=last.version,
            summary=about.summary,
            license=about.license,
            subdirs=sorted({one.subdir for one in packages}),
            files=[ChannelFile(place=one.place, address=quote(one.place)) for one in packages],
        )


class _About(msgspec.Struct):
    summary: str = ""
    license: str = ""


class _Channel(msgspec.Struct, kw_only=True):
    packages: list[ChannelRow]


def channel_json(rows: Iterable[ChannelRow]) -> bytes:
    """Write what there is."""
    return msgspec.json.encode(_Channel(packages=list(rows)))


def channel_page(address: str, rows: Sequence[ChannelRow]) -> bytes:
    """Write the page; ``address`` is the channel's own, as whoever reads the page wrote it."""
    shown = rows[:_ROWS]
    table = _TABLE.format(rows="".join(map(_table_row, shown))) if shown else _EMPTY
    more = len(rows) - len(shown)
    return page_for_people(
        "wheelyard conda channel",
        "<p>Packages that were built from recipes on this farm, or brought here. To install from here:</p>\n"
        f"<pre>conda install --override-channels --channel {escape(address)} PACKAGE\n"
        f"micromamba install --override-channels --channel {escape(address)} PACKAGE</pre>\n"
        + table
        + (f"<p>… and {more} more, which channeldata.json lists.</p>\n" if more else "")
        + '<p><a href="channeldata.json">channeldata.json</a> · '
        '<a href="noarch/repodata.json">noarch/repodata.json</a></p>\n',
    )


def _table_row(row: ChannelRow) -> str:
    links = "<br>".join(
        f'<a href="{escape(one.address)}">{escape(one.place)}</a>' for one in row.files[:_FILES]
    )
    more = len(row.files) - _FILES
    return (
        f"<tr><td>{escape(row.name)}</td><td>{escape(row.newest)}</td>"
        f"<td>{escape(row.summary)}</td><td>{escape(row.license)}</td>"
        f"<td>{links}{f'<br>… and {more} more' if more > 0 else ''}</td></tr>\n"
    )


_TABLE = """<table>
<thead><tr><th>Package</th><th>Newest version</th><th>What it is</th><th>Licence</th><th>Files</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
"""
_EMPTY = (
    "<p>Nothing is in it yet: <code>wheelyard index conda add FILE</code> lets a package in, and so does "
    "<code>wheelyard build --git URL --channel</code>.</p>\n"
)
