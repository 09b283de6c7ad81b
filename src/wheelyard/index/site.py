"""The pages for people: what stands at ``/``, and what is said where there is nothing.

No script, no font, no image and no request to anybody else: the content security policy allows
only the one style sheet below, by its hash.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .25rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8886; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'".encode(),
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A project on the front page."""

    project: str
    newest: str
    files: int


def front_page(address: str, rows: Iterable[Row], *, more: int, channel: bool = False) -> bytes:
    """Write the page at ``/``; ``more`` projects have no row; ``channel``: there is a conda channel beside."""
    table = "".join(
        f'<tr><td><a href="simple/{escape(row.project)}/">{escape(row.project)}</a></td>'
        f"<td>{escape(row.newest)}</td><td>{row.files}</td></tr>\n"
        for row in rows
    )
    return page_for_people(
        "wheelyard index",
        "<p>Wheels that were built from source on this farm. To install from here:</p>\n"
        f"<pre>pip install --index-url {escape(address)} PROJECT\n"
        f"uv pip install --default-index {escape(address)} PROJECT</pre>\n"
        + (_TABLE.format(rows=table) if table else _EMPTY)
        + (f'<p>… and {more} more: <a href="simple/">all projects</a>.</p>' if more else "")
        + (_CHANNEL if channel else ""),
    )


def message_page(title: str, sentences: Iterable[str]) -> bytes:
    """Write a page that says what is wrong and what to do."""
    return page_for_people(
        title, "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences if sentence)
    )


_TABLE = """<table>
<thead><tr><th>Project</th><th>Newest version</th><th>Files</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
"""
_CHANNEL = '<p>Conda packages are in <a href="conda/">the channel beside it</a>.</p>\n'
_EMPTY = (
    "<p>Nothing is published yet: <code>wheelyard build PROJECT</code> builds and publishes.</p>\n"
)


def page_for_people(title: str, body: str) -> bytes:
    """Write a page; ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}</body>\n</html>\n"
    ).encode()
