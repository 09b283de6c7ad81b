"""A plan as a tree of text: what each wheel needs, and why it is there."""

from collections.abc import Iterator

from wheelyard.model.way import WayKind
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import EdgeKind, Provision, State, Unit

_STAYS = frozenset({Provision.REUSED, Provision.COVERED})


def action(board: Board, unit: Unit) -> str:
    """Say what will be done about a unit."""
    if unit.provision is not None:
        return unit.provision.value
    match unit.state:
        case State.GATED:
            gate = board.gates.get(unit.id.release)
            probes = gate.probes() if gate is not None else ()
            return f"after the probe on {', '.join(str(probe.interpreter) for probe in probes)}"
        case State.FAILED:
            return f"cannot be planned: {unit.error.message}" if unit.error else "failed"
        case State.SKIPPED | State.NOT_APPLICABLE:
            return unit.state.value
        case State.RUNNING:
            return f"build{_by_way(unit)}, ready now"
        case _:
            return f"build{_by_way(unit)}"


def _by_way(unit: Unit) -> str:
    """Say which way a job goes, and why, where it is not built on a machine of its target's kind."""
    way = unit.way
    return "" if way.kind is WayKind.NATIVE else f" ({way.kind}: {way.why})"


def tree(board: Board, roots: list[UnitId]) -> Iterator[str]:
    """Yield the lines of the tree, a root after another; what was shown before is not opened again."""
    shown: set[UnitId] = set()
    for root in dict.fromkeys(roots):
        yield f"{_label(board, root, EdgeKind.REQUEST)}"
        yield from _branches(board, root, shown)


def _children(board: Board, key: UnitId) -> list[tuple[UnitId, EdgeKind]]:
    unit = board.units[key]
    runs = [(run, EdgeKind.RUN) for run in unit.runs]
    builds = [(build, EdgeKind.BUILD) for build in unit.builds]
    hosts = [(host, EdgeKind.HOST) for host in unit.hosts]
    known = {*unit.runs, *unit.builds, *unit.hosts}
    tests = [(test, EdgeKind.TEST) for test in unit.tests or () if test not in known]
    return [(child, kind) for child, kind in runs + builds + hosts + tests if child in board.units]


def _branches(board: Board, root: UnitId, shown: set[UnitId]) -> Iterator[str]:
    """Walk without recursion: a chain may be longer than Python's stack."""
    if root in shown:
        return
    shown.add(root)
    stack = [(iter(_with_last(_children(board, root))), "")]
    while stack:
        children, prefix = stack[-1]
        step = next(children, None)
        if step is None:
            stack.pop()
            continue
        child, kind, last = step
        again = child in shown and bool(_children(board, child))
        yield f"{prefix}{'└─' if last else '├─'} {_label(board, child, kind)}{' …' if again else ''}"
        if child not in shown:
            shown.add(child)
            below = prefix + ("   " if last else "│  ")
            stack.append((iter(_with_last(_children(board, child))), below))


def _with_last(
    children: list[tuple[UnitId, EdgeKind]],
) -> list[tuple[UnitId, EdgeKind, bool]]:
    count = len(children)
    return [(key, kind, number == count) for number, (key, kind) in enumerate(children, start=1)]


def _label(board: Board, key: UnitId, kind: EdgeKind) -> str:
    unit = board.units[key]
    edge = "" if kind is EdgeKind.REQUEST else f"{kind.value}: "
    name = f"{edge}{key.release.project} {key.release.version} {key.target.interpreter}"
    return f"{name} [{action(board, unit)}]"


def why(board: Board, key: UnitId) -> list[str]:
    """Return a sentence for each reason why a unit is in the plan."""
    sentences = []
    for reason in board.units[key].reasons:
        if reason.parent is None:
            sentences.append("it was asked for")
        elif reason.kind is EdgeKind.BUILD:
            sentences.append(f"{reason.parent} needs it to be built")
        elif reason.kind is EdgeKind.HOST:
            sentences.append(f"{reason.parent} is compiled against it")
        elif reason.kind is EdgeKind.TEST:
            sentences.append(f"{reason.parent} needs it to be tested")
        else:
            sentences.append(f"{reason.parent} needs it to run")
    return sentences
