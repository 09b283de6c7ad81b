"""Migrations: how each stands, why a package waits, what a package is in, and the new versions that were seen."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from wheelyard.campaign_ports import Campaign, CampaignName, CampaignStore, SeenVersion, Turn
from wheelyard.ports import Clock
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.known_migrations import KnownMigrations
from wheelyard.web.site.migration_views import (
    MigrationLine,
    MigrationView,
    PackageView,
    migration_view,
    package_view,
)
from wheelyard.web.site.page import Page

_TURNS = 50_000
_NEWS = 100
_LIMIT = 300
_NAMED = 80


class Migrations(msgspec.Struct, kw_only=True):
    """All migrations, the newest first."""

    migrations: Sequence[MigrationLine]


class TurnView(msgspec.Struct, kw_only=True):
    """A package came into a state."""

    migration: str
    package: str
    state: str
    at: datetime
    reason: str


class MemberView(msgspec.Struct, kw_only=True):
    """A package in a migration, why it stands there, whom it waits for in the end, and how it came there."""

    migration: str
    package: PackageView
    in_the_end_for: Sequence[str]
    needed_by: Sequence[str]
    turns: Sequence[TurnView]


class VersionView(msgspec.Struct, kw_only=True):
    """What a source last said of a package."""

    package: str
    source: str
    at: datetime
    version: str
    current: str
    error: str
    again: datetime | None


class PackageMigrations(msgspec.Struct, kw_only=True):
    """The migrations that a package is in, and the versions of it that were seen."""

    package: str
    migrations: Sequence[TurnView]
    turns: Sequence[TurnView]
    versions: Sequence[VersionView]


class Versions(msgspec.Struct, kw_only=True):
    """The versions that were seen, with what went wrong first."""

    versions: Sequence[VersionView]


class MigrationPages:
    """Shows migrations."""

    def __init__(self, *, store: CampaignStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known = KnownMigrations(store=store)

    async def list(self, _: Call) -> Migrations:
        """Show all migrations."""
        return Migrations(
            migrations=[await self._known.line(one) for one in await self._store.campaigns()]
        )

    async def show(self, call: Call) -> MigrationView:
        """Show one migration."""
        running = await self._known.running(await self._campaign(call))
        turns = await self._known.turns(running.campaign.name)
        limit = call.number("limit", _LIMIT, least=1, most=_TURNS)
        return await asyncio.to_thread(
            migration_view,
            running,
            turns,
            self._clock.now(),
            only=call.text("state"),
            limit=limit,
        )

    async def member(self, call: Call) -> MemberView:
        """Show one package of a migration."""
        running = await self._known.running(await self._campaign(call))
        package = call.place("package")
        if package not in running.members:
            raise Refusal(404, f"{package[:_NAMED]!r} is not in {running.campaign.name!r}")
        turns = await self._store.turns(
            campaign=running.campaign.name, package=package, limit=_NEWS
        )
        return MemberView(
            migration=running.campaign.name,
            package=package_view(running, package),
            in_the_end_for=running.progress.roots(package),
            needed_by=running.progress.children(package),
            turns=list(map(_turn, turns)),
        )

    async def package(self, call: Call) -> PackageMigrations:
        """Show what a package is in. Raises a Refusal where nothing is known of it."""
        name = call.place("package")
        members = await self._store.of_package(name)
        versions = await self._store.versions(package=name)
        turns = await self._store.turns(package=name, limit=_NEWS)
        if not members and not versions and not turns:
            raise Refusal(404, f"nothing is known of the package {name[:_NAMED]!r}")
        return PackageMigrations(
            package=name,
            migrations=[
                TurnView(
                    migration=one.campaign,
                    package=one.package,
                    state=one.state.value,
                    at=one.changed,
                    reason=one.reason,
                )
                for one in members
            ],
            turns=list(map(_turn, turns)),
            versions=list(map(_version, versions)),
        )

    async def versions(self, _: Call) -> Versions:
        """Show what sources of new versions said."""
        return Versions(versions=list(map(_version, await self._store.versions(limit=_TURNS))))

    async def _campaign(self, call: Call) -> Campaign:
        name = call.place("name")
        campaign = await self._store.campaign(CampaignName(name))
        if campaign is None:
            raise Refusal(404, f"there is no migration {name[:_NAMED]!r}")
        return campaign


def _turn(turn: Turn) -> TurnView:
    return TurnView(
        migration=turn.campaign,
        package=turn.package,
        state=turn.state.value,
        at=turn.at,
        reason=turn.reason,
    )


def _version(seen: SeenVersion) -> VersionView:
    return VersionView(
        package=seen.package,
        source=seen.source,
        at=seen.at,
        version=seen.version,
        current=seen.current,
        error=seen.error,
        again=seen.again,
    )


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where migrations are shown."""
    site = MigrationPages(store=ports.campaigns, clock=ports.clock)
    return (
        Page(
            path="/migrations",
            template="migrations.html",
            title="Migrations",
            show=site.list,
            says="Changes that are carried through all recipes, and how far each is.",
            follows=("campaigns",),
        ),
        Page(
            path="/migrations/{name}",
            template="migration.html",
            title="{name}",
            show=site.show,
            says="A migration: its progress over time, who keeps others waiting, and its packages.",
            query=(
                Parameter(name="state", says="Only packages in this state."),
                Parameter(name="limit", says="At most so many packages.", kind="integer"),
            ),
            follows=("campaign:{name}",),
        ),
        Page(
            path="/migrations/{name}/packages/{package}",
            template="migration_package.html",
            title="{migration}",
            show=site.member,
            says="A package of a migration: why it stands where it does, and how it came there.",
            follows=("campaign:{migration}",),
        ),
        Page(
            path="/packages/{package}",
            template="package.html",
            title="{package}",
            show=site.package,
            says="The migrations that a package is in, and the versions of it that were seen.",
            follows=("campaigns",),
        ),
        Page(
            path="/versions",
            template="versions.html",
            title="New versions",
            show=site.versions,
            says="What each source of new versions said last, with its errors.",
        ),
    )
