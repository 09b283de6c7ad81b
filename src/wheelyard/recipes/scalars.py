"""Scalars of YAML as they are written."""

import re

_ESCAPES = {
    "n": "\n",
    "t": "\t",
    '"': '"',
    "\\": "\\",
    "/": "/",
    "0": "\0",
    " ": " ",
    "r": "\r",
    "e": "\x1b",
}
_ESCAPED = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|\r?\n[ \t]*|.)", re.DOTALL)
_NEEDS_QUOTES = re.compile(r"^$|^[\s#&*!|>%@`\"'\[\]{},?:-]|: |:$| #|\s$")


_BLOCK = re.compile(r"[|>][-+0-9]{0,3}[ \t]*(?:#[^\n]*)?\r?\n")
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]*")


def scalar_of(written: str) -> str:
    """Give a scalar as one line: without quotes, the lines of a block or of a long one joined."""
    if "\n" not in written:
        return unquoted(written)
    block = _BLOCK.match(written)
    if block:
        return _FOLD.sub(" ", written[block.end() :].strip())
    return unquoted(_FOLD.sub(" ", written))


def unquoted(written: str) -> str:
    """Give a scalar without its quotes and with its escapes followed."""
    if len(written) > 1 and written[0] == written[-1]:
        if written[0] == "'":
            return written[1:-1].replace("''", "'")
        if written[0] == '"':
            inner = written[1:-1]
            return _ESCAPED.sub(_escape, inner) if "\\" in inner else inner
    return written


def _escape(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return "" if code[0] in "\r\n" else _ESCAPES.get(code, found[0])


def quote_of(written: str) -> str:
    """Give the quote that a scalar is written in, or nothing."""
    return (
        written[0] if len(written) > 1 and written[0] == written[-1] and written[0] in "\"'" else ""
    )


def rewritten(written: str, value: str) -> str:
    """Write a value in the quotes of what stood there; quotes are added where YAML needs them."""
    quote = quote_of(written)
    if not quote and _NEEDS_QUOTES.search(value):
        quote = '"'
    if quote == "'":
        return f"'{value.replace(quote, quote * 2)}'"
    if quote:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
