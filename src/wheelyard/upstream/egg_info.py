"""``requires.txt`` of an egg-info folder, as setuptools writes it, as Requires-Dist lines.

Sections are ``[extra]``, ``[:marker]`` and ``[extra:marker]``; what stands before the first one is
required always.
"""

from packaging.markers import InvalidMarker, Marker

from wheelyard.upstream.core_metadata import extra_marker, with_marker


def requires_dist(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return requirements with their markers, and the names of the extras."""
    lines: list[str] = []
    extras: dict[str, None] = {}
    marker = ""
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            extra, _, condition = line[1:-1].partition(":")
            if extra.strip():
                extras[extra.strip()] = None
            marker = extra_marker(extra.strip(), _valid(condition.strip()))
        else:
            lines.append(with_marker(line, marker))
    return tuple(lines), tuple(extras)


def _valid(condition: str) -> str:
    try:
        return str(Marker(condition)) if condition else ""
    except InvalidMarker:
        # Old setuptools let anything through; a condition that nobody can read cannot narrow.
        return ""
