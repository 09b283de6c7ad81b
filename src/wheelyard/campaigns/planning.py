"""A campaign before it starts: whom it is for, and what it will be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wheelyard.campaign_ports import Campaign, CampaignName, Mode
from wheelyard.campaigns.rules import PINS, check_name, migration_of, rule_of, scope_of
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.graph.packages import PackageGraph
from wheelyard.migrate.automerge import Automerge
from wheelyard.migrate.membership import Membership, Scope, membership
from wheelyard.migrate.priority import Limits

_LONG = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Intention:
    """What somebody wants carried out. ``pins`` is the text of a migration of pins; then ``rule`` is not needed.

    ``packages``: those that are meant, where the rule is no pin's; empty: all that are in the graph.
    """

    name: str
    owner: str
    rule: str = ""
    pins: str = ""
    packages: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    trial: bool = False
    builds: bool = True
    pin_repository: str = ""
    pin_path: str = ""
    answers: str = ""
    says: str = ""
    automerge: Automerge = Automerge.RECIPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A campaign that has not begun, and who is in it."""

    campaign: Campaign
    members: Membership


def planned(intention: Intention, graph: PackageGraph, now: datetime) -> Planned:
    """Work a wish out. Raises ConfigurationError, with the nearest known name where a package is unknown."""
    check_name(intention.name)
    _check_packages(intention, graph)
    campaign = Campaign(
        name=CampaignName(intention.name),
        rule=PINS if intention.pins else intention.rule,
        owner=intention.owner,
        created=now,
        pins=intention.pins,
        limits=intention.limits,
        trial=intention.trial,
        builds=intention.builds,
        pin_repository=intention.pin_repository,
        pin_path=intention.pin_path,
        answers=intention.answers,
        says=intention.says,
        automerge=intention.automerge,
        everybody=not (intention.pins or intention.packages or intention.ports),
    )
    rule_of(campaign)
    scope = Scope(
        chosen=frozenset(intention.packages or ([] if intention.ports else graph.packages)),
        ports=frozenset(intention.ports),
        with_noarch=True,
    )
    if intention.pins:
        campaign, scope = _of_pins(campaign, graph)
    scope = replace(
        scope,
        exclude=scope.exclude | set(intention.exclude),
        platforms=frozenset(intention.platforms) or scope.platforms,
    )
    found = membership(graph, scope)
    if not found.parents:
        raise ConfigurationError(
            f"nobody is in {intention.name!r}",
            hint="See with 'wheelyard graph show' what the recipes put out and need.",
        )
    return Planned(
        campaign=replace(campaign, scope=scope, left_out=tuple(sorted(found.left_out.items()))),
        members=found,
    )


def _of_pins(campaign: Campaign, graph: PackageGraph) -> tuple[Campaign, Scope]:
    migration = migration_of(campaign)
    limits = campaign.limits
    if migration.pr_limit:
        limits = Limits(first=min(limits.first, migration.pr_limit), most=migration.pr_limit)
    told = replace(
        campaign,
        limits=limits,
        mode=Mode.PAUSED if migration.paused else campaign.mode,
        waits_for=tuple(CampaignName(one) for one in migration.wait_for_migrators),
    )
    return told, scope_of(migration, graph.names)


def _check_packages(intention: Intention, graph: PackageGraph) -> None:
    for name in (*intention.packages, *intention.ports, *intention.exclude):
        if name not in graph.packages:
            raise ConfigurationError(
                f"{name[:_LONG]!r} is no package of these recipes",
                hint=nearest(name, graph.packages) or "'wheelyard graph show' lists them.",
            )


def machine_seconds(took: Mapping[str, float], usual: float, package: str) -> float:
    """Return what a build of a package takes: as earlier ones did, else as is usual."""
    return took.get(package, usual)
