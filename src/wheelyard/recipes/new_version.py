"""Carrying a recipe to a new version.

The version is written, then every source is looked at in every variant: where its address changes
with the version, the digest of what the new address holds is written where the old digest stands, be
that in the source, in a variable, or in a table of a template. The old digest's own value says where.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.answers import Answers
from wheelyard.recipes.build_number import reset_replacements
from wheelyard.recipes.conditions import conditions_in, conditions_of, variants_for
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.numbers import written_numbers
from wheelyard.recipes.other_addresses import candidates, template_text
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.scalars import rewritten
from wheelyard.recipes.sources import WrittenSource, written_sources
from wheelyard.recipes.spans import Replacement, Span, replaced
from wheelyard.recipes.statements import identifiers, reaching, string_spans
from wheelyard.recipes.version_variable import (
    version_replacements,
    version_variable,
    written_version,
)
from wheelyard.recipes.written import Values, Written, skeleton, values_in

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_SHORTEST = 32


def to_version(recipe: ParsedRecipe, version: str, answers: Answers) -> str:
    """Carry a recipe to a newer version: version, digests, and the build number to 0.

    Raises RefusedEditError: no variable of the version, not a newer one, only repositories as
    sources, an address that can't be had, nothing that would change.
    """
    if recipe.form not in (Form.META, Form.RECIPE):
        raise RefusedEditError(f"{recipe.name} is not a recipe", hint="Name a meta.yaml or a recipe.yaml.")
    variable = version_variable(recipe)
    sources = written_sources(recipe)
    if sources and all(one.is_repository for one in sources):
        raise RefusedEditError(
            f"{recipe.name}:{sources[0].line}: every source is a repository, which has no digest to check",
            hint="Change the version by hand, or give an archive as the source.",
        )
    said = written_version(recipe, variable, version)
    edits = version_replacements(recipe, variable, said)
    if any(one.urls for one in sources):
        edits += _Search(recipe=recipe, sources=sources, version=said, answers=answers).replacements(edits)
    if written_numbers(recipe):
        edits += reset_replacements(recipe)
    return replaced(recipe.text, edits)


@dataclass(kw_only=True)
class _Search:
    """One search for the digests of a new version."""

    recipe: ParsedRecipe
    sources: tuple[WrittenSource, ...]
    version: str
    answers: Answers
    digests: dict[tuple[str, str], str | None] = field(default_factory=dict)
    places: dict[Span, str] = field(default_factory=dict)
    addresses: dict[Span, str] = field(default_factory=dict)
    unanswered: dict[tuple[int, Span | None], str] = field(default_factory=dict)
    answered: set[tuple[int, Span | None]] = field(default_factory=set)

    def replacements(self, edits: list[Replacement]) -> list[Replacement]:
        """Find what changes beside the version. Raises RefusedEditError."""
        scalars = _scalars(self.sources)
        variants = self._variants(scalars)
        before = values_in(self.recipe, scalars, variants)
        after = values_in(self.recipe, scalars, variants, edits)
        for variant, one, other in zip(variants, before, after, strict=True):
            start = 0
            for number, source in enumerate(self.sources):
                self._source(number, source, start, (one, other), variant)
                start += len(source.urls) + len(source.hashes)
        return self._found()

    def _variants(self, scalars: tuple[Written, ...]) -> tuple[Variant, ...]:
        if self.recipe.form is Form.META:
            return variants_for(conditions_in(skeleton(self.recipe, scalars)))
        return variants_for(conditions_of(self.recipe))

    def _found(self) -> list[Replacement]:
        missing = [url for key, url in self.unanswered.items() if key not in self.answered]
        if missing:
            raise RefusedEditError(
                f"{self.recipe.name}: {missing[0]} cannot be had",
                hint=f"Version {self.version} may not be published there, or under another name.",
            )
        if not self.answered:
            raise RefusedEditError(
                f"{self.recipe.name}: no source changes with the version",
                hint="Write the address of the source with {{ version }} in it.",
            )
        return [
            *(Replacement(span=span, text=text) for span, text in self.places.items()),
            *(Replacement(span=span, text=text) for span, text in self.addresses.items()),
        ]

    def _source(
        self, number: int, source: WrittenSource, start: int, values: tuple[Values, Values], variant: Variant
    ) -> None:
        """Look at one source in one variant."""
        before, after = values
        standing = [
            (one, old, new)
            for at, one in enumerate(source.urls, start)
            if (old := before.get(at)) is not None and (new := after.get(at)) is not None
        ]
        if source.urls and not _is_list(source):
            standing = standing[-1:]  # of one key that stands twice, YAML reads the last
        if not any(old != new for _, old, new in standing):
            return
        held: dict[str, tuple[Written, str]] = {}
        for at, (kind, one) in enumerate(source.hashes, start + len(source.urls)):
            value = before.get(at)
            # What is written out is the digest's place, even where somebody left a word in it.
            if value and (_is_digest(value) or "{" not in one.text):
                held[kind] = (one, value)
        if not held:
            if source.hashes:
                return  # the digest isn't known in this variant: nothing is built from it
            self._without_digest(number, standing, after, variant)
        for kind, (one, value) in held.items():
            self._digest(number, kind, self._place(one, value), standing, after, variant)

    def _without_digest(
        self, number: int, standing: list[tuple[Written, str, str]], after: Values, variant: Variant
    ) -> None:
        self._digest(number, "sha256", None, standing, after, variant)

    def _digest(  # noqa: PLR0917 - one question with its surroundings
        self, number: int, kind: str, place: Span | None,
        standing: list[tuple[Written, str, str]], after: Values, variant: Variant,
    ) -> None:  # fmt: skip
        key = (number, place)
        if key in self.answered and place is None:
            return
        found = self._first(kind, standing, after, variant)
        if found is None:
            self.unanswered.setdefault(key, standing[0][2])
            return
        self.answered.add(key)
        if place is None:
            return
        if self.places.setdefault(place, found) != found:
            line = self.recipe.document.line_of(place.start)
            raise RefusedEditError(
                f"{self.recipe.name}:{line}: this digest stands for files that are not the same any more",
                hint="Write one digest for each address.",
            )

    def _first(
        self, kind: str, standing: list[tuple[Written, str, str]], after: Values, variant: Variant
    ) -> str | None:
        """Give the digest of the first address that holds something; the others are mirrors."""
        for one, _, new in standing:
            if one.span not in self.addresses and (found := self._asked(new, kind)):
                return found
        for one, _, _ in standing:
            known = self.addresses.get(one.span)
            if known is not None:
                template = template_text(known, self.recipe)
                found = self._asked(self._rendered(template, after), kind)
                if found:
                    return found
                continue
            for template in candidates(self.recipe, one, self.version, after, self.answers):
                if found := self._asked(self._rendered(template, after), kind):
                    text = template.replace("{{", "${{") if self.recipe.form is Form.RECIPE else template
                    self.addresses[one.span] = rewritten(one.text, text)
                    return found
        return None

    def _rendered(self, template: str, after: Values) -> str:
        return after.rendered(template) or ""

    def _asked(self, url: str, kind: str) -> str | None:
        if not url or "://" not in url:
            return None
        if (url, kind) not in self.digests:
            self.digests[url, kind] = self.answers.digest(url, kind)
        return self.digests[url, kind]

    def _place(self, one: Written, value: str) -> Span:
        """Find where a digest is written: in its own line, or in what that line uses."""
        own = one.text.find(value)
        if own >= 0:
            return Span(start=one.span.start + own, end=one.span.start + own + len(value))
        every = self.recipe.settings
        names = reaching(identifiers(one.text), every)
        for setting in every:
            if not names & {each.partition(".")[0] for each in setting.targets}:
                continue
            for span, text in string_spans(setting.text, setting.expression.start):
                if text == value:
                    return span
            if setting.text == value:
                return setting.expression
        raise RefusedEditError(
            f"{self.recipe.name}:{one.line}: the digest {one.scalar!r} is not written anywhere as it is",
            hint="Write it as it is, in the source or in a variable.",
        )


def _scalars(sources: Iterable[WrittenSource]) -> tuple[Written, ...]:
    return tuple(
        one for source in sources for one in (*source.urls, *(each for _, each in source.hashes))
    )


def _is_list(source: WrittenSource) -> bool:
    return any(one.entry.is_item for one in source.urls) or bool(source.urls[0].conditions)


def _is_digest(value: str) -> bool:
    return len(value) >= _SHORTEST and _HEXADECIMAL.issuperset(value)
