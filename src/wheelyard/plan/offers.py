"""From a unit to the job that builds it: its key, its environment, its offer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wheelyard.model.artifact import Artifact, InputWheel, Origin
from wheelyard.model.job import Offer
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import Pin
from wheelyard.model.way import WayKind
from wheelyard.plan.events import UnitId
from wheelyard.plan.key import Ingredient, Keys, build_keys, recipe_digest
from wheelyard.plan.unit import PlanOptions, ReleaseState, Unit
from wheelyard.targets.compatibility import serves

_EPOCH_FLOOR = 315532800
"""1980-01-01: the earliest time that a zip archive can hold, in seconds."""


def ingredient(pin: Pin, *, from_source: bool, seed: Artifact | None = None) -> Ingredient:
    """Say how a build requirement enters a key."""
    release = str(pin.release)
    if seed is not None:
        return Ingredient(release, f"seed:{seed.digest}")
    if from_source and pin.source is not None:
        return Ingredient(release, f"source:{pin.source.digest or pin.source.location}")
    if pin.wheel is not None:
        return Ingredient(release, f"wheel:{pin.wheel.digest or pin.wheel.url}")
    return Ingredient(release, "nowhere")


def keys_of(
    unit: Unit,
    known: ReleaseState,
    recipe: Recipe,
    options: PlanOptions,
    seeds: Mapping[UnitId, Artifact] | None = None,
) -> Keys:
    """Name the job of a unit whose environment is resolved."""
    given, way = seeds or {}, unit.way
    running = way.runs_on(unit.id.target)
    return build_keys(
        release=unit.id.release,
        source_digest=known.source.digest,
        subdirectory=known.source.subdirectory,
        recipe=recipe,
        target=unit.id.target,
        isolation=options.isolation,
        toolchain=way.toolchain or options.toolchains.get(str(unit.id.target), ""),
        ingredients=[
            *(
                ingredient(
                    pin,
                    from_source=options.wants_source(pin),
                    seed=given.get(UnitId(pin.release, running)),
                )
                for pin in unit.resolution.pins
            ),
            *_compiled_against(unit, options),
        ],
        way="" if way.kind is WayKind.NATIVE else way.kind.value,
        tools=options.tools,
        rebuild=options.rebuild_name,
    )


def _compiled_against(unit: Unit, options: PlanOptions) -> Iterator[Ingredient]:
    for pin in unit.host_resolution.pins:
        one = ingredient(pin, from_source=options.wants_source(pin))
        yield Ingredient(one.release, f"host {one.identity}")


def covering(unit: Unit, known: ReleaseState, recipe: Recipe) -> Artifact | None:
    """Return an artifact of another target that serves this one, of the same source and recipe.

    Which build requirements it was built with does not matter here (``docs/decisions/0005``).
    """
    digest = recipe_digest(recipe)
    for artifact in known.artifacts:
        if (
            artifact.target != unit.id.target
            and artifact.source_digest == known.source.digest
            and artifact.recipe_digest == digest
            and serves(artifact.tags, artifact.requires_python, unit.id.target)
        ):
            return artifact
    return None


def provider(units: Mapping[UnitId, Unit], needed: UnitId, unit: Unit) -> Artifact | None:
    """Return what a unit may use of another now: what counts, or what a bootstrap of its own cycle made."""
    other = units[needed]
    if other.artifact is not None:
        return other.artifact
    if unit.group is not None and needed in unit.group.members:
        return other.bootstrap
    return None


def _given(unit: Unit, units: Mapping[UnitId, Unit], needed: UnitId) -> Artifact | None:
    """Return what there is of another unit for the environment of one: a seed, where it breaks their cycle.

    What it only needs to run never comes as a seed: without one in its build environment, a wheel counts.
    """
    found = provider(units, needed, unit)
    if found is None and unit.group is not None and needed in (*unit.builds, *unit.hosts):
        return unit.group.seeds.get(needed)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The wheels around a build. Where it is not ``complete``, what is listed may be a part only.

    ``seeds`` are those of ``environment`` that break a cycle. ``tests`` is what an import of the
    wheel needs, ``hosts`` what it is compiled against, ``absent`` what of that a cycle keeps away; ``tools`` and ``tools_absent`` are the same
    for the test of its recipe. ``missing`` is what is not there, but
    whose dependants are: nobody waits for it yet.
    """

    complete: bool = False
    environment: tuple[Artifact, ...] = ()
    hosts: tuple[Artifact, ...] = ()
    seeds: Mapping[UnitId, Artifact] = field(default_factory=dict)
    tests: tuple[Artifact, ...] = ()
    absent: tuple[str, ...] = ()
    tools: tuple[Artifact, ...] = ()
    tools_absent: tuple[str, ...] = ()
    missing: frozenset[UnitId] = frozenset()


def surroundings(unit: Unit, units: Mapping[UnitId, Unit]) -> Surroundings:
    """Return what of a unit's surroundings is there."""
    environment = [_given(unit, units, needed) for needed in (*unit.builds, *unit.hosts)]
    direct = (need for need in (*unit.runs, *(unit.tests or ())) if need not in unit.cut)
    if None in environment or any(_given(unit, units, run) is None for run in direct):
        return Surroundings()
    wheels = [wheel for wheel in environment if wheel is not None]
    given = dict(zip((*unit.builds, *unit.hosts), wheels, strict=True))
    seeds = {needed: wheel for needed, wheel in given.items() if wheel.origin is Origin.SEED}
    tests, away = _closure(unit, units)
    missing = away - unit.cut
    tools = {needed: _given(unit, units, needed) for needed in unit.tests or ()}
    return Surroundings(
        complete=not missing,
        environment=tuple(wheels[: len(unit.builds)]),
        hosts=tuple(wheels[len(unit.builds) :]),
        seeds=seeds,
        tests=_by_name(tests),
        absent=tuple(sorted(needed.release.project for needed in away)),
        tools=_by_name(wheel for wheel in tools.values() if wheel is not None),
        tools_absent=tuple(
            sorted(n.release.project for n, wheel in tools.items() if wheel is None)
        ),
        missing=missing,
    )


def _by_name(wheels: Iterable[Artifact]) -> tuple[Artifact, ...]:
    return tuple(sorted(wheels, key=lambda wheel: wheel.filename))


def _closure(unit: Unit, units: Mapping[UnitId, Unit]) -> tuple[list[Artifact], frozenset[UnitId]]:
    """Return what an import of the wheel needs: what is there of it, and what is not.

    Only pins that were resolved together are followed: elsewhere in the plan, what it requires may
    have other versions.
    """
    wheels: list[Artifact] = []
    away: set[UnitId] = set()
    seen = {unit.id.release.project}
    queue = list(unit.pin.dependencies)
    while queue:
        project = queue.pop()
        pin = unit.company.get(project)
        if project in seen or pin is None:
            continue
        seen.add(project)
        needed = UnitId(pin.release, unit.id.target)
        found = _given(unit, units, needed)
        if found is None:
            away.add(needed)
        else:
            wheels.append(found)
            queue += pin.dependencies
    return wheels, frozenset(away)


def _input(artifact: Artifact) -> InputWheel:
    return InputWheel(
        filename=artifact.filename,
        digest=artifact.digest,
        release=artifact.release,
        origin=artifact.origin,
    )


def _epoch(known: ReleaseState) -> int:
    uploaded = known.source.uploaded
    return max(_EPOCH_FLOOR, int(uploaded.timestamp())) if uploaded else _EPOCH_FLOOR


def make_offer(
    unit: Unit,
    around: Surroundings,
    known: ReleaseState,
    recipe: Recipe,
    options: PlanOptions,
) -> Offer:
    """Return the offer of a unit whose surroundings are complete."""
    return Offer(
        key=keys_of(unit, known, recipe, options, around.seeds).exact,
        release=unit.id.release,
        source=known.source,
        target=unit.id.target,
        requirements=tuple(_input(wheel) for wheel in around.environment),
        test_requirements=tuple(_input(wheel) for wheel in around.tests),
        test_partial=around.absent,
        test_tools=tuple(_input(wheel) for wheel in around.tools),
        test_tools_absent=around.tools_absent,
        recipe=recipe,
        limits=options.limits,
        upstream_filename=unit.pin.wheel.filename if unit.pin.wheel else "",
        upstream_portable=unit.pin.portable,
        source_date_epoch=_epoch(known),
        check_reproducible=options.check_reproducible,
        as_of=unit.day,
        way=unit.way,
        host_requirements=tuple(_input(wheel) for wheel in around.hosts),
    )
