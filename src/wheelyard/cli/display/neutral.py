"""Text of strangers on a terminal: a build's output may move the cursor, rename the window or worse.

Colours and line ends stay. Everything else that a terminal would obey, and what turns the direction of
reading, is written out instead.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

RESET = "\x1b[0m"
_COLOUR = r"\x1b\[[0-9;:]*m"
_OBEYED = re.compile(rf"({_COLOUR})|\r\n?|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def neutral(text: str, *, colours: bool = False) -> str:
    """Write out what a terminal would obey; without ``colours`` these are left out, too."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1] if colours else ""
        return "\n" if match[0].startswith("\r") else _written(match[0])

    return _OBEYED.sub(replaced, text)


def neutral_stream(chunks: Iterable[bytes]) -> Iterator[str]:
    """Do the same, with colours, for bytes that come in pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for chunk in chunks:
        text = rest + decoder.decode(chunk)
        # A sequence, or the end of a line, may go on in the next piece.
        cut = max(text.rfind("\n") + 1, len(text) - _LONGEST)
        text, rest = text[:cut], text[cut:]
        yield neutral(text, colours=True)
    yield neutral(rest + decoder.decode(b"", final=True), colours=True)


_LONGEST = 64
"""No colour is set by more characters than that."""


def _written(character: str) -> str:
    code = ord(character)
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004 - the control characters of ASCII
        return f"^{chr(code ^ 0x40)}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - of one byte
