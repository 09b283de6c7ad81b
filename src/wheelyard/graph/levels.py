"""Levels of a graph: how many steps each node is above those that need nothing."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from wheelyard.graph.cycles import components

Node = TypeVar("Node", bound=Hashable)


def levels(needs: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Return nodes by level; the members of a cycle share one. Nodes keep the order of the mapping.

    ``needs`` maps a node to those that it needs; what is not a key of it is left out.
    """
    groups = {node: part for part in components(needs) for node in part}
    depth: dict[Node, int] = {}
    for start in needs:
        stack = [start]
        while stack:
            node = stack[-1]
            if node in depth:
                stack.pop()
                continue
            part = groups.get(node, frozenset({node}))
            outside = {
                to for member in part for to in needs[member] if to in needs and to not in part
            }
            unknown = [to for to in outside if to not in depth]
            if unknown:
                stack += unknown
                continue
            level = 1 + max((depth[to] for to in outside), default=-1)
            depth.update(dict.fromkeys(part, level))
            stack.pop()
    found: list[list[Node]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for node in needs:
        found[depth[node]].append(node)
    return found
