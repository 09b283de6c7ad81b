"""From a unit to the job that builds it: its key, its environment, its offer."""

from collections.abc import Mapping

from wheelyard.model.artifact import Artifact, InputWheel
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import Pin
from wheelyard.plan.events import UnitId
from wheelyard.plan.key import Ingredient, build_key, recipe_digest
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


def key_of(
    unit: Unit,
    known: ReleaseState,
    recipe: Recipe,
    options: PlanOptions,
    seeds: Mapping[UnitId, Artifact] | None = None,
) -> BuildKey:
    """Name the job of a unit whose environment is resolved."""
    given = seeds or {}
    return build_key(
        release=unit.id.release,
        source_digest=known.source.digest,
        subdirectory=known.source.subdirectory,
        recipe=recipe,
        target=unit.id.target,
        toolchain=options.toolchains.get(str(unit.id.target), ""),
        ingredients=[
            ingredient(
                pin,
                from_source=options.wants_source(pin),
                seed=given.get(UnitId(pin.release, unit.id.target)),
            )
            for pin in unit.resolution.pins
        ],
    )


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


def _environment(
    unit: Unit, units: Mapping[UnitId, Unit]
) -> tuple[list[Artifact], dict[UnitId, Artifact]] | None:
    """Return the wheels of the build environment and which of them are seeds; None while one is missing."""
    wheels: list[Artifact] = []
    seeds: dict[UnitId, Artifact] = {}
    for needed in unit.builds:
        found = provider(units, needed, unit)
        if found is None and unit.group is not None:
            found = unit.group.seeds.get(needed)
            if found is not None:
                seeds[needed] = found
        if found is None:
            return None
        wheels.append(found)
    return wheels, seeds


def _run_closure(
    unit: Unit, units: Mapping[UnitId, Unit]
) -> tuple[list[Artifact], list[str]] | None:
    """Return what the wheel needs when it is imported, and what of it a cycle keeps away."""
    direct = (needed for needed in unit.runs if needed not in unit.cut and needed != unit.id)
    if any(provider(units, needed, unit) is None for needed in direct):
        return None
    wheels: list[Artifact] = []
    absent: list[str] = []
    seen = {unit.id}
    queue = list(unit.runs)
    while queue:
        needed = queue.pop()
        if needed in seen:
            continue
        seen.add(needed)
        found = provider(units, needed, unit)
        if found is not None:
            wheels.append(found)
            queue += units[needed].runs
        else:
            absent.append(needed.release.project)
    return sorted(wheels, key=lambda wheel: wheel.filename), sorted(absent)


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
    units: Mapping[UnitId, Unit],
    known: ReleaseState,
    recipe: Recipe,
    options: PlanOptions,
) -> tuple[Offer, bool] | None:
    """Return the offer of a unit and whether a seed is in its environment; None while something is missing."""
    environment = _environment(unit, units)
    closure = _run_closure(unit, units) if environment is not None else None
    if environment is None or closure is None or unit.key is None:
        return None
    wheels, seeds = environment
    key = key_of(unit, known, recipe, options, seeds) if seeds else unit.key
    offer = Offer(
        key=key,
        release=unit.id.release,
        source=known.source,
        target=unit.id.target,
        requirements=tuple(_input(wheel) for wheel in wheels),
        test_requirements=tuple(_input(wheel) for wheel in closure[0]),
        test_partial=tuple(closure[1]),
        recipe=recipe,
        limits=options.limits,
        upstream_filename=unit.pin.wheel.filename if unit.pin.wheel else "",
        source_date_epoch=_epoch(known),
        check_reproducible=options.check_reproducible,
    )
    return offer, bool(seeds)
