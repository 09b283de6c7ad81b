"""How far packages are from where a migration starts: the longest way, cycles cut."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def waves(children: Mapping[Node, Iterable[Node]], source: Node) -> list[list[Node]]:
    """Give what is reached from ``source``, by the longest way there; ``source`` is the first wave.

    An edge that leads back to where a way came from is cut. Members of a wave are in the order of
    their names. Nothing recurses.
    """
    order, cut = _order(children, source)
    depth: dict[Node, int] = {source: 0}
    for node in order:
        for child in children.get(node, ()):
            if child != node and (node, child) not in cut:
                depth[child] = max(depth.get(child, 0), depth[node] + 1)
    found: list[list[Node]] = [[] for _ in range(1 + max(depth.values()))]
    for node in sorted(depth, key=repr):
        found[depth[node]].append(node)
    return found


def _order(
    children: Mapping[Node, Iterable[Node]], source: Node
) -> tuple[list[Node], set[tuple[Node, Node]]]:
    """Give the nodes in topological order, and the edges that had to be cut for there to be one."""
    finished: list[Node] = []
    done: set[Node] = set()
    way, on_way = [(source, iter(_sorted(children, source)))], {source}
    cut: set[tuple[Node, Node]] = set()
    while way:
        node, ahead = way[-1]
        for child in ahead:
            if child in on_way:
                cut.add((node, child))
            elif child not in done:
                way.append((child, iter(_sorted(children, child))))
                on_way.add(child)
                break
        else:
            way.pop()
            on_way.discard(node)
            done.add(node)
            finished.append(node)
    return finished[::-1], cut


def _sorted(children: Mapping[Node, Iterable[Node]], node: Node) -> list[Node]:
    return sorted(children.get(node, ()), key=repr)
