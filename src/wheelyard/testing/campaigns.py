"""Campaigns and builds of campaigns in memory."""

from collections.abc import Sequence

from wheelyard.campaign_ports import (
    BuildAnswer,
    BuildState,
    BuildWish,
    Campaign,
    CampaignName,
    Member,
    SeenVersion,
    Turn,
)


class MemoryCampaigns:
    """The ``CampaignStore`` port in memory."""

    def __init__(self) -> None:
        self._campaigns: dict[str, Campaign] = {}
        self._members: dict[tuple[str, str], Member] = {}
        self._turns: list[Turn] = []
        self._versions: dict[tuple[str, str], SeenVersion] = {}

    async def add(self, campaign: Campaign, members: Sequence[Member]) -> bool:
        """Keep a new campaign with its members; False where one of its name is there already."""
        if campaign.name in self._campaigns:
            return False
        self._campaigns[campaign.name] = campaign
        await self.save(members)
        return True

    async def campaign(self, name: CampaignName) -> Campaign | None:
        """Return a campaign."""
        return self._campaigns.get(name)

    async def campaigns(self) -> Sequence[Campaign]:
        """Return all of them, the newest first."""
        return sorted(
            sorted(self._campaigns.values(), key=lambda one: one.name),
            key=lambda one: one.created,
            reverse=True,
        )

    async def update(self, campaign: Campaign) -> None:
        """Keep what is other about a campaign now."""
        if campaign.name in self._campaigns:
            self._campaigns[campaign.name] = campaign

    async def members(self, name: CampaignName) -> Sequence[Member]:
        """Return the members of a campaign, by name."""
        return [one for (campaign, _), one in sorted(self._members.items()) if campaign == name]

    async def of_package(self, package: str) -> Sequence[Member]:
        """Return a package as a member of each campaign that it is in, the newest campaign first."""
        keys = [(one.name, package) for one in await self.campaigns()]
        return [self._members[key] for key in keys if key in self._members]

    async def save(self, members: Sequence[Member]) -> None:
        """Keep how members stand; each that came into another state makes a turn."""
        for member in members:
            key = (member.campaign, member.package)
            before = self._members.get(key)
            self._members[key] = member
            if before is None or before.state is not member.state:
                self._turns.append(
                    Turn(
                        number=len(self._turns) + 1,
                        campaign=member.campaign,
                        package=member.package,
                        state=member.state,
                        at=member.changed,
                        reason=member.reason,
                    )
                )

    async def leave(self, name: CampaignName, package: str) -> None:
        """Take a member out of a campaign; what happened to it before is kept."""
        self._members.pop((name, package), None)

    async def turns(
        self, *, campaign: str = "", package: str = "", after: int = 0, limit: int = 1000
    ) -> Sequence[Turn]:
        """Return turns with a number greater than ``after``, the newest first."""
        found = [
            one
            for one in reversed(self._turns)
            if campaign in {"", one.campaign} and package in {"", one.package}
            if one.number > after
        ]
        return found[:limit]

    async def seen(self, versions: Sequence[SeenVersion]) -> None:
        """Keep what sources said of packages, in place of all that was said of these before."""
        packages = {one.package for one in versions}
        for key in [key for key in self._versions if key[0] in packages]:
            del self._versions[key]
        self._versions.update({(one.package, one.source): one for one in versions})

    async def versions(self, *, package: str = "", limit: int = 1000) -> Sequence[SeenVersion]:
        """Return what sources said, those with errors first, then by package and source."""
        found = [one for one in self._versions.values() if package in {"", one.package}]
        return sorted(found, key=lambda one: (not one.error, one.package, one.source))[:limit]


class MemoryBuilds:
    """The ``Builds`` port in memory: what is asked for waits until a test ends it."""

    def __init__(self) -> None:
        self.wishes: dict[str, BuildWish] = {}
        self._answers: dict[str, BuildAnswer] = {}
        self.took: dict[str, float] = {}
        self.staged: dict[str, list[str]] = {}

    async def ask(self, wish: BuildWish) -> str:
        """Have something built; the same wish joins the build that goes on, and is another one after its end."""
        for name, kept in self.wishes.items():
            if kept == wish and name not in self._answers:
                return name
        name = f"{wish.package}:{len(self.wishes) + 1}"
        self.wishes[name] = wish
        return name

    async def answer(self, build: str) -> BuildAnswer:
        """Return how a build stands."""
        return self._answers.get(build, BuildAnswer(state=BuildState.WAITING))

    async def stage(self, campaign: CampaignName, build: str) -> int:
        """Keep which trial was staged."""
        self.staged.setdefault(campaign, []).append(build)
        return 1

    async def unstage(self, campaign: CampaignName) -> None:
        """Forget it."""
        self.staged.pop(campaign, None)

    async def seconds(self, packages: Sequence[str]) -> dict[str, float]:
        """Return what earlier builds of packages took, where there were any."""
        return {package: self.took[package] for package in packages if package in self.took}

    def end(
        self,
        package: str,
        state: BuildState = BuildState.BUILT,
        reason: str = "",
        *,
        trial: bool = False,
    ) -> str:
        """Let the newest build of a package end; return its name."""
        found = [
            name
            for name, wish in self.wishes.items()
            if wish.package == package and wish.staging == trial
        ]
        self._answers[found[-1]] = BuildAnswer(state=state, reason=reason)
        return found[-1]
