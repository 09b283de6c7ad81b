"""How times, sizes and states are written on pages."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ("B", "kB", "MB", "GB", "TB")
_THOUSAND = 1000.0
_SHORT = 12


def duration(seconds: float | None) -> str:
    """Write a time that something took: ``0.4 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if seconds is None:
        return ""
    if seconds < 10:  # noqa: PLR2004 - below this, tenths say something
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        minutes, rest = divmod(round(seconds), _MINUTE)
        return f"{minutes} min {rest} s"
    if seconds < 2 * _DAY:
        hours, rest = divmod(round(seconds), _HOUR)
        return f"{hours} h {rest // _MINUTE} min"
    return f"{seconds / _DAY:.0f} days"


def size(count: float | None) -> str:
    """Write a number of bytes: ``312 kB``."""
    if count is None:
        return ""
    number = float(count)
    for unit in _UNITS[:-1]:
        if abs(number) < _THOUSAND:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.3g} {unit}"
        number /= _THOUSAND
    return f"{number:.3g} {_UNITS[-1]}"


def moment(value: datetime | None, now: datetime | None = None) -> Markup:
    """Write a moment for people and machines; with ``now``, how long ago it was."""
    if value is None:
        return Markup("never")
    exact = value.astimezone(UTC)
    shown = f"{exact:%Y-%m-%d %H:%M} UTC"
    if now is not None:
        shown = ago((now - exact).total_seconds())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"), f"{exact:%Y-%m-%d %H:%M:%S} UTC", shown
    )


def ago(seconds: float) -> str:
    """Write how long ago something was, or how soon it will be."""
    distance = abs(seconds)
    if distance < 5:  # noqa: PLR2004 - nobody counts these
        return "now"
    for least, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (0, "s")):
        if distance >= least:
            text = f"{distance // (least or 1):.0f} {unit}"
            break
    return f"{text} ago" if seconds > 0 else f"in {text}"


def short(text: str) -> str:
    """Write the beginning of a key or a digest."""
    return text.removeprefix("sha256:")[:_SHORT]


def count(number: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


_SYMBOLS = {
    "built": "✓",
    "covered": "◌",
    "done": "✓",
    "failed": "✗",
    "timed-out": "◔",
    "over-limit": "◔",
    "out-of-resources": "▲",
    "held": "⚑",
    "running": "▶",
    "leased": "▶",
    "waiting": "…",
    "ready": "…",
    "open": "…",
    "cancelled": "⊘",
    "skipped": "⊘",
    "not-applicable": "·",
    "published": "✓",
    "merged": "▶",
    "proposed": "▶",
    "awaiting-parents": "…",
    "awaiting-proposal": "…",
    "not-solvable": "✗",
    "needs-decision": "⚑",
    "paused": "⚑",
    "closed": "✓",
}


def sign(state: str) -> str:
    """Return the sign of a state, for where its word stands beside it or in what is read aloud."""
    return _SYMBOLS.get(state, "•")


def points(values: Sequence[Any], unit: float = 1.0) -> Sequence[tuple[str, float]]:
    """Return what is drawn of releases as the macro for bars takes it."""
    return [(one.version, one.value / unit) for one in values]


def state(name: str, label: str = "") -> Markup:
    """Write a state as a chip: told by its word and sign, and not by its colour alone."""
    return Markup('<span class="state {}"><span aria-hidden="true">{}</span> {}</span>').format(
        name, sign(name), label or name
    )


def lines(text: str) -> Markup:
    """Write text with its line breaks."""
    return Markup("<br>").join(map(escape, text.splitlines()))


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "duration": duration,
        "size": size,
        "moment": moment,
        "short": short,
        "count": count,
        "state": state,
        "lines": lines,
    }
)
