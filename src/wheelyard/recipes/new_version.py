"""Carrying a recipe to a new version.

The version is written, then every source is looked at in every variant: where its address changes
with the version, the digest of what the new address holds is written where the old digest stands, be
that in the source, in a variable, or in a table of a template. The old digest's own value says where.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.answers import LENGTHS, Answers
from wheelyard.recipes.build_number import reset_replacements
from wheelyard.recipes.conditions import variants_in, variants_of
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.numbers import written_numbers
from wheelyard.recipes.other_addresses import candidates, template_text
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.scalars import rewritten
from wheelyard.recipes.sources import WrittenSource, written_sources
from wheelyard.recipes.spans import Replacement, Span, replaced
from wheelyard.recipes.statements import reaching, string_spans
from wheelyard.recipes.version_proof import proven_version
from wheelyard.recipes.version_variable import version_variable, written_version
from wheelyard.recipes.written import Values, Written, skeleton, values_in

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_SHORTEST = 32
_KINDS = {length: kind for kind, length in LENGTHS.items()}


def to_version(recipe: ParsedRecipe, version: str, answers: Answers) -> str:
    """Carry a recipe to a newer version: version, digests, and the build number to 0.

    Raises RefusedEditError: no variable of the version, not a newer one, only repositories as
    sources, an address that can't be had, nothing that would change.
    """
    if recipe.form not in (Form.META, Form.RECIPE):
        raise RefusedEditError(
            f"{recipe.name} is not a recipe", hint="Name a meta.yaml or a recipe.yaml."
        )
    variable = version_variable(recipe)
    sources = written_sources(recipe)
    if sources and all(one.is_repository for one in sources):
        raise RefusedEditError(
            f"{recipe.name}:{sources[0].line}: every source is a repository, which has no digest to check",
            hint="Change the version by hand, or give an archive as the source.",
        )
    said, edits = proven_version(recipe, variable, written_version(recipe, variable, version))
    if any(one.urls for one in sources):
        edits += _Search(
            recipe=recipe, sources=sources, version=said, answers=answers
        ).replacements(edits)
    if written_numbers(recipe):
        edits += reset_replacements(recipe)
    return replaced(recipe.text, edits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What one variant asks of a source: its addresses, old and new, and the kind of its digest."""

    kind: str
    standing: tuple[tuple[Written, str, str], ...]
    values: Values = field(repr=False)


@dataclass(kw_only=True)
class _Search:
    """One search for the digests of a new version.

    ``questions`` are by source and by the place of a digest: variants that share a digest share its
    file, and one address that holds something is enough for all of them.
    """

    recipe: ParsedRecipe
    sources: tuple[WrittenSource, ...]
    version: str
    answers: Answers
    digests: dict[tuple[str, str], str | None] = field(default_factory=dict)
    questions: dict[tuple[int, Span | None], list[_Question]] = field(default_factory=dict)
    addresses: dict[Span, str] = field(default_factory=dict)

    def replacements(self, edits: list[Replacement]) -> list[Replacement]:
        """Find what changes beside the version. Raises RefusedEditError."""
        scalars = _scalars(self.sources)
        variants = self._variants(scalars)
        before = values_in(self.recipe, scalars, variants)
        after = values_in(self.recipe, scalars, variants, edits)
        for one, other in zip(before, after, strict=True):
            start = 0
            values = (one.by_index(), other.by_index())
            for number, source in enumerate(self.sources):
                for turn in _turns(source, start, values):
                    self._ask(number, source, start, turn, other)
                start += len(source.urls) + len(source.hashes)
        if not self.questions:
            raise RefusedEditError(
                f"{self.recipe.name}: no source changes with the version",
                hint="Write the address of the source with {{ version }} in it.",
            )
        found = {key: self._answer(key, asked) for key, asked in self.questions.items()}
        digests: dict[Span, str] = {}
        for (_, place), digest in found.items():
            if place is not None and digests.setdefault(place, digest) != digest:
                raise self._conflict(place)
        return [
            Replacement(span=span, text=text)
            for span, text in (*digests.items(), *self.addresses.items())
        ]

    def _variants(self, scalars: tuple[Written, ...]) -> tuple[Variant, ...]:
        if self.recipe.form is Form.META:
            return variants_in(skeleton(self.recipe, scalars))
        return variants_of(self.recipe)

    def _ask(
        self,
        number: int,
        source: WrittenSource,
        start: int,
        values: tuple[Mapping[int, str], Mapping[int, str]],
        after_all: Values,
    ) -> None:
        """Note what one variant asks of one source."""
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
            if "{{" in kind:
                kind = _KINDS.get(len(value or ""), "")  # noqa: PLW2901 - a template names it
            if value and not after.get(at):
                raise RefusedEditError(
                    f"{self.recipe.name}:{one.line}: the digest {one.scalar!r} is known for the old version only",
                    hint="Write the new one where it is looked up.",
                )
            # A literal is a digest to be, whatever stands there.
            if value and kind and (_is_digest(value) or not one.is_template):
                held[kind] = (one, value)
        # A digest that a variant doesn't know is of nothing that is built there.
        asked: list[tuple[str, Span | None]] = [] if source.hashes else [("sha256", None)]
        asked += [(kind, self._place(one, value)) for kind, (one, value) in held.items()]
        for kind, place in asked:
            question = _Question(kind=kind, standing=tuple(standing), values=after_all)
            self.questions.setdefault((number, place), []).append(question)

    def _answer(self, key: tuple[int, Span | None], asked: list[_Question]) -> str:
        """Give the digest that all variants of one place agree on. Raises RefusedEditError."""
        found = dict.fromkeys(
            digest for one in asked if (digest := self._as_written(one)) is not None
        )
        if len(found) > 1:
            raise self._conflict(key[1])
        if found:
            return next(iter(found))
        for one in asked:
            if digest := self._elsewhere(one):
                return digest
        raise RefusedEditError(
            f"{self.recipe.name}: {asked[0].standing[0][2]} cannot be had",
            hint=f"Version {self.version} may not be published there, or under another name.",
        )

    def _conflict(self, place: Span | None) -> RefusedEditError:
        line = self.recipe.document.line_of(place.start) if place is not None else 1
        return RefusedEditError(
            f"{self.recipe.name}:{line}: this digest stands for files that are not the same any more",
            hint="Write one digest for each address.",
        )

    def _as_written(self, question: _Question) -> str | None:
        """Give the digest of the first address that holds something; the others are mirrors."""
        for one, _, new in question.standing:
            known = self.addresses.get(one.span)
            if known is not None:
                new = question.values.rendered(template_text(known)) or ""  # noqa: PLW2901 - it has moved
            if found := self._asked(new, question.kind):
                return found
        return None

    def _elsewhere(self, question: _Question) -> str | None:
        """Look for the file under other addresses, and write the one that holds it."""
        if found := self._as_written(question):
            return found
        for one, _, _ in question.standing:
            for template in candidates(
                self.recipe, one, self.version, question.values, self.answers
            ):
                url = question.values.rendered(template) or ""
                if found := self._asked(url, question.kind):
                    of_recipe = self.recipe.form is Form.RECIPE
                    text = template.replace("{{", "${{") if of_recipe else template
                    self.addresses[one.span] = rewritten(one.text, text)
                    return found
        return None

    def _asked(self, url: str, kind: str) -> str | None:
        if "://" not in url:
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
        names = reaching(one.names, every)
        for setting in every:
            if not names & {each.partition(".")[0] for each in setting.targets}:
                continue
            for span, text in string_spans(setting.text, setting.expression.start):
                if text == value:
                    return span
            if setting.text == value:
                return setting.expression
        if _is_digest(value) and self.recipe.text.count(value) == 1:
            start = self.recipe.text.index(value)  # in a loop, or in a macro
            return Span(start=start, end=start + len(value))
        raise RefusedEditError(
            f"{self.recipe.name}:{one.line}: the digest {one.scalar!r} is not written anywhere as it is",
            hint="Write it as it is, in the source or in a variable.",
        )


def _turns(
    source: WrittenSource,
    start: int,
    values: tuple[Mapping[int, list[str]], Mapping[int, list[str]]],
) -> Iterator[tuple[Mapping[int, str], Mapping[int, str]]]:
    """Give what the scalars of a source come to, once for each turn of the loop that it may be in."""
    places = range(start, start + len(source.urls) + len(source.hashes))
    held = [{at: one[at] for at in places if at in one} for one in values]
    for turn in range(max((len(one) for each in held for one in each.values()), default=0)):
        before, after = (
            {at: one[min(turn, len(one) - 1)] for at, one in each.items()} for each in held
        )
        yield before, after


def _scalars(sources: Iterable[WrittenSource]) -> tuple[Written, ...]:
    return tuple(
        one for source in sources for one in (*source.urls, *(each for _, each in source.hashes))
    )


def _is_list(source: WrittenSource) -> bool:
    return any(one.entry.is_item for one in source.urls) or bool(source.urls[0].conditions)


def _is_digest(value: str) -> bool:
    return len(value) >= _SHORTEST and _HEXADECIMAL.issuperset(value)
