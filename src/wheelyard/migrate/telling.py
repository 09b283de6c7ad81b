"""Why a package of a migration stands where it does, in a sentence for people."""

from collections.abc import Sequence

from wheelyard.migrate.progress import Progress
from wheelyard.migrate.states import State

_NAMED = 5


def why(progress: Progress, package: str) -> str:
    """Say what a member waits for, or what became of it."""
    state, known = progress.state(package), progress.evidence(package)
    match state:
        case State.AWAITING_PARENTS:
            return _waits(progress, package)
        case State.AWAITING_PROPOSAL:
            return "everything below it is published; its proposal is next, or waits for the limit"
        case State.PROPOSED:
            return "its proposal waits for people"
        case State.MERGED:
            return "its recipe has the change; what is built with it is not published yet"
        case State.PUBLISHED if known.by_hand:
            return "it was migrated by hand, and counts"
        case State.PUBLISHED:
            return "what was built with the change is published"
        case State.FAILED:
            return known.failed
        case State.NOT_SOLVABLE:
            return known.not_solvable
        case State.NEEDS_DECISION:
            return "its proposal was closed without being merged: retry it, exclude it, or change it by hand"


def _waits(progress: Progress, package: str) -> str:
    parents = [f"{one} ({progress.state(one).value})" for one in progress.missing(package)]
    direct = f"waits for {listed(parents)}"
    roots = [one for one in progress.roots(package) if one not in progress.missing(package)]
    return f"{direct}; in the end for {listed(roots)}" if roots else direct


def listed(names: Sequence[str]) -> str:
    """Join names, of many the first ones only."""
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return ", ".join(names)
