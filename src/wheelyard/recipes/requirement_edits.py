"""Adding, removing, replacing and moving requirements.

A requirement moves, goes or changes as a whole item; its line keeps its comment and selector. Every
function raises RefusedEditError, and changes nothing then.
"""

from collections.abc import Iterable

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.document import Entry
from wheelyard.recipes.flow import flow_added, flow_items, flow_removed, is_flow
from wheelyard.recipes.lines import inserted, removed, row_after
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.requirements import (
    WrittenRequirement,
    output_name,
    outputs,
    requirements,
)
from wheelyard.recipes.scalars import quote_of, rewritten
from wheelyard.recipes.spans import Replacement, replaced

_ORDER = (
    "build",
    "host",
    "run",
    "run_constrained",
    "run_constraints",
    "ignore_run_exports",
    "run_exports",
)


def add_requirement(
    recipe: ParsedRecipe,
    section: str,
    text: str,
    *,
    output: str | None = None,
    condition: str | None = None,
) -> str:
    """Add a requirement at the end of a section, which is made where there is none.

    ``condition`` is a selector (v0) or an ``if`` (v1). Refuses what is there already.
    """
    for one in requirements(recipe):
        if (
            one.section == section
            and one.output == output
            and one.text == text
            and one.condition == condition
        ):
            raise RefusedEditError(
                f"{recipe.name}:{one.line}: {text!r} stands in {section} already"
            )
    return replaced(recipe.text, [_added(recipe, section, _item(recipe, text, condition), output)])


def remove_requirement(
    recipe: ParsedRecipe, name: str, *, section: str | None = None, output: str | None = None
) -> str:
    """Remove every requirement of a package from a section (default: from all), of every output or one.

    A list that would be empty goes with its key. ``name`` is a package name or a whole template.
    """
    found = _found(recipe, name, section, output)
    return replaced(recipe.text, _removals(recipe, found))


def replace_requirement(  # noqa: PLR0913 - each is named
    recipe: ParsedRecipe,
    name: str,
    text: str,
    *,
    section: str | None = None,
    output: str | None = None,
    keep_pin: bool = True,
) -> str:
    """Write another name for a package; with ``keep_pin`` its version stays, else ``text`` is the whole item.

    Where a list has the other one already under the same condition, the package is removed instead.
    """
    found = _found(recipe, name, section, output)
    every = requirements(recipe)
    edits, doubled = [], []
    for one in found:
        new = text + one.text[len(name) :] if keep_pin and one.name == name.lower() else text
        if any(
            _same_place(one, other) and other.text == new and other is not one for other in every
        ):
            doubled.append(one)
        else:
            edits.append(Replacement(span=one.span, text=rewritten(one.span.of(recipe.text), new)))
    return replaced(recipe.text, [*edits, *_removals(recipe, doubled)])


def move_requirement(
    recipe: ParsedRecipe, name: str, *, source: str, target: str, output: str | None = None
) -> str:
    """Move a package from one section to another, as it is written, of the top level or of one output."""
    found = [
        one for one in _found(recipe, name, source, None) if output is None or one.output == output
    ]
    every = requirements(recipe)
    edits = _removals(recipe, found)
    for owner in dict.fromkeys(one.output for one in found):
        lines = []
        for one in found:
            there = any(
                other.section == target and other.output == owner and other.text == one.text
                and other.condition == one.condition
                for other in every
            )  # fmt: skip
            if one.output == owner and not there:
                lines += _as_lines(recipe, one)
        if lines:
            edits.append(_added(recipe, target, lines, owner))
    return replaced(recipe.text, edits)


def _found(
    recipe: ParsedRecipe, name: str, section: str | None, output: str | None
) -> list[WrittenRequirement]:
    found = [
        one
        for one in requirements(recipe)
        if (one.name == name.lower() or one.text == name)
        and section in (None, one.section)
        and output in (None, one.output)
    ]
    if not found:
        where = f" in {section}" if section else ""
        raise RefusedEditError(f"{recipe.name}: {name!r} is not required{where}")
    return found


def _same_place(one: WrittenRequirement, other: WrittenRequirement) -> bool:
    return (one.section, one.output, one.condition) == (
        other.section,
        other.output,
        other.condition,
    )


def _item(recipe: ParsedRecipe, text: str, condition: str | None) -> list[str]:
    """Write an item, without its indentation."""
    said = text if text.startswith(("{{", "${{")) else rewritten("", text)
    if condition is None:
        return [f"- {said}"]
    if recipe.form is Form.META:
        return [f"- {said}  # [{condition}]"]
    return [f"- if: {condition}", f"  then: {said}"]


def _as_lines(recipe: ParsedRecipe, one: WrittenRequirement) -> list[str]:
    """Give the lines of an item without their indentation."""
    entry = one.entry
    if not entry.is_item or is_flow(entry.value) or entry.key in ("then", "else"):
        return _item(recipe, one.text, one.condition)
    if recipe.form is Form.RECIPE and one.condition is not None:
        return _item(recipe, one.text, one.condition)
    lines = entry.span.of(recipe.text).splitlines()
    return [each[entry.column :] if not each[: entry.column].strip() else each for each in lines]


def _removals(recipe: ParsedRecipe, found: Iterable[WrittenRequirement]) -> list[Replacement]:
    gone = {one.span: one for one in found}
    every = requirements(recipe)
    edits: list[Replacement] = []
    parents = _parents(recipe)
    for owner in parents:
        held = [one for one in every if owner.span.start <= one.span.start < owner.span.end]
        if held and all(one.span in gone for one in held):
            edits.append(removed(owner))
            for one in held:
                gone.pop(one.span, None)
    edits += [_removal(recipe, one) for one in gone.values()]
    return _outermost(edits)


def _parents(recipe: ParsedRecipe) -> list[Entry]:
    """Give what goes when all in it goes, the largest first: requirements, sections, conditions."""
    tops = [one for one in recipe.document.entries if one.key == "requirements"]
    for output in outputs(recipe):
        tops += output.child("requirements")
    sections = [each for top in tops for each in top.entries if not each.is_item]
    for test in recipe.document.find("test"):
        sections += test.child("requires")
    conditions = [
        item
        for section in sections
        for item in section.entries
        if item.is_item and item.child("if")
    ]
    whole = [top for top in tops if all(one.key in _ORDER[:5] for one in top.entries)]
    return [*whole, *sections, *conditions]


def _removal(recipe: ParsedRecipe, one: WrittenRequirement) -> Replacement:
    entry = one.entry
    if is_flow(entry.value):
        items = flow_items(entry.value, entry.row.value_start)
        for index, each in enumerate(items):
            if each.span == one.span:
                return flow_removed(recipe.text, items, index)
    if entry.is_item:
        return removed(entry)
    if entry.key == "else":
        return removed(entry)
    raise RefusedEditError(
        f"{recipe.name}:{one.line}: {one.text!r} is one of two branches",
        hint="Write the condition as two items of the list.",
    )


def _outermost(edits: list[Replacement]) -> list[Replacement]:
    """Leave out what lies inside another removal."""
    ordered = sorted(set(edits), key=lambda one: (one.span.start, -one.span.end))
    kept: list[Replacement] = []
    for one in ordered:
        if not kept or one.span.start >= kept[-1].span.end:
            kept.append(one)
    return kept


def _added(recipe: ParsedRecipe, section: str, lines: list[str], output: str | None) -> Replacement:
    """Add the lines of items to a section of the top level or of an output."""
    owner = _owner(recipe, output)
    key, path = (section, "requirements") if section != "test" else ("requires", "test")
    if section == "test" and recipe.form is Form.RECIPE:
        raise RefusedEditError(
            f"{recipe.name}: a recipe.yaml has several tests",
            hint="Add the requirement to one of them by hand.",
        )
    tops = [one for one in owner if one.key == path]
    if not tops:
        return _new_top(recipe, owner, path, key, lines)
    top = tops[0]
    sections = [one for one in top.entries if one.key == key]
    if sections:
        return _to_section(recipe, sections[-1], lines)
    if top.entries and all(one.is_item for one in top.entries):
        if key == "run":
            return _to_section(recipe, top, lines)
        raise RefusedEditError(f"{recipe.name}:{top.line}: the requirements have no sections")
    return _new_section(recipe, top, key, lines)


def _owner(recipe: ParsedRecipe, output: str | None) -> tuple[Entry, ...]:
    if output is None:
        return recipe.document.entries
    for one in outputs(recipe):
        if output_name(one) == output:
            return one.entries
    raise RefusedEditError(f"{recipe.name}: there is no output {output!r}")


def _to_section(recipe: ParsedRecipe, section: Entry, lines: list[str]) -> Replacement:
    if is_flow(section.value):
        items = flow_items(section.value, section.row.value_start)
        if len(lines) == 1 and "#" not in lines[0]:
            said = lines[0][2:]
            if any(sign in said for sign in ",[]{}") and not quote_of(said):
                said = f'"{said}"'
            return flow_added(section.value, section.row.value_start, items, said)
    if section.value:
        raise RefusedEditError(
            f"{recipe.name}:{section.line}: {section.key} is not a list of lines",
            hint="Write one requirement a line, each after a dash.",
        )
    items_of = [one for one in section.entries if one.is_item]
    column = items_of[-1].column if items_of else section.column + _step(recipe)
    return inserted(recipe.document, row_after(section), [" " * column + each for each in lines])


def _step(recipe: ParsedRecipe) -> int:
    """Say by how much the items of a list stand deeper than its key, here."""
    for one in requirements(recipe):
        if one.entry.is_item:
            row = one.entry.row
            for above in reversed(recipe.document.rows[: one.entry.number]):
                if above.key_end > above.key_start and above.value_end == above.value_start:
                    return max(row.indent - (above.content - above.start), 0)
    return 2


def _new_section(recipe: ParsedRecipe, top: Entry, key: str, lines: list[str]) -> Replacement:
    """Make a section, in the field's order of sections."""
    children = [one for one in top.entries if not one.is_item]
    column = children[0].column if children else top.column + 2
    written = [" " * column + f"{key}:", *(" " * (column + _step(recipe)) + each for each in lines)]
    rank = _ORDER.index(key) if key in _ORDER else len(_ORDER)
    earlier = [one for one in children if one.key in _ORDER and _ORDER.index(one.key) < rank]
    if children and not earlier and not children[0].row.dashes:
        return inserted(recipe.document, children[0].number, written)
    after = earlier[-1] if earlier else top
    return inserted(recipe.document, row_after(after), written)


def _new_top(
    recipe: ParsedRecipe, owner: tuple[Entry, ...], path: str, key: str, lines: list[str]
) -> Replacement:
    """Make the mapping of the sections after what stands before it in the field's recipes."""
    before = [
        one
        for one in owner
        if one.key in ("build", "source", "package", "name", "version", "script")
    ]
    if not before:
        raise RefusedEditError(f"{recipe.name}: there is no place for {path}:")
    after = next((one for one in before if one.key == "build"), before[-1])
    column = after.column
    step = _step(recipe)
    written = [
        " " * column + f"{path}:",
        " " * (column + 2) + f"{key}:",
        *(" " * (column + 2 + step) + each for each in lines),
    ]
    if column == 0:
        written.insert(0, "")
    return inserted(recipe.document, row_after(after), written)
