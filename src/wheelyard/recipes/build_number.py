"""Raising and resetting build numbers.

A number may be a literal, or come from variables over several steps. What to change is found by
trying: the places that the number depends on, the likeliest first, until an evaluation of every
variant shows each number risen by exactly what was asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

from wheelyard.errors import RecipeError, RefusedEditError
from wheelyard.recipes.conditions import variants_in, variants_of
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.numbers import written_numbers
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.sources import written_sources
from wheelyard.recipes.spans import Replacement, Span, replaced
from wheelyard.recipes.statements import MOST_DIGITS, is_whole, reaching
from wheelyard.recipes.templates.bounds import shortened
from wheelyard.recipes.written import Written, skeleton, values_in, written_at

Places = tuple[Span, ...]
MOST_TRIES = 64
MOST_WORK = 200_000
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
    inline = frozenset(_inside_expressions(recipe, places))
    lowest = min((int(one.of(recipe.text)) for one in inline), default=0)
    return tuple(
        Replacement(
            span=one, text=str(int(one.of(recipe.text)) - lowest + to if one in inline else to)
        )
        for one in places
    )


def _inside_expressions(recipe: ParsedRecipe, places: Places) -> Places:
    """Give the places that are a part of an expression: their differences mean something."""
    whole: set[Span] = set()
    for one in written_numbers(recipe):
        if one.scalar.isdigit():
            whole.update(one.number_spans())
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
    if all(not one.is_template for one in written):
        return tuple(dict.fromkeys(found))
    tried = tuple(variants) or _variants(recipe, written)
    search = _Search(recipe=recipe, written=written, versions=_versions(recipe), variants=tried)
    return search.places(found)


def _versions(recipe: ParsedRecipe) -> tuple[Written, ...]:
    """Give the versions that templates give: no count of builds may change them."""
    document = recipe.document
    entries = (*document.find("package", "version"), *document.find("recipe", "version"))
    return tuple(written_at(one) for one in entries if "{{" in one.value)


def _variants(recipe: ParsedRecipe, written: tuple[Written, ...]) -> tuple[Variant, ...]:
    if recipe.form is Form.META:
        return variants_in(skeleton(recipe, written))
    return variants_of(recipe)


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
    if not one.scalar.isascii() or not one.scalar.isdigit() or len(one.scalar) > MOST_DIGITS:
        raise RefusedEditError(
            f"{recipe.name}:{one.line}: the build number {shortened(one.scalar)!r} is not a whole number",
            hint="A build number is a whole number, such as 0.",
        )
    return one.number_spans()


@dataclass(slots=True, kw_only=True)
class _Search:
    """The search for what is behind numbers that templates give.

    ``others`` are the names that versions and addresses depend on; ``work`` counts the scalars that tries
    have evaluated.
    """

    recipe: ParsedRecipe
    written: tuple[Written, ...]
    versions: tuple[Written, ...]
    variants: tuple[Variant, ...]
    others: frozenset[str] = frozenset()
    work: int = 0

    def places(self, found: Places) -> Places:
        """Add to what was found what is behind each template. Raises RefusedEditError."""
        chosen = list(dict.fromkeys(found))
        templates = [at for at, one in enumerate(self.written) if one.is_template]
        self.others = self._of_the_version() | self._of_sources()
        tried: set[int] = set()
        while left := self._left(templates, tuple(chosen)):
            if left[0] in tried:
                raise self._refusal(left[0])
            tried.add(left[0])
            chosen += self._behind(left[0], tuple(chosen))
        if not self._rises(tuple(chosen)):
            raise self._refusal(templates[0])
        return tuple(chosen)

    def _left(self, templates: list[int], chosen: Places) -> list[int]:
        """Give the templates whose numbers do not rise yet."""
        moved = self._moved(chosen)
        return templates if moved is None else [at for at in templates if not moved.get(at, False)]

    def _behind(self, at: int, chosen: Places) -> Places:
        # Each try evaluates all settings: where there are thousands, the likeliest few must do.
        tries = max(4, min(MOST_TRIES, 100_000 // (len(self.recipe.settings) + 1)))
        for places in islice(chain(self._variables(at), self._inline(at)), tries):
            fresh = tuple(each for each in dict.fromkeys(places) if each not in chosen)
            if fresh and self._rises((*chosen, *fresh), only=at):
                return fresh
        raise self._refusal(at)

    def _refusal(self, at: int) -> RefusedEditError:
        one = self.written[at]
        return RefusedEditError(
            f"{self.recipe.name}:{one.line}: nothing was found whose change raises the build number "
            f"{shortened(one.scalar)!r} alone",
            hint="Set it from a variable that is a whole number, such as {% set build = 0 %}.",
        )

    def _variables(self, at: int) -> Iterator[Places]:
        """Give the whole numbers that each variable is set to, the nearest and likeliest first."""
        for name in self._names(at):
            held = self.recipe.settings_by_name.get(name, ())
            whole = [each for each in held if is_whole(each.text)]
            if whole:
                yield tuple(span for each in whole for span in each.number_spans())

    def _names(self, at: int) -> list[str]:
        """Give the names that a number depends on; those of the version and of addresses come last."""
        every = self.recipe.settings_by_name
        distances: dict[str, int] = {}
        level, distance = set(self.written[at].names), 0
        while level:
            distances.update(dict.fromkeys(level - distances.keys(), distance))
            settings = (each for name in level for each in every.get(name, ()))
            level = {used for each in settings for used in each.names} - distances.keys()
            distance += 1
        return sorted(
            distances,
            key=lambda each: (
                each in self.others,
                not any(word in each.lower() for word in _LIKELY),
                distances[each],
                each,
            ),
        )

    def _of_the_version(self) -> frozenset[str]:
        used = frozenset().union(*(one.names for one in self.versions))
        return reaching(used, self.recipe.settings)

    def _of_sources(self) -> frozenset[str]:
        """Give the names that addresses depend on: they say what is fetched before they count builds."""
        urls = (one for source in written_sources(self.recipe) for one in source.urls)
        return reaching(frozenset().union(*(one.names for one in urls)), self.recipe.settings)

    def _inline(self, at: int) -> Iterator[Places]:
        """Give the whole numbers inside expressions: of what the number uses, then its own."""
        for name in self._names(at):
            held = self.recipe.settings_by_name.get(name, ())
            choices = [spans for each in held if (spans := each.number_spans())]
            if choices:
                # One number of each setting, then all of them.
                yield from islice(product(*choices), MOST_TRIES)
                yield tuple(span for spans in choices for span in spans)
                yield from ((span,) for spans in choices for span in spans)
        yield self._every(at)
        own = self.written[at].number_spans()
        if own:
            yield own
            yield from ((span,) for span in own)

    def _every(self, at: int) -> Places:
        """Give the whole numbers of all that a number depends on, but for the version and addresses."""
        every = self.recipe.settings_by_name
        return tuple(
            span
            for name in self._names(at)
            if name not in self.others
            for each in every.get(name, ())
            for span in each.number_spans()
        )

    def _rises(self, places: Places, *, only: int | None = None) -> bool:
        """Say whether a change makes every number (or one) rise by exactly one in each variant."""
        moved = self._moved(places)
        if moved is None:
            return False
        return all(moved.values()) if only is None else moved.get(only, False)

    def _moved(self, places: Places) -> dict[int, bool] | None:
        """Say of each number that stands in a variant whether a change makes it rise by exactly one.

        None where it changes what stands there, or a version.
        """
        if not places:
            return None
        every = (*self.written, *self.versions)
        # Reading a template once costs about as much as carrying it out eight times.
        self.work += (len(every) + len(self.recipe.settings)) * (8 + len(self.variants)) // 8
        if self.work > MOST_WORK:
            raise RefusedEditError(
                f"{self.recipe.name}: its build numbers come from more variables than can be tried",
                hint="Set them from one variable.",
            )
        edits = _raised(self.recipe.text, places, 1)
        try:
            before = values_in(self.recipe, every, self.variants)
            after = values_in(self.recipe, every, self.variants, edits)
        except RecipeError as error:
            raise RefusedEditError(error.message, hint=error.hint) from error
        moved: dict[int, bool] = {}
        for old, new in zip(before, after, strict=True):
            if [at for at, _ in old.held] != [at for at, _ in new.held]:
                return None
            for (at, one), (_, other) in zip(old.held, new.held, strict=True):
                if at < len(self.written):
                    moved[at] = moved.get(at, True) and _is_next(one, other)
                elif one != other:
                    return None  # the version is another
        return moved or None


def _is_next(one: str, other: str) -> bool:
    """Say whether a whole number follows on another."""
    if not all(
        each.isascii() and each.isdigit() and len(each) <= MOST_DIGITS for each in (one, other)
    ):
        return False
    return int(other) == int(one) + 1
