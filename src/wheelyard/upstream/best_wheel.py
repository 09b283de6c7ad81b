"""Which of a release's wheels an installer takes (PEP 425)."""

from collections.abc import Iterable, Mapping

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from wheelyard.model.source import FileEntry


def best_wheel(wheels: Iterable[FileEntry], tags: Mapping[Tag, int]) -> FileEntry | None:
    """Return the best of some wheels; ``tags`` gives each supported tag its rank, 0 first."""
    ranked = [
        (rank, wheel) for wheel in wheels if (rank := _rank(wheel.filename, tags)) is not None
    ]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _rank(filename: str, tags: Mapping[Tag, int]) -> tuple[int, int, str] | None:
    try:
        _, _, build, own = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None
    ranks = [tags[tag] for tag in own if tag in tags]
    # Of wheels with the same tags the one with the higher build number wins.
    number, text = build or (0, "")
    return (min(ranks), -number, text) if ranks else None
