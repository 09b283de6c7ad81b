"""A forge in memory with small feedstocks, a farm that builds what it is told, and campaigns on them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from wheelyard.campaign_ports import BuildState, Campaign, CampaignName
from wheelyard.campaigns.feedstocks import feedstock_of, package_in
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.service import Campaigns
from wheelyard.migrate.priority import Limits
from wheelyard.migrate.states import State
from wheelyard.model.proposal import ProposalName
from wheelyard.testing.campaigns import MemoryBuilds, MemoryCampaigns
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.forge import MemoryForge
from wheelyard.testing.memo import MemoryMemo

PINS = """\
__migrator:
  build_number: 1
  kind: version
  migration_number: 1
migrator_ts: 1700000000.0
zlib:
- '2'
"""
NAME = CampaignName("zlib2")


def recipe(name: str, *host: str, number: int = 0) -> bytes:
    """Return a recipe that is built with some others."""
    needs = "".join(f"    - {one}\n" for one in host)
    return (
        f"package:\n  name: {name}\n  version: '1.0'\n\n"
        f"build:\n  number: {number}\n\n"
        f"requirements:\n  host:\n{needs or '    - make' + chr(10)}"
    ).encode()


def feedstocks(**needs: Iterable[str]) -> Mapping[str, Mapping[str, bytes]]:
    """Return the files of one feedstock each."""
    return {
        f"{name}-feedstock": {"recipe/meta.yaml": recipe(name, *host)}
        for name, host in needs.items()
    }


CHAIN = feedstocks(zlib=(), png=("zlib",), tiff=("zlib", "png"), gdal=("zlib", "tiff"))


@dataclass(slots=True, kw_only=True)
class World:
    """All of it. ``restart`` is what is left when the process was killed."""

    forge: MemoryForge = field(default_factory=lambda: MemoryForge(CHAIN))
    store: MemoryCampaigns = field(default_factory=MemoryCampaigns)
    builds: MemoryBuilds | None = field(default_factory=MemoryBuilds)
    clock: ManualClock = field(default_factory=ManualClock)
    pass_by: Callable[[str], None] = lambda _: None
    campaigns: Campaigns = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.campaigns = Campaigns(
            store=self.store,
            forge=self.forge,
            clock=self.clock,
            builds=self.builds,
            pass_by=self.pass_by,
        )

    async def start(
        self,
        *,
        pins: str = PINS,
        trial: bool = False,
        limits: Limits | None = None,
        pin_repository: str = "",
    ) -> Campaign:
        scan = await Scanner(memory=MemoryMemo(), processes=1).forge(self.forge)
        intention = Intention(
            name=NAME,
            owner="ann",
            pins=pins,
            trial=trial,
            limits=limits or Limits(),
            builds=self.builds is not None,
            pin_repository=pin_repository,
        )
        plan = planned(intention, scan.graph, self.clock.now())
        return await self.campaigns.start(plan, scan.places)

    async def states(self) -> dict[str, State]:
        return {one.package: one.state for one in await self.store.members(NAME)}

    def name(self, package: str, number: int = 1) -> ProposalName:
        return ProposalName(repository=f"{package}-feedstock", key=NAME, round=number)

    async def merge(self, package: str, number: int = 1) -> None:
        """Let people merge a proposal, and the forge tell of it."""
        self.forge.merge_by_hand(self.name(package, number))
        self.clock.advance(60)
        await self.campaigns.pushed(f"{package}-feedstock")

    async def build(
        self,
        package: str,
        state: BuildState = BuildState.BUILT,
        reason: str = "",
        *,
        trial: bool = False,
    ) -> None:
        """Let a build end."""
        assert self.builds is not None
        self.clock.advance(60)
        await self.campaigns.built(self.builds.end(package, state, reason, trial=trial))

    async def number(self, package: str) -> str:
        tree = await self.forge.look(f"{package}-feedstock", ["*"])
        assert not package_in(feedstock_of(tree)).broken
        text = dict(tree.files)["recipe/meta.yaml"].decode()
        return next(line for line in text.splitlines() if "number" in line).split(":")[1].strip()
