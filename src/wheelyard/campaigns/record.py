"""Campaigns as they are kept: read, changed, and written into the event log."""

from dataclasses import dataclass, field

from wheelyard.campaign_ports import Campaign, CampaignName, CampaignStore, Member
from wheelyard.campaigns.actions import CampaignAction
from wheelyard.campaigns.running import Running
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.farm_ports import EventLog
from wheelyard.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRecord:
    """Reads and writes campaigns. What was read is at hand until another process changes it."""

    store: CampaignStore
    clock: Clock
    events: EventLog | None = None
    _running: dict[CampaignName, Running] = field(default_factory=dict)

    async def opened(self, name: CampaignName) -> Running:
        """Return a campaign as it is kept; read anew where another process changed it. Raises ConfigurationError."""
        campaign = await self.store.campaign(name)
        if campaign is None:
            known = [one.name for one in await self.store.campaigns()]
            raise ConfigurationError(
                f"there is no campaign {name!r}",
                hint=nearest(name, known) or "'wheelyard migrate status' lists them.",
            )
        if name not in self._running or self._running[name].campaign != campaign:
            self._running[name] = Running(campaign, await self._members(campaign))
        return self._running[name]

    async def _members(self, campaign: Campaign) -> list[Member]:
        """Return the members; who was excluded while another process was about to save it leaves again."""
        found, excluded = [], campaign.scope.exclude
        for member in await self.store.members(campaign.name):
            if member.package in excluded:
                await self.store.leave(campaign.name, member.package)
            else:
                found.append(member)
        return found

    async def fresh(self, name: CampaignName) -> Running:
        """Return a campaign with its members as they are kept now. Raises ConfigurationError."""
        self._running.pop(name, None)
        return await self.opened(name)

    async def is_current(self, running: Running) -> bool:
        """Whether nobody decided anything about a campaign since it was read."""
        return await self.store.campaign(running.campaign.name) == running.campaign

    async def learn(self, running: Running, member: Member) -> list[Member]:
        """Keep how a member stands; return those that came into another state by that."""
        before = {name: one.state for name, one in running.members.items()}
        changed = running.learn(member, self.clock.now())
        await self.store.save(changed)
        turned = [one for one in changed if one.state is not before[one.package]]
        for one in turned:
            await self.write(
                CampaignAction.TURNED,
                one.campaign,
                package=one.package,
                state=one.state.value,
                reason=one.reason,
            )
        return turned

    async def update(self, running: Running, campaign: Campaign, *, actor: str = "") -> None:
        """Keep what is other about a campaign now."""
        mode = running.campaign.mode
        running.campaign = campaign
        await self.store.update(campaign)
        if campaign.mode is not mode:
            await self.write(CampaignAction.MODE, campaign.name, actor, mode=campaign.mode.value)

    async def write(
        self, action: str, campaign: str, actor: str = "", **detail: str | float
    ) -> None:
        """Write a line into the event log."""
        if self.events is not None:
            await self.events.write(action, campaign, actor=actor, **detail)


def member_of(running: Running, package: str) -> Member:
    """Return a member by name. Raises ConfigurationError with the nearest one."""
    if package not in running.members:
        raise ConfigurationError(
            f"{package!r} is not in {running.campaign.name!r}",
            hint=nearest(package, running.members) or "'wheelyard migrate status' lists them.",
        )
    return running.members[package]
