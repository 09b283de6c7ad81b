"""Why a build failed, in a phrase taken from its log.

Logs are written by strangers: the cost of reading one grows with its length and with nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from wheelyard.jobs.reason_pattern import Pattern, Rank
from wheelyard.jobs.reason_patterns import NO_SOLUTION, SYSTEM_PATTERNS
from wheelyard.jobs.reason_patterns_python import PACKAGE_PATTERNS
from wheelyard.model.job import Outcome

PATTERNS = (*SYSTEM_PATTERNS, *PACKAGE_PATTERNS)
"""Every pattern; the more specific ones stand first."""

_MOST_LETTERS = 4 << 20
_LINE_BEFORE = 300
_LINE_AFTER = 600

_UNSOLVABLE = re.compile(
    rf"{re.escape(NO_SOLUTION)}|no channel has .{{1,100}} as it is required|no matching distribution for "
)
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\r": "\n"})
_PROBES = re.compile(r"conftest|configtest|CMakeTmp|CheckFunctionExists|meson-private|testfile")
"""Files that a configure step compiles to see whether something is there; their errors are answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: a phrase for a table, what to do, the outcome that it makes, and the line that said so.

    ``system``: the machine lacks something, so that no other build requirements would help.
    """

    phrase: str
    outcome: Outcome
    hint: str = ""
    line: str = ""
    system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    pattern: Pattern
    rank: Rank
    position: int
    groups: dict[str, str]
    line: str


def is_unsolvable(reason: str) -> bool:
    """Whether a reason says that requirements cannot be met, so that nothing is wrong with the build itself."""
    return _UNSOLVABLE.search(reason) is not None


def reason_of(log_tail: str) -> Reason | None:
    """Name the cause that the end of a log shows, or return None.

    A machine that gave out explains everything else; then the earliest cause counts, for what
    follows is its consequence; symptoms and last words speak only where no cause was seen.
    """
    text = _COLOURS.sub("", log_tail[-_MOST_LETTERS:]).translate(_QUOTES)
    best: _Sighting | None = None
    for pattern in PATTERNS:
        if best is not None and pattern.rank > best.rank:
            continue
        for sighting in _sightings(text, pattern):
            if best is None or _order(sighting) < _order(best):
                best = sighting
    return None if best is None else _reason(best)


def _order(sighting: _Sighting) -> tuple[int, int]:
    """Sort by rank and place; what was the last to be said before the end is the best last word."""
    backwards = sighting.rank is Rank.LAST_WORDS
    return (sighting.rank, -sighting.position if backwards else sighting.position)


def _sightings(text: str, pattern: Pattern) -> Iterator[_Sighting]:
    """Find the one or two lines of a pattern that may count: the first, or the first outside a probe."""
    backwards = pattern.rank is Rank.LAST_WORDS
    for needle in pattern.needles:
        for start, end in _lines_with(text, needle, backwards=backwards):
            line = text[start:end]
            match = _compiled(pattern.regex).search(line)
            if match is None:
                continue
            rank = pattern.rank
            probe = rank is Rank.CAUSE and _PROBES.search(line) is not None
            yield _Sighting(
                pattern=pattern,
                rank=Rank.SYMPTOM if probe else rank,
                position=start,
                groups={name: found or "" for name, found in match.groupdict().items()},
                line=line.strip(),
            )
            if not probe:
                break


def _lines_with(text: str, needle: str, *, backwards: bool) -> Iterator[tuple[int, int]]:
    """List the lines with a needle, cut to what is near it; a letter is looked at a few times at most."""
    low, high = 0, len(text)
    while True:
        found = text.rfind(needle, low, high) if backwards else text.find(needle, low, high)
        if found < 0:
            return
        earliest = max(0, found - _LINE_BEFORE)
        start = text.rfind("\n", earliest, found) + 1 or earliest
        end = text.find("\n", found, found + _LINE_AFTER)
        end = min(found + _LINE_AFTER, len(text)) if end < 0 else end
        yield start, end
        if backwards:
            high = start
        else:
            low = end


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _reason(sighting: _Sighting) -> Reason:
    pattern = sighting.pattern
    if pattern.explain is None:
        phrase = pattern.phrase.format_map(sighting.groups)
        hint = pattern.hint.format_map(sighting.groups)
    else:
        phrase, hint = pattern.explain(next(filter(None, sighting.groups.values()), ""))
    return Reason(
        phrase=" ".join(phrase.split()),
        outcome=pattern.outcome,
        hint=hint,
        line=sighting.line,
        system=pattern in SYSTEM_PATTERNS,
    )
