"""Which release a source is, and what it requires, where only its back end knows that.

Its build requirements are provided as those of any build are, by a run of their own: what may not
come from upstream into a build may not come into a question about it either. What was said is
remembered by everything that the back end saw.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from packaging.metadata import parse_email
from packaging.version import Version

from wheelyard.coordinator.story import Listener, SourceAsked
from wheelyard.errors import InvalidNameError, MetadataError, NoSolutionError
from wheelyard.model.artifact import Artifact, InputWheel
from wheelyard.model.job import BuildKey, Offer, Outcome, Report, StepName
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Resolution
from wheelyard.plan.events import Exclusion
from wheelyard.plan.key import digest_of, recipe_digest
from wheelyard.plan.offers import ingredient
from wheelyard.plan.queries import request_query
from wheelyard.plan.summary import GOOD, Row
from wheelyard.plan.unit import EMPTY, PlanOptions
from wheelyard.ports import BackEnds, DirectSource, Memory, Progress, Resolver, Upstream

_SAID = "said-by-back-end-1"
_MAXIMUM_ROUNDS = 5
_LINES_OF_LOG = 8
_NOBODY = ProjectName("-")
_HINT = (
    "Mend it (a version that is taken from git wants a tag), set what it reads under 'environment' in a "
    "recipe, or build an sdist of it ('uv build --sdist') and name that file."
)

Provide = Callable[[PlanOptions], Awaitable[Mapping[Release, Artifact]]]
"""Builds what some options ask for, and returns the wheels. Raises WheelyardError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who is asked: a source, known to people as ``name``, for the one target of ``options``.

    ``options`` are those of the request; of them only how build requirements are met counts.
    """

    found: DirectSource
    name: str
    options: PlanOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """An answer as it is remembered: what the back end needs first, or METADATA."""

    needs: tuple[str, ...] = ()
    metadata: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One try: the offer's parts that may differ from the next."""

    recipe: Recipe
    release: Release
    options: PlanOptions
    resolution: Resolution = field(default=EMPTY)


class Describer:
    """Asks back ends. ``provide`` gives the wheels of an environment."""

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        upstream: Upstream,
        resolver: Resolver,
        memory: Memory,
        back_ends: BackEnds,
        provide: Provide,
        recipe_of: Callable[[Release], Recipe],
        progress: Callable[[Progress], None] = lambda _: None,
        listener: Listener = lambda _: None,
    ) -> None:
        self._upstream = upstream
        self._resolver = resolver
        self._memory = memory
        self._back_ends = back_ends
        self._provide = provide
        self._recipe_of = recipe_of
        self._progress = progress
        self._tell = listener
        self._told: set[str] = set()

    async def describe(self, question: Question) -> DirectSource:
        """Return the source with its release and METADATA. Raises MetadataError and WheelyardError."""
        found = question.found
        guess = found.release or Release(found.project or _NOBODY, Version("0"))
        recipe = self._recipe_of(guess)
        for _ in range(2):
            metadata = await self._ask(question, recipe, guess)
            release = _release_of(metadata, question)
            own = self._recipe_of(release)
            if recipe_digest(own) == recipe_digest(recipe):
                return replace(found, release=release, metadata=metadata, project=release.project)
            # Its recipe goes by its version, which is only known now.
            recipe, guess = own, release
        raise MetadataError(
            f"{question.name} is another release with the recipe of {release} than without",
            hint="Let its recipe not depend on its version.",
        )

    async def _ask(self, question: Question, recipe: Recipe, guess: Release) -> bytes:
        facts = await self._upstream.facts(question.found.source)
        needs: tuple[str, ...] = ()
        for _ in range(_MAXIMUM_ROUNDS):
            lines = dict.fromkeys((*facts.build_requires, *recipe.build_requires, *needs))
            options = _environment_options(question.options, tuple(lines), recipe)
            said = await self._answer(
                question, _Round(recipe=recipe, release=guess, options=options)
            )
            if said.metadata is not None:
                return said.metadata
            if set(said.needs) <= set(needs):
                break
            needs = tuple(dict.fromkeys((*needs, *said.needs)))
        raise _unclear(question, f"its requirements do not settle: it asks for {', '.join(needs)}")

    async def _answer(self, question: Question, one: _Round) -> _Said:
        """Recall what was said, or have it said."""
        if one.options.requirements:
            one = replace(one, resolution=await self._resolve(question, one.options))
        key = _key(question, one)
        kept = await self._memory.recall(_SAID, key)
        if kept is not None:
            return msgspec.msgpack.decode(kept, type=_Said)
        if question.name not in self._told:
            self._told.add(question.name)
            self._tell(SourceAsked(name=question.name))
        described = await self._back_ends.describe(
            await self._offer(question, one, key), self._progress
        )
        report = described.report
        if report.outcome is Outcome.NEEDS:
            said = _Said(needs=report.needs)
        elif described.metadata is not None:
            said = _Said(metadata=described.metadata)
        else:
            raise _failed(question, report)
        await self._memory.keep(_SAID, key, msgspec.msgpack.encode(said))
        return said

    async def _resolve(self, question: Question, options: PlanOptions) -> Resolution:
        try:
            return await self._resolver.resolve(request_query(options, options.targets[0]))
        except NoSolutionError as error:
            raise NoSolutionError(
                f"the build requirements of {question.name} have no solution: {error.message}",
                hint=error.hint,
            ) from error

    async def _offer(self, question: Question, one: _Round, key: str) -> Offer:
        wheels = await self._provide(one.options) if one.resolution.pins else {}
        return Offer(
            key=BuildKey(key),
            release=one.release,
            source=question.found.source,
            target=one.options.targets[0],
            requirements=tuple(_input(wheels[pin.release]) for pin in one.resolution.pins),
            recipe=one.recipe,
            limits=one.options.limits,
        )


def provided(rows: Sequence[Row], exclusions: Sequence[Exclusion]) -> dict[Release, Artifact]:
    """Return the wheels of a run for one target. Raises MetadataError where one is missing."""
    for exclusion in exclusions:
        raise MetadataError(
            f"the build requirement {exclusion.requirement} cannot be met: {exclusion.reason}",
            hint=exclusion.hint,
        )
    for row in rows:
        if row.ending not in GOOD:
            raise MetadataError(
                f"the build requirement {row.unit.release} could not be built: "
                f"{row.reason or row.ending}",
                hint=row.hint or f"'wheelyard job log {row.unit.release.project}' says more.",
            )
    return {row.unit.release: row.artifact for row in rows if row.artifact is not None}


def _environment_options(
    options: PlanOptions, lines: tuple[str, ...], recipe: Recipe
) -> PlanOptions:
    """Ask for a build environment as a request of its own; it is never built anew for its own sake."""
    return replace(
        options,
        requirements=lines,
        constraints=(*options.build_constraints, *recipe.build_constraints),
        overrides=(),
        targets=options.targets[:1],
        check_reproducible=False,
        rebuild=False,
    )


def _key(question: Question, one: _Round) -> str:
    """Name everything that a back end sees."""
    source = question.found.source
    fields = [source.archive, source.subdirectory, recipe_digest(one.recipe)]
    fields += [str(one.options.targets[0]), one.options.isolation]
    for pin in one.resolution.pins:
        entry = ingredient(pin, from_source=one.options.wants_source(pin))
        fields += [entry.release, entry.identity]
    return digest_of(fields)


def _input(artifact: Artifact) -> InputWheel:
    return InputWheel(
        filename=artifact.filename,
        digest=artifact.digest,
        release=artifact.release,
        origin=artifact.origin,
    )


def _release_of(metadata: bytes, question: Question) -> Release:
    raw, _ = parse_email(metadata)
    try:
        release = Release.of(raw.get("name", ""), raw.get("version", ""))
    except InvalidNameError as error:
        raise _unclear(question, f"its back end gives metadata in which {error.message}") from error
    expected = question.found.project
    if expected is not None and release.project != expected:
        raise MetadataError(
            f"{question.name} is {release.project!r}, not {expected!r}",
            hint="Correct the name before the '@'.",
        )
    return release


def _unclear(question: Question, why: str) -> MetadataError:
    return MetadataError(f"{question.name} does not say which release it is: {why}", hint=_HINT)


def _failed(question: Question, report: Report) -> MetadataError:
    reason = report.reason or report.outcome.value
    if not any(step.name is StepName.REQUIREMENTS for step in report.steps):
        # Nobody asked its back end: its files lead out of their place, for example.
        return MetadataError(
            f"{question.name} cannot be asked which release it is: {reason}", hint=report.hint
        )
    lines = report.detail.splitlines()[-_LINES_OF_LOG:]
    printed = "".join(f"\n  | {line}" for line in lines)
    return MetadataError(
        f"{question.name} does not say which release it is, and its back end failed: {reason}{printed}",
        hint=report.hint or _HINT,
    )
