"""The page of a conda channel for people, and the same as JSON."""

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

import msgspec

from wheelyard.index.site import page_for_people

_ROWS = 500
_FILES = 20


class ChannelRow(msgspec.Struct, kw_only=True, frozen=True):
    """A name of the channel: its newest version, where there are packages of it, and these, the newest first.

    ``about`` is the JSON that its newest package says of itself.
    """

    name: str
    newest: str
    subdirs: list[str]
    files: list[str]
    about: str


class _About(msgspec.Struct):
    summary: str = ""
    license: str = ""


class _Listed(msgspec.Struct, kw_only=True):
    name: str
    newest: str
    summary: str
    license: str
    subdirs: list[str]
    files: list[str]


class _Channel(msgspec.Struct, kw_only=True):
    packages: list[_Listed]


def channel_json(rows: Iterable[ChannelRow]) -> bytes:
    """Write what there is; files are addresses relative to the page."""
    return msgspec.json.encode(_Channel(packages=[_listed(row) for row in rows]))


def channel_page(address: str, rows: Sequence[ChannelRow]) -> bytes:
    """Write the page; ``address`` is the channel's own, as whoever reads the page wrote it."""
    shown = [_listed(row) for row in rows[:_ROWS]]
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


def _listed(row: ChannelRow) -> _Listed:
    about = msgspec.json.decode(row.about, type=_About)
    return _Listed(
        name=row.name,
        newest=row.newest,
        summary=about.summary,
        license=about.license,
        subdirs=row.subdirs,
        files=[quote(place) for place in row.files],
    )


def _table_row(row: _Listed) -> str:
    links = "<br>".join(
        f'<a href="{escape(place)}">{escape(place)}</a>' for place in row.files[:_FILES]
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
