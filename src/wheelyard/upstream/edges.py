"""Which releases of a resolution require which others.

Worked out from the same metadata that was resolved, with the extras that somebody asked for.
"""

from collections.abc import Callable, Iterable
from itertools import chain

from wheelyard.model.release import ProjectName, Release
from wheelyard.upstream.query_lines import QueryLines
from wheelyard.upstream.target_metadata import CoreMetadata, Need


def edges(
    pins: Iterable[Release], lines: QueryLines, metadata: Callable[[Release], CoreMetadata]
) -> dict[ProjectName, tuple[ProjectName, ...]]:
    """Return, for each pinned project, the pinned projects that it requires, sorted."""
    pinned = {release.project: metadata(release) for release in pins}
    found: dict[ProjectName, set[ProjectName]] = {project: set() for project in pinned}
    asked: dict[ProjectName, set[str]] = {}
    waiting = list(chain.from_iterable(map(lines.applied, lines.roots)))
    while waiting:
        need = waiting.pop()
        if need.project not in pinned:
            continue
        fresh = set(need.extras) - asked.get(need.project, set())
        if need.project not in asked:
            fresh.add("")
        asked.setdefault(need.project, set()).update(fresh)
        for further in _with_extras(pinned[need.project].needs, fresh, lines):
            found[need.project].add(further.project)
            waiting.append(further)
    return {
        project: tuple(sorted((needed & pinned.keys()) - {project}))
        for project, needed in found.items()
    }


def _with_extras(needs: Iterable[Need], extras: set[str], lines: QueryLines) -> Iterable[Need]:
    return chain.from_iterable(lines.applied(need) for need in needs if need.extra in extras)
