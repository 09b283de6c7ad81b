"""The members of a static library (``ar``, in the forms of System V and BSD), without unpacking it."""

from collections.abc import Iterator

MAGIC = b"!<arch>\n"

_HEADER, _NAME, _SIZE = 60, 16, slice(48, 58)
_INDEXES = (b"/", b"//", b"/SYM64/", b"__.SYMDEF", b"__.SYMDEF SORTED")


def members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes; what is no static library, or the rest of a broken one, has none."""
    if not content.startswith(MAGIC):
        return
    at, names = len(MAGIC), b""
    while at + _HEADER <= len(content):
        header = content[at : at + _HEADER]
        size = header[_SIZE].strip()
        if not size.isdigit():
            return
        at += _HEADER
        body = content[at : at + int(size)]
        at += int(size) + int(size) % 2
        name = header[:_NAME].rstrip()
        if name == b"//":
            names = body
        elif name not in _INDEXES:
            yield _named(name, body, names)


def _named(name: bytes, body: bytes, names: bytes) -> tuple[str, bytes]:
    if name.startswith(b"#1/") and name[3:].isdigit():
        length = int(name[3:])
        return body[:length].rstrip(b"\0").decode(errors="replace"), body[length:]
    if name.startswith(b"/") and name[1:].isdigit():
        name = names[int(name[1:]) :].partition(b"\n")[0]
    return name.rstrip(b"/").decode(errors="replace"), body
