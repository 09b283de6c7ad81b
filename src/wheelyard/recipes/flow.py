"""Collections written in brackets: ``[a, b]`` and ``{a: b}``."""

from dataclasses import dataclass

import yaml

from wheelyard.recipes.spans import Replacement, Span

LONGEST_FLOW = 200_000
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowItem:
    """An item, or a key with its value: ``span`` is all of it, ``value`` what stands after the key."""

    key: str
    span: Span
    value: Span


def is_flow(text: str) -> bool:
    """Say whether a value is written in brackets; a template is not."""
    return text[:1] in ("[", "{") and text[:2] not in ("{{", "{%")


def flow_items(text: str, offset: int) -> tuple[FlowItem, ...]:
    """Give the items of a collection that begins at an offset.

    There are none where YAML can't read it, or it is longer than anybody writes.
    """
    if len(text) > LONGEST_FLOW:
        return ()
    try:
        node: object = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return ()
    if isinstance(node, yaml.SequenceNode):
        pairs: list[tuple[yaml.Node | None, yaml.Node]] = [(None, each) for each in node.value]
    elif isinstance(node, yaml.MappingNode):
        pairs = list(node.value)
    else:
        return ()
    found = []
    for key, value in pairs:
        first = value if key is None else key
        held = Span(start=offset + value.start_mark.index, end=offset + value.end_mark.index)
        start = offset + first.start_mark.index
        found.append(
            FlowItem(
                key="" if key is None else str(key.value),
                span=Span(start=start, end=max(held.end, start)),
                value=held,
            )
        )
    return tuple(found)


def flow_removed(text: str, items: tuple[FlowItem, ...], index: int) -> Replacement:
    """Take an item out, with the comma that parts it from the next, or from the one before."""
    own = items[index].span
    if index + 1 < len(items):
        return Replacement(span=Span(start=own.start, end=items[index + 1].span.start), text="")
    if index:
        return Replacement(span=Span(start=items[index - 1].span.end, end=own.end), text="")
    end = own.end
    while text[end : end + 1] in (",", " "):
        end += 1
    return Replacement(span=Span(start=own.start, end=end), text="")


def flow_added(value: str, offset: int, items: tuple[FlowItem, ...], text: str) -> Replacement:
    """Add an item at the end."""
    if items:
        return Replacement(
            span=Span(start=items[-1].span.end, end=items[-1].span.end), text=f", {text}"
        )
    return Replacement(span=Span(start=offset + 1, end=offset + len(value) - 1), text=text)
