"""The rule of a campaign, made from its record: a migrator, and whom it is for."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from wheelyard.campaign_ports import Campaign
from wheelyard.campaigns.migrators import migrator_of
from wheelyard.errors import ConfigurationError, RefusedEditError
from wheelyard.migrate.automerge import Change
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.membership import Scope
from wheelyard.migrate.migrator import Migrator
from wheelyard.migrate.migrators.pin_rebuild import PinRebuild
from wheelyard.migrate.migrators.rebuild import NewVersion
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.recipes.answers import RecordedAnswers

PINS = "pin"
"""The rule of a campaign that carries a pin file's migration."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a campaign does to recipes. ``title`` is the first line that people read."""

    migrator: Migrator
    title: str
    change: Change = Change.MIGRATION

    def is_done(self, feedstock: Feedstock, *, began: str, stands: str) -> bool:
        """Whether a recipe has the change, whoever made it.

        A rule that never has enough (one more build) is done where the recipe is not any more what it was.
        """
        if not self.migrator.wants(feedstock):
            return True
        return bool(began) and began != stands and self._is_restless(feedstock)

    def _is_restless(self, feedstock: Feedstock) -> bool:
        try:
            return self.migrator.wants(self.migrator.edit(feedstock))
        except RefusedEditError:
            return False


def rule_of(campaign: Campaign) -> Rule:
    """Return the rule of a campaign. Raises ConfigurationError, and InvalidMigrationError for its pins."""
    return _rule(campaign.name, campaign.rule, campaign.pins, campaign.answers)


@lru_cache(maxsize=256)
def _rule(campaign: str, rule: str, pins: str, answers: str) -> Rule:
    if rule == PINS:
        migration = PinMigration.parse(pins, name=campaign)
        # That it is paused is ours to heed; whether a recipe has it does not depend on that.
        return Rule(
            migrator=PinRebuild(migration=replace(migration, paused=False)),
            title=migration.title(),
        )
    told = msgspec.json.decode(answers, type=RecordedAnswers) if answers else None
    migrator = migrator_of(rule, answers=told)
    if isinstance(migrator, NewVersion):
        title = f"Go to version {migrator.to}"
        return Rule(migrator=migrator, title=title, change=Change.VERSION)
    return Rule(migrator=migrator, title=f"{campaign}: {migrator.summary}")


def migration_of(campaign: Campaign) -> PinMigration:
    """Return the migration whose text a campaign has. Raises InvalidMigrationError."""
    return PinMigration.parse(campaign.pins, name=campaign.name)


def scope_of(migration: PinMigration, known: Collection[str]) -> Scope:
    """Say whom a migration of pins is for; ``known`` are the names that packages put out."""
    return Scope(
        pins=migration.packages(known),
        exclude=frozenset(migration.exclude),
        platforms=frozenset(one.replace("_", "-") for one in migration.platform_allowlist),
        ignored={
            package: frozenset(names) for package, names in migration.ignored_deps_per_node.items()
        },
        with_noarch=migration.include_noarch,
        with_build=migration.include_build,
        with_pinned=not migration.exclude_pinned_pkgs,
    )


def check_name(name: str) -> None:
    """Raise ConfigurationError where a campaign cannot be called so: its name is a part of branches."""
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise ConfigurationError(
            f"{name!r} is no name of a campaign",
            hint="Use letters, digits and . _ + -, and begin with a letter or a digit.",
        )
