"""The questions that a plan puts to the resolver."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from wheelyard.model.recipe import Recipe
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import FromSource, Query
from wheelyard.model.source import SourceFacts
from wheelyard.model.way import WayKind
from wheelyard.plan.hosts import COMPILED_AGAINST
from wheelyard.plan.unit import PlanOptions, Unit
from wheelyard.targets.target import Target


def request_query(options: PlanOptions, target: Target) -> Query:
    """Ask for what the user named, for one target."""
    return Query(
        requirements=options.requirements,
        constraints=options.constraints,
        overrides=options.overrides,
        target=target,
        policy=replace(options.policy, sources_only=options.from_source is FromSource.ALL),
    )


def build_query(options: PlanOptions, unit: Unit, facts: SourceFacts, recipe: Recipe) -> Query:
    """Ask for the build environment of a unit.

    Nothing of the rest of the plan enters, so that the same source gives the same key in every run.
    """
    policy = replace(options.policy, sources_only=options.from_source is FromSource.ALL)
    if unit.as_of is not None:
        limit = unit.as_of + timedelta(days=options.as_of_margin_days)
        older = min(limit, policy.exclude_newer) if policy.exclude_newer else limit
        policy = replace(policy, exclude_newer=older)
    lines = dict.fromkeys((*facts.build_requires, *recipe.build_requires, *unit.needs))
    return Query(
        requirements=tuple(lines),
        constraints=(*options.build_constraints, *recipe.build_constraints),
        target=unit.way.runs_on(unit.id.target),
        policy=policy,
    )


def host_query(options: PlanOptions, unit: Unit, recipe: Recipe) -> Query | None:
    """Ask for what a unit is compiled against, for its own target; None where that is nothing.

    What also runs while it is built has one version in both places.
    """
    if unit.way.kind is not WayKind.CROSS:
        return None
    pins = {pin.release.project: pin.release for pin in unit.resolution.pins}
    known = [
        f"{project}=={pins[project].version}" for project in sorted(pins.keys() & COMPILED_AGAINST)
    ]
    lines = dict.fromkeys((*known, *recipe.host_requires))
    if not lines:
        return None
    return Query(
        requirements=tuple(lines),
        constraints=(*options.build_constraints, *recipe.build_constraints),
        target=unit.id.target,
        policy=replace(options.policy, sources_only=options.from_source is FromSource.ALL),
    )


def test_query(options: PlanOptions, unit: Unit, recipe: Recipe) -> Query:
    """Ask for what the recipe's own test of a unit requires.

    It is installed beside the wheel and what that needs to run, so it has to fit their versions.
    """
    policy = replace(options.policy, sources_only=options.from_source is FromSource.ALL)
    beside = (f"{release.project}=={release.version}" for release in _needed_to_run(unit))
    return Query(
        requirements=recipe.test_requires,
        constraints=tuple(sorted(beside)),
        overrides=options.overrides,
        target=unit.id.target,
        policy=policy,
    )


def _needed_to_run(unit: Unit) -> Iterator[Release]:
    """Yield a unit's own release and all that it needs to run."""
    yield unit.id.release
    seen: set[ProjectName] = {unit.id.release.project}
    queue = list(unit.pin.dependencies)
    while queue:
        pin = unit.company.get(queue.pop())
        if pin is not None and pin.release.project not in seen:
            seen.add(pin.release.project)
            yield pin.release
            queue += pin.dependencies
