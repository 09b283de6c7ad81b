"""Recipes that come, change and go while a campaign goes on."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from campaigns.world import CHAIN, NAME, World, feedstocks, recipe
from wheelyard.campaign_ports import Campaign, CampaignName
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.watching import Watching
from wheelyard.migrate.membership import LeftOut
from wheelyard.migrate.states import State
from wheelyard.model.proposal import ProposalState
from wheelyard.testing.forge import MemoryForge
from wheelyard.testing.memo import MemoryMemo

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Yard:
    """A campaign, and what looks at its repositories."""

    world: World = field(default_factory=World)
    watching: Watching = field(init=False)

    def __post_init__(self) -> None:
        scanner = Scanner(memory=MemoryMemo(), processes=1)
        self.watching = Watching(
            campaigns=self.world.campaigns,
            store=self.world.store,
            forge=self.world.forge,
            clock=self.world.clock,
            scan=lambda: scanner.forge(self.world.forge),
        )

    async def look(self) -> dict[str, State]:
        """Let half a minute pass, and look."""
        self.world.clock.advance(timedelta(seconds=31).total_seconds())
        await self.watching.look()
        return await self.world.states()

    async def campaign(self) -> Campaign:
        found = await self.world.store.campaign(NAME)
        assert found is not None
        return found

    async def reasons(self) -> dict[str, LeftOut]:
        return dict((await self.campaign()).left_out)


async def test_a_recipe_that_comes_in_is_taken_in_and_waits_for_its_parents() -> None:
    yard = Yard()
    await yard.world.start()
    await yard.look()
    for name, files in feedstocks(jpeg=("zlib",), leptonica=("zlib", "png", "jpeg")).items():
        yard.world.forge.create(name, files)

    states = await yard.look()

    assert states["jpeg"] is State.PROPOSED
    assert states["leptonica"] is State.AWAITING_PARENTS
    assert await yard.world.campaigns.why(NAME, "leptonica") == (
        "waits for jpeg (proposed), png (proposed)"
    )
    assert (await yard.world.forge.proposal(yard.world.name("jpeg"))) is not None


async def test_a_recipe_that_has_the_change_already_is_not_taken_in() -> None:
    yard = Yard()
    await yard.world.start()
    await yard.look()
    offered = await yard.world.forge.look(
        "png-feedstock", ["*"], branch=yard.world.name("png").branch
    )
    files = {path: content.replace(b"name: png", b"name: jpeg") for path, content in offered.files}
    yard.world.forge.create("jpeg-feedstock", files)
    revision = (await yard.campaign()).revision

    assert "jpeg" not in await yard.look()
    assert (await yard.campaign()).revision == revision


async def test_a_recipe_that_needs_it_no_more_leaves_with_the_reason() -> None:
    yard = Yard()
    await yard.world.start()
    await yard.look()
    yard.world.forge.change("png-feedstock", {"recipe/meta.yaml": recipe("png")}, "Drop zlib")

    states = await yard.look()

    assert "png" not in states
    assert (await yard.reasons())["png"] is LeftOut.NO_NEED
    assert states["tiff"] is State.PROPOSED
    proposal = await yard.world.forge.proposal(yard.world.name("png"))
    assert proposal is not None
    assert proposal.state is ProposalState.CLOSED


async def test_who_needs_another_one_now_waits_for_it() -> None:
    yard = Yard(World(forge=MemoryForge(feedstocks(zlib=(), png=("zlib",), tiff=("zlib",)))))
    await yard.world.start()
    assert (await yard.look())["tiff"] is State.PROPOSED
    yard.world.forge.create("gdal-feedstock", dict(CHAIN["gdal-feedstock"]))
    assert (await yard.look())["gdal"] is State.AWAITING_PARENTS
    new = recipe("gdal", "zlib", "png")
    yard.world.forge.change("gdal-feedstock", {"recipe/meta.yaml": new}, "Read png, not tiff")

    await yard.look()

    assert await yard.world.campaigns.why(NAME, "gdal") == "waits for png (proposed)"


async def test_a_recipe_that_cannot_be_read_stays_and_is_waited_for() -> None:
    yard = Yard()
    await yard.world.start()
    await yard.look()
    broken = {"recipe/meta.yaml": b"package: {{ never closed\n"}
    yard.world.forge.change("png-feedstock", broken, "Break it")

    states = await yard.look()

    assert "png" in states
    assert states["tiff"] is State.AWAITING_PARENTS


async def test_what_is_published_stays_and_nothing_is_written_where_nothing_changed() -> None:
    yard = Yard()
    await yard.world.start()
    await yard.world.merge("png")
    await yard.world.build("png")
    yard.world.forge.change(
        "png-feedstock", {"recipe/meta.yaml": recipe("png", number=9)}, "Drop zlib"
    )
    await yard.look()
    before = await yard.campaign()
    await yard.look()

    assert (await yard.world.states())["png"] is State.PUBLISHED
    assert await yard.campaign() == before


async def test_a_campaign_of_named_packages_stays_as_it_was_named() -> None:
    yard = Yard()
    scan = await Scanner(memory=MemoryMemo(), processes=1).forge(yard.world.forge)
    now = yard.world.clock.now()
    some = Intention(name="some", owner="ann", rule="rebuild", packages=("png",), builds=False)
    every = Intention(name="every", owner="ann", rule="rebuild", builds=False)
    for one in (some, every):
        await yard.world.campaigns.start(planned(one, scan.graph, now), scan.places)
    for name, files in feedstocks(jpeg=()).items():
        yard.world.forge.create(name, files)

    await yard.watching.look()

    names = {
        name: [one.package for one in await yard.world.store.members(CampaignName(name))]
        for name in ("some", "every")
    }
    assert names == {"some": ["png"], "every": ["gdal", "jpeg", "png", "tiff", "zlib"]}
