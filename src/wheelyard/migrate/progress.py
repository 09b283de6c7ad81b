"""How a whole migration stands, kept up as things become known.

``learn`` takes what became known of one package and answers with those whose state is another one now: the
package itself and those right above it. It costs as much as the package has dependants.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

from wheelyard.graph.cuts import Cut
from wheelyard.graph.order import Layout, children_of
from wheelyard.migrate.membership import Membership
from wheelyard.migrate.states import NOTHING, Evidence, State

_WAITING = (State.AWAITING_PARENTS, State.AWAITING_PROPOSAL)


class Progress:
    """The states of all members. What is cut in cycles is decided once, with what is settled by then."""

    def __init__(self, members: Membership, evidence: Mapping[str, Evidence]) -> None:
        self.members = members
        self._evidence = {node: evidence.get(node, NOTHING) for node in members.parents}
        settled = [node for node, known in self._evidence.items() if known.settled]
        self.cut: frozenset[Cut] = members.without(settled)
        not_waited = self.cut | members.ignored
        self._parents = {
            node: tuple(one for one in parents if (one, node) not in not_waited)
            for node, parents in members.parents.items()
        }
        self._children = children_of(self._parents)
        self._missing = {
            node: sum(not self._evidence[one].counts for one in parents)
            for node, parents in self._parents.items()
        }
        self._states = {node: self._found(node) for node in self._parents}
        self._ready = {
            node for node, state in self._states.items() if state is State.AWAITING_PROPOSAL
        }

    @cached_property
    def layout(self) -> Layout:
        """The members as a graph, cycles and all."""
        return Layout(self.members.parents)

    @property
    def ready(self) -> frozenset[str]:
        """Those that a proposal is to be made for."""
        return frozenset(self._ready)

    @property
    def states(self) -> Mapping[str, State]:
        """Every member with its state."""
        return self._states

    def state(self, package: str) -> State:
        """Return where a member stands."""
        return self._states[package]

    def evidence(self, package: str) -> Evidence:
        """Return what is known of a member."""
        return self._evidence[package]

    def parents(self, package: str) -> tuple[str, ...]:
        """Return the members that one waits for, or waited for."""
        return self._parents[package]

    def children(self, package: str) -> tuple[str, ...]:
        """Return the members that wait, or waited, for one."""
        return tuple(self._children[package])

    def learn(self, package: str, known: Evidence) -> tuple[str, ...]:
        """Take what is known of a member now; return those whose state is another one, sorted."""
        before = self._evidence[package]
        self._evidence[package] = known
        touched = [package]
        if before.counts != known.counts:
            step = -1 if known.counts else 1
            for child in self._children[package]:
                self._missing[child] += step
                touched.append(child)
        return tuple(sorted(node for node in touched if self._renewed(node)))

    def _renewed(self, node: str) -> bool:
        state = self._found(node)
        if state is self._states[node]:
            return False
        self._states[node] = state
        if state is State.AWAITING_PROPOSAL:
            self._ready.add(node)
        else:
            self._ready.discard(node)
        return True

    def _found(self, node: str) -> State:
        return self._evidence[node].state(waits=self._missing[node] > 0)

    @property
    def finished(self) -> bool:
        """Whether every member is published: only then may the migration close."""
        return all(state is State.PUBLISHED for state in self._states.values())

    def counts(self) -> dict[State, int]:
        """Count the members by state, each state in its place."""
        found = dict.fromkeys(State, 0)
        for state in self._states.values():
            found[state] += 1
        return found

    def missing(self, package: str) -> tuple[str, ...]:
        """Return the parents that a member waits for still."""
        return tuple(one for one in self._parents[package] if not self._evidence[one].counts)

    def roots(self, package: str) -> tuple[str, ...]:
        """Return those that a member waits for in the end: none of them waits for parents itself."""
        seen, found, stack = {package}, set(), [package]
        while stack:
            for one in self.missing(stack.pop()):
                if one in seen:
                    continue
                seen.add(one)
                if self._states[one] is State.AWAITING_PARENTS:
                    stack.append(one)
                else:
                    found.add(one)
        return tuple(sorted(found))

    def blockers(self) -> list[tuple[str, int]]:
        """Return who keeps others waiting, with how many, those of most first."""
        held: dict[str, list[str]] = {
            node: [one for one in self.missing(node) if one in self._states]
            for node, state in self._states.items()
            if state is State.AWAITING_PARENTS
        }
        tops = {one for parents in held.values() for one in parents if one not in held}
        counts = Layout({**{one: [] for one in tops}, **held}).descendants
        return sorted(((one, counts[one]) for one in tops), key=lambda pair: (-pair[1], pair[0]))

    def waiting(self) -> Iterable[str]:
        """Return the members whose recipes nobody was asked to change yet."""
        return (node for node, state in self._states.items() if state in _WAITING)
