"""Setting and removing keys of conda-forge.yml, or of any configuration that is plain YAML."""

from collections.abc import Sequence

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.document import Entry
from wheelyard.recipes.flow import flow_added, flow_items, flow_removed, is_flow
from wheelyard.recipes.lines import inserted, removed, row_after
from wheelyard.recipes.parse import ParsedRecipe
from wheelyard.recipes.scalars import quote_of
from wheelyard.recipes.spans import Replacement, Span, replaced


def set_key(recipe: ParsedRecipe, path: Sequence[str], value: str) -> str:
    """Set a key to a value, which is written as YAML ("default", "[linux_64]"); keys on the way are made.

    Raises RefusedEditError where a scalar stands on the way, or the value is there already.
    """
    return replaced(recipe.text, [_set(recipe, tuple(path), value)])


def remove_key(recipe: ParsedRecipe, path: Sequence[str]) -> str:
    """Remove a key with all that it holds; a mapping that would be empty goes too.

    Raises RefusedEditError for a key that is not there.
    """
    wanted = tuple(path)
    chain = _chain(recipe, wanted)
    if len(chain) == len(wanted):
        while len(chain) > 1 and len(chain[-2].entries) == 1:
            chain.pop()
        return replaced(recipe.text, [removed(chain[-1])])
    if chain and len(chain) + 1 == len(wanted) and is_flow(chain[-1].value):
        holder = chain[-1]
        items = flow_items(holder.value, holder.row.value_start)
        for at, one in enumerate(items):
            if one.key == wanted[-1]:
                if len(items) == 1:
                    return remove_key(recipe, wanted[:-1])
                return replaced(recipe.text, [flow_removed(recipe.text, items, at)])
    raise RefusedEditError(f"{recipe.name}: there is no key {'.'.join(wanted)}")


def _chain(recipe: ParsedRecipe, path: tuple[str, ...]) -> list[Entry]:
    """Give the entries on the way to a key, as far as they are there."""
    chain: list[Entry] = []
    held = recipe.document.entries
    for key in path:
        found = [one for one in held if one.key == key and not one.is_item]
        if not found:
            break
        chain.append(found[-1])
        held = found[-1].entries
    return chain


def _set(recipe: ParsedRecipe, path: tuple[str, ...], value: str) -> Replacement:
    chain = _chain(recipe, path)
    if len(chain) == len(path):
        return _changed(recipe, chain[-1], path, value)
    rest = path[len(chain) :]
    if chain and is_flow(chain[-1].value):
        return _into_flow(recipe, chain[-1], rest, value)
    if chain and chain[-1].value not in ("", "null", "~"):
        raise RefusedEditError(
            f"{recipe.name}:{chain[-1].line}: {chain[-1].key} is {chain[-1].value!r}, which holds no keys"
        )
    if chain and chain[-1].value:
        span = Span(start=chain[-1].row.key_end + 1, end=chain[-1].row.value_end)
        column = chain[-1].column + 2
        lines = _nested(rest, value, column)
        return Replacement(
            span=span, text=recipe.document.newline + recipe.document.newline.join(lines)
        )
    if not chain:
        return inserted(recipe.document, _end(recipe), _nested(rest, value, 0))
    children = chain[-1].entries
    if any(one.is_item for one in children):
        raise RefusedEditError(
            f"{recipe.name}:{chain[-1].line}: {chain[-1].key} is a list, which holds no keys"
        )
    column = children[0].column if children else chain[-1].column + 2
    return inserted(recipe.document, row_after(chain[-1]), _nested(rest, value, column))


def _nested(path: Sequence[str], value: str, column: int) -> list[str]:
    lines = []
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        lines.append(" " * (column + 2 * depth) + f"{key}:" + (f" {value}" if last else ""))
    return lines


def _end(recipe: ParsedRecipe) -> int:
    """Give the row for a new key of the top level: after the last entry, before blank lines at the end."""
    entries = recipe.document.entries
    return row_after(entries[-1]) if entries else len(recipe.document.rows)


def _changed(recipe: ParsedRecipe, entry: Entry, path: tuple[str, ...], value: str) -> Replacement:
    old = entry.value
    if entry.entries:
        last = entry.entries[-1]
        end = last.span.end - len(recipe.document.newline)
        start = entry.row.key_end + 1
        tail = recipe.text[end : last.span.end]
        if tail.strip():  # the text ends without an end of line
            end = last.span.end
        return Replacement(span=Span(start=start, end=end), text=f" {value}")
    quote = quote_of(old)
    bare = value.strip("\"'") if quote else value
    new = f"{quote}{bare}{quote}" if quote and not is_flow(value) else value
    if new == old:
        raise RefusedEditError(f"{recipe.name}:{entry.line}: {'.'.join(path)} is {value} already")
    if not old:
        at = entry.row.key_end + 1
        return Replacement(span=Span(start=at, end=at), text=f" {value}")
    return Replacement(span=entry.value_span, text=new)


def _into_flow(
    recipe: ParsedRecipe, holder: Entry, rest: tuple[str, ...], value: str
) -> Replacement:
    items = flow_items(holder.value, holder.row.value_start)
    for one in items:
        if one.key == rest[0]:
            if len(rest) == 1:
                return Replacement(span=one.value, text=value)
            raise RefusedEditError(
                f"{recipe.name}:{holder.line}: {rest[0]} is written in brackets",
                hint="Write it as lines first.",
            )
    text = "".join(f"{key}: " + ("{" if at < len(rest) - 1 else "") for at, key in enumerate(rest))
    return flow_added(
        holder.value, holder.row.value_start, items, text + value + "}" * (len(rest) - 1)
    )
