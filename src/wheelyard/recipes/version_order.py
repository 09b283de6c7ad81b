"""conda's order of versions.

A version is an epoch, parts and a local part; parts are split where digits and letters meet, letters
stand before numbers, ``dev`` before all and ``post`` after all (conda's ``VersionOrder``). ``-`` is read
as ``.`` (so is ``_``), which conda refuses or reads otherwise, because upstreams write both.
"""

import operator
import re
from collections.abc import Callable
from functools import lru_cache, total_ordering
from itertools import zip_longest

from wheelyard.errors import InvalidNameError

_PIECES = re.compile(r"\d+|[*]+|[^\d*]+")
_ALLOWED = re.compile(r"[*.+!_0-9a-z-]+")
_CLAUSE = re.compile(r"(==|!=|<=|>=|~=|<|>|=)?\s*([^\s,|]+)")

_SIGNS: dict[str, Callable[["Version", "Version"], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Part = tuple[int | str, ...]


@total_ordering
class Version:
    """A version in conda's order. Raises InvalidNameError for what can be none."""

    __slots__ = ("_epoch", "_local", "_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        bare = text.strip().lower()
        if not bare or not _ALLOWED.fullmatch(bare):
            raise InvalidNameError(f"{text!r} is not a version")
        epoch, mark, rest = bare.rpartition("!")
        if mark and not epoch.isdigit():
            raise InvalidNameError(f"{text!r} is not a version", hint="An epoch is a whole number.")
        self._epoch = int(epoch or 0)
        main, _, local = rest.partition("+")
        self._parts = _split(main)
        self._local = _split(local) if local else ()

    def _key(self) -> tuple[int, tuple[Part, ...], tuple[Part, ...]]:
        return self._epoch, self._parts, self._local

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and not _compare(self, other)

    def __lt__(self, other: "Version") -> bool:
        return _compare(self, other) < 0

    def __hash__(self) -> int:
        return hash(self._epoch)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


@lru_cache(maxsize=4096)
def version_of(text: str) -> Version:
    """Give a version, read once."""
    return Version(text)


def _split(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for one in re.split(r"[._-]", text):
        pieces: list[int | str] = []
        for piece in _PIECES.findall(one):
            if piece.isdigit():
                pieces.append(int(piece))
            else:
                pieces.append({"post": "\U0010ffff", "dev": "DEV"}.get(piece, piece))
        # A part that begins with a letter stands beside numbers as if 0 were before it.
        if pieces and isinstance(pieces[0], str):
            pieces.insert(0, 0)
        parts.append(tuple(pieces))
    return tuple(parts)


def _piece_key(piece: int | str) -> tuple[int, int, str]:
    """Order pieces: dev, letters, numbers, post."""
    if isinstance(piece, int):
        return 2, piece, ""
    if piece == "\U0010ffff":
        return 3, 0, ""
    return (0, 0, "") if piece == "DEV" else (1, 0, piece)


def _compare(left: Version, right: Version) -> int:
    if left._epoch != right._epoch:  # noqa: SLF001 - one value's own order
        return -1 if left._epoch < right._epoch else 1  # noqa: SLF001
    for one, other in ((left._parts, right._parts), (left._local, right._local)):  # noqa: SLF001
        for mine, theirs in zip_longest(one, other, fillvalue=()):
            for own, its in zip_longest(mine, theirs, fillvalue=0):
                first, second = _piece_key(own), _piece_key(its)
                if first != second:
                    return -1 if first < second else 1
    return 0


def satisfies(version: str, specification: str) -> bool:
    """Say whether a version fulfils a specification such as ``>=3.8,<4`` or ``1.2.*|2.*``."""
    return any(
        all(_clause(version, *found.groups(default="")) for found in _CLAUSE.finditer(choice))
        for choice in specification.split("|")
    )


def _clause(version: str, sign: str, text: str) -> bool:
    if text in ("*", ""):
        return True
    prefix = text.removesuffix("*").removesuffix(".")
    starts = version == prefix or version.startswith(prefix + ".")
    try:
        mine, other = version_of(version), version_of(prefix)
    except InvalidNameError:
        return False
    if sign in _SIGNS:
        return _SIGNS[sign](mine, other)
    if sign == "=" or text.endswith("*"):
        return starts is not (sign == "!=")
    if sign == "~=":
        return mine >= other and version.startswith(prefix.rpartition(".")[0] + ".")
    return (mine == other) is not (sign == "!=")
