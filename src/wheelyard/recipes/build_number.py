"""Raising and resetting build numbers.

A number may be a literal, or come from variables over several steps. What to change is found by
trying: the places that the number depends on, the likeliest first, until an evaluation of every
variant shows each number risen by exactly what was asked.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from wheelyard.errors import RecipeError, RefusedEditError
from wheelyard.recipes.conditions import conditions_in, conditions_of, variants_for
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.numbers import written_numbers
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.spans import Replacement, Span, replaced
from wheelyard.recipes.statements import (
    Setting,
    constant_settings,
    identifiers,
    is_whole,
    number_spans,
    reaching,
)
from wheelyard.recipes.written import Written, skeleton, values_in

Places = tuple[Span, ...]
_LIKELY = ("build", "number", "num")


def rebuild(recipe: ParsedRecipe, *, by: int = 1, variants: Sequence[Variant] = ()) -> str:
    """Raise the build number of every package by ``by``.

    Proven on each variant (default: those that take every condition of the recipe both ways). Raises
    RefusedEditError where there is no number, or none that can be raised by that much.
    """
    places = _places(recipe, variants)
    if by < 0 and any(int(one.of(recipe.text)) + by < 0 for one in places):
        raise RefusedEditError(f"{recipe.name}: a build number cannot fall below 0")
    return replaced(recipe.text, _raised(recipe.text, places, by))


def reset_build_number(recipe: ParsedRecipe, *, to: int = 0) -> str:
    """Set the build number (each literal, or the variable behind it) to a value. Raises RefusedEditError."""
    return replaced(recipe.text, reset_replacements(recipe, to=to))


def reset_replacements(recipe: ParsedRecipe, *, to: int = 0) -> tuple[Replacement, ...]:
    """Give the replacements that set the build number to a value. Raises RefusedEditError."""
    places = _places(recipe, ())
    inline = _inside_expressions(recipe, places)
    lowest = min((int(one.of(recipe.text)) for one in inline), default=0)
    return tuple(
        Replacement(span=one, text=str(int(one.of(recipe.text)) - lowest + to if one in inline else to))
        for one in places
    )


def _inside_expressions(recipe: ParsedRecipe, places: Places) -> Places:
    """Give the places that are a part of an expression: their differences mean something."""
    whole = set()
    for one in written_numbers(recipe):
        if one.scalar.isdigit():
            whole.update(number_spans(one.text, one.span.start))
    for setting in recipe.settings:
        if is_whole(setting.text):
            whole.update(setting.number_spans())
    return tuple(one for one in places if one not in whole)


def _raised(text: str, places: Places, by: int) -> tuple[Replacement, ...]:
    return tuple(Replacement(span=one, text=str(int(one.of(text)) + by)) for one in places)


def _places(recipe: ParsedRecipe, variants: Sequence[Variant]) -> Places:
    """Find what to change for every build number to rise. Raises RefusedEditError."""
    written = written_numbers(recipe) or _of_a_piece(recipe)
    if not written:
        piece = _settings_of_a_piece(recipe)
        if piece:
            return piece
        raise RefusedEditError(
            f"{recipe.name}: there is no build number", hint="Write number: 0 under build:."
        )
    literal = [_literal(recipe, one) for one in written if not one.is_template]
    found: Places = tuple(span for one in literal for span in one)
    templates = tuple(one for one in written if one.is_template)
    if not templates:
        return tuple(dict.fromkeys(found))
    every = recipe.settings
    chosen: list[Span] = list(found)
    tried = tuple(variants) or _variants(recipe, written)
    for one in templates:
        if any(span in chosen for span in _all_spans(one, every)) and _rises(
            recipe, written, tuple(dict.fromkeys(chosen)), tried, only=written.index(one)
        ):
            continue
        chosen += _behind(recipe, written, one, tuple(chosen), every, tried)
    places = tuple(dict.fromkeys(chosen))
    if not _rises(recipe, written, places, tried):
        raise _refusal(recipe, templates[0])
    return places


def _variants(recipe: ParsedRecipe, written: tuple[Written, ...]) -> tuple[Variant, ...]:
    if recipe.form is Form.META:
        return variants_for(conditions_in(skeleton(recipe, written)))
    return variants_for(conditions_of(recipe))


def _of_a_piece(recipe: ParsedRecipe) -> tuple[Written, ...]:
    """Give the numbers of a text that is a piece of a recipe: nothing but a ``number:``."""
    entries = recipe.document.entries
    if len(entries) == 1 and entries[0].key == "number" and recipe.form is Form.META:
        one = entries[0]
        return (Written(text=one.value, span=one.value_span, line=one.line, entry=one),)
    return ()


def _settings_of_a_piece(recipe: ParsedRecipe) -> Places:
    """Give the numbers that a piece of a recipe sets by the names that the field uses."""
    if recipe.document.entries:
        return ()
    return tuple(
        span
        for one in recipe.settings
        if one.targets[0] in ("build", "build_number") and is_whole(one.text)
        for span in one.number_spans()
    )


def _literal(recipe: ParsedRecipe, one: Written) -> Places:
    if not one.scalar.isascii() or not one.scalar.isdigit():
        raise RefusedEditError(
            f"{recipe.name}:{one.line}: the build number {one.scalar!r} is not a whole number",
            hint="A build number is a whole number, such as 0.",
        )
    return number_spans(one.text, one.span.start)


def _refusal(recipe: ParsedRecipe, one: Written) -> RefusedEditError:
    return RefusedEditError(
        f"{recipe.name}:{one.line}: nothing was found whose change raises the build number {one.scalar!r} alone",
        hint="Set it from a variable that is a whole number, such as {% set build = 0 %}.",
    )


def _all_spans(one: Written, every: tuple[Setting, ...]) -> set[Span]:
    spans = set(number_spans(one.text, one.span.start))
    for name in reaching(identifiers(one.text), every):
        for setting in constant_settings(every, name):
            spans.update(setting.number_spans())
    return spans


def _behind(
    recipe: ParsedRecipe,
    written: tuple[Written, ...],
    one: Written,
    chosen: Places,
    every: tuple[Setting, ...],
    variants: Sequence[Variant],
) -> Places:
    """Find what is behind one number that a template gives. Raises RefusedEditError."""
    only = written.index(one)
    for places in chain(_variables(recipe, one, every), _inline(one, every)):
        fresh = tuple(each for each in places if each not in chosen)
        if fresh and _rises(recipe, written, fresh, variants, only=only):
            return fresh
    raise _refusal(recipe, one)


def _variables(recipe: ParsedRecipe, one: Written, every: tuple[Setting, ...]) -> Iterator[Places]:
    """Give the whole numbers that each variable is set to, the nearest and likeliest variable first."""
    names = _ordered(one, every) - _of_the_version(recipe, every).keys()
    for name in sorted(names, key=lambda each: (not any(word in each.lower() for word in _LIKELY), names[each])):
        whole = [each for each in constant_settings(every, name) if is_whole(each.text)]
        if whole:
            yield tuple(span for each in whole for span in each.number_spans())


class _Distances(dict[str, int]):
    """Names and how many steps away they are."""

    def __sub__(self, other: object) -> "_Distances":
        return _Distances({name: held for name, held in self.items() if name not in other})  # type: ignore[operator]


def _ordered(one: Written, every: tuple[Setting, ...]) -> _Distances:
    found = _Distances()
    level, distance = set(identifiers(one.text)), 0
    while level:
        found.update({name: distance for name in level if name not in found})
        level = {
            used
            for name in level
            for each in constant_settings(every, name)
            for used in identifiers(each.text)
        } - found.keys()
        distance += 1
    return found


def _of_the_version(recipe: ParsedRecipe, every: tuple[Setting, ...]) -> dict[str, int]:
    """Give the names that the version depends on: they never count builds."""
    entries = (*recipe.document.find("package", "version"), *recipe.document.find("recipe", "version"))
    used = frozenset().union(*(identifiers(one.value) for one in entries))
    return dict.fromkeys(reaching(used, every), 0)


def _inline(one: Written, every: tuple[Setting, ...]) -> Iterator[Places]:
    """Give the whole numbers inside expressions: of the number itself, then of what it uses."""
    texts = [number_spans(one.text, one.span.start)]
    for name in reaching(identifiers(one.text), every):
        texts += [each.number_spans() for each in constant_settings(every, name)]
    for spans in texts:
        if spans:
            yield spans
            yield from ((span,) for span in spans)
    together = tuple(span for spans in texts for span in spans)
    if together:
        yield together


def _rises(
    recipe: ParsedRecipe,
    written: tuple[Written, ...],
    places: Places,
    variants: Sequence[Variant],
    *,
    only: int | None = None,
) -> bool:
    """Say whether a change makes every number (or one) rise by exactly one in each variant."""
    try:
        before = values_in(recipe, written, variants)
        after = values_in(recipe, written, variants, _raised(recipe.text, places, 1))
    except RecipeError as error:
        raise RefusedEditError(error.message, hint=error.hint) from error
    seen = False
    for old, new in zip(before, after, strict=True):
        if [at for at, _ in old.held] != [at for at, _ in new.held]:
            return False
        for (at, one), (_, other) in zip(old.held, new.held, strict=True):
            if only is not None and at != only:
                continue
            if not one.isdigit() or not other.isdigit() or int(other) != int(one) + 1:
                return False
            seen = True
    return seen
