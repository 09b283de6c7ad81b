"""Who is in a campaign, while it goes on: recipes that come in are taken in, and those that need nothing of it leave.

A recipe that cannot be read just now says nothing about itself: it stays, and who waits for it still does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wheelyard.campaign_ports import Campaign, CampaignName, Link, Member, Mode
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.feedstocks import PATTERNS, feedstock_of
from wheelyard.campaigns.looking import proposal_name
from wheelyard.campaigns.record import CampaignRecord
from wheelyard.campaigns.rules import migration_of, rule_of, scope_of
from wheelyard.campaigns.running import Running, links_of
from wheelyard.campaigns.scanning import Scan
from wheelyard.errors import BusyError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.graph.packages import PackageGraph
from wheelyard.migrate.membership import LeftOut, Membership, Scope, membership
from wheelyard.migrate.states import State

_OPEN = frozenset({Mode.RUNNING, Mode.PAUSED})
_DONE = frozenset({State.MERGED, State.PUBLISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What is other about the members of a campaign."""

    joined: tuple[str, ...]
    left: Mapping[str, LeftOut]
    members: Mapping[str, Member]


@dataclass(slots=True, kw_only=True)
class Renewing:
    """Keeps members up to date with the recipes that there are."""

    record: CampaignRecord
    forge: Forge
    _passed: dict[tuple[CampaignName, str], str] = field(default_factory=dict)

    async def renew(self, name: CampaignName, scan: Scan, graph: PackageGraph) -> list[str] | None:
        """Take in who has come and let go who needs nothing of it any more; return the former.

        None: nothing is other. Raises BusyError where the forge wants to be left alone.
        """
        running = await self.record.opened(name)
        campaign = running.campaign
        if not is_renewed(running):
            return None
        scope = scope_now(campaign, graph)
        found = membership(graph, scope)
        unwilling = await self._unwilling(running, found, scan)
        if unwilling:
            found = membership(graph, replace(scope, exclude=scope.exclude | unwilling))
        change = self._changed(running, found, scan, graph)
        if not (change.joined or change.left or change.members):
            return None
        await self._carry_out(running, scope, found, change)
        return list(change.joined)

    async def _unwilling(self, running: Running, found: Membership, scan: Scan) -> frozenset[str]:
        """Return the newcomers that the rule wants nothing of; looked at again only when they changed."""
        name, rule = running.campaign.name, rule_of(running.campaign)
        stamps = {one.package.name: (one.place, one.stamp) for one in scan.scanned}
        refused = set()
        for package in found.parents:
            if package in running.members:
                continue
            place, stamp = stamps[package]
            if self._passed.get((name, package)) == stamp:
                refused.add(package)
                continue
            try:
                feedstock = feedstock_of(await self.forge.look(place, PATTERNS))
                wants = rule.migrator.wants(feedstock)
            except BusyError:
                raise
            except WheelyardError:
                wants = False
            if not wants:
                self._passed[name, package] = stamp
                refused.add(package)
        return frozenset(refused)

    def _changed(
        self, running: Running, found: Membership, scan: Scan, graph: PackageGraph
    ) -> _Change:
        unread = {
            name
            for name in running.members
            if name not in graph.packages or graph.packages[name].broken
        }
        left = {
            name: found.left_out.get(name, LeftOut.NO_NEED)
            for name, member in running.members.items()
            if name not in found.parents and name not in unread and member.state not in _DONE
        }
        joined = tuple(name for name in found.parents if name not in running.members)
        places, now = scan.places, self.record.clock.now()
        members = {}
        for name in joined:
            members[name] = Member(
                campaign=running.campaign.name,
                package=name,
                repository=places.get(name, ""),
                state=State.AWAITING_PARENTS,
                changed=now,
                links=links_of(found, name),
            )
        for name, member in running.members.items():
            if name in found.parents and member.state not in _DONE:
                links = _with_unread(links_of(found, name), member.links, unread)
                if links != member.links:
                    members[name] = replace(member, links=links)
        return _Change(joined=joined, left=left, members=members)

    async def _carry_out(
        self, running: Running, scope: Scope, found: Membership, change: _Change
    ) -> None:
        campaign, record = running.campaign, self.record
        for name in change.left:
            member = running.members[name]
            if member.state is State.PROPOSED:
                why = f"{name} is not in {campaign.name} any more: {change.left[name].value}"
                await self._withdraw(member, why)
            await record.store.leave(campaign.name, name)
        kept = {name: one for name, one in running.members.items() if name not in change.left}
        now = Running(campaign, {**kept, **change.members}.values())
        for name, member in list(now.members.items()):
            if name in change.members or now.progress.state(name) is not member.state:
                await record.learn(now, member)
        left_out = {**dict(found.left_out), **change.left}
        renewed = replace(
            campaign,
            scope=scope,
            left_out=tuple(sorted(left_out.items())),
            revision=campaign.revision + 1,
        )
        await record.update(now, renewed)
        for name in change.joined:
            await record.write(CampaignAction.JOINED, campaign.name, package=name)
        for name, reason in change.left.items():
            await record.write(
                CampaignAction.LEFT, campaign.name, package=name, reason=reason.value
            )

    async def _withdraw(self, member: Member, why: str) -> None:
        try:
            await self.forge.close(proposal_name(member), why)
        except BusyError:
            raise
        except WheelyardError:
            # Who cannot be told is not held either.
            return


def is_renewed(running: Running) -> bool:
    """Whether the members of a campaign follow from the recipes that there are, and not from a list of names."""
    campaign = running.campaign
    if campaign.mode not in _OPEN or not any(one.repository for one in running.members.values()):
        return False
    return bool(campaign.pins or campaign.everybody or campaign.scope.ports)


def scope_now(campaign: Campaign, graph: PackageGraph) -> Scope:
    """Return whom a campaign is for by what the recipes say now."""
    if campaign.pins:
        scope = scope_of(migration_of(campaign), graph.names)
        return replace(
            scope,
            exclude=scope.exclude | campaign.scope.exclude,
            platforms=campaign.scope.platforms or scope.platforms,
        )
    if campaign.everybody:
        return replace(campaign.scope, chosen=frozenset(graph.packages))
    return campaign.scope


def _with_unread(
    links: tuple[Link, ...], before: tuple[Link, ...], unread: set[str]
) -> tuple[Link, ...]:
    known = {link.parent for link in links}
    kept = [link for link in before if link.parent in unread and link.parent not in known]
    return tuple(sorted([*links, *kept], key=lambda link: link.parent))
