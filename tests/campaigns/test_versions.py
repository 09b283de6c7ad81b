"""New versions of recipes: seen, shown, offered, overtaken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from campaigns.world import World
from wheelyard.campaign_ports import CampaignName, Mode, SeenVersion, VersionLook
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.version_rounds import Following, VersionRounds, VersionRules
from wheelyard.errors import RecipeError, RefusedEditError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.newest.watched import watched_of
from wheelyard.migrate.states import State
from wheelyard.model.proposal import ProposalName, ProposalState
from wheelyard.recipes.answers import RecordedAnswers
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.forge import MemoryForge
from wheelyard.testing.memo import MemoryMemo

pytestmark = pytest.mark.anyio
URL = "https://files.example.org/thing-{}.tar.gz"
HOUR = timedelta(hours=1)


def recipe(version: str) -> bytes:
    return (
        f'{{% set version = "{version}" %}}\n'
        "package:\n  name: thing\n  version: {{ version }}\n"
        f"source:\n  url: {URL.format('{{ version }}')}\n  sha256: {'0' * 64}\n"
        "build:\n  number: 3\nrequirements:\n  host:\n    - make\n"
    ).encode()


def files(version: str) -> Mapping[str, bytes]:
    return {"recipe/meta.yaml": recipe(version)}


@dataclass(slots=True)
class News:
    """Sources that say what a test says."""

    clock: ManualClock
    version: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    error: str = ""
    looks: int = 0
    asked: int = 0

    async def look(self, package: str, feedstock: Feedstock) -> VersionLook:
        self.looks += 1
        here, now = watched_of(feedstock).version, self.clock.now()
        seen = SeenVersion(
            package=package,
            source="pypi",
            at=now,
            version=self.version,
            current=here,
            error=self.error,
            again=now + HOUR if self.error else None,
        )
        newer = self.version if self.version != here else ""
        return VersionLook(current=here, version=newer, seen=(seen,), again=now + HOUR)

    async def remarks(self, feedstock: Feedstock, version: str) -> tuple[str, ...]:
        return (f"run: six >={version}",)

    async def answers(self, feedstock: Feedstock, version: str) -> RecordedAnswers:
        self.asked += 1
        url = URL.format(version)
        if version not in self.digests:
            raise RefusedEditError(f"{feedstock.name}: {url} cannot be had", hint="HTTP 404")
        return RecordedAnswers(hash={url: self.digests[version]})


@dataclass(slots=True)
class Yard:
    """One feedstock, and the rounds over it."""

    world: World
    news: News
    rounds: VersionRounds

    async def seen(self) -> list[tuple[str, str, str]]:
        return [(one.source, one.version, one.error) for one in await self.world.store.versions()]

    async def mode(self, name: str) -> Mode:
        campaign = await self.world.store.campaign(CampaignName(name))
        assert campaign is not None
        return campaign.mode

    async def proposal(self, key: str) -> ProposalState | None:
        found = await self.world.forge.proposal(ProposalName(repository="thing-feedstock", key=key))
        return None if found is None else found.state


def yard(following: Following = Following.PROPOSE, **rules: int) -> Yard:
    world = World(forge=MemoryForge({"thing-feedstock": files("1.0")}), builds=None)
    scanner, news = Scanner(memory=MemoryMemo(), processes=1), News(world.clock)
    rounds = VersionRounds(
        campaigns=world.campaigns,
        store=world.store,
        forge=world.forge,
        clock=world.clock,
        scan=lambda: scanner.forge(world.forge),
        news=news,
        rules=VersionRules(following=following, builds=False, most=rules.get("most", 50)),
    )
    return Yard(world, news, rounds)


async def test_what_sources_answered_is_kept_and_asked_again_in_its_time() -> None:
    place = yard(Following.SHOW)
    place.news.version, place.news.error = "2.0", "HTTP 503"

    assert await place.rounds.look() == []
    assert await place.rounds.look() == []

    assert place.news.looks == 1
    assert await place.seen() == [("pypi", "2.0", "HTTP 503")]
    place.world.clock.advance(3601)
    place.news.error = ""
    await place.rounds.look()
    assert await place.seen() == [("pypi", "2.0", "")]
    assert not await place.world.store.campaigns()


async def test_a_new_version_is_offered_with_its_digests() -> None:
    place = yard()
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64}

    assert await place.rounds.look() == ["thing-2.0"]

    name = ProposalName(repository="thing-feedstock", key="thing-2.0")
    tree = await place.world.forge.look("thing-feedstock", ["recipe/*"], branch=name.branch)
    text = dict(tree.files)["recipe/meta.yaml"].decode()
    assert 'set version = "2.0"' in text
    assert "a" * 64 in text
    assert "number: 0" in text
    found = await place.world.forge.proposal(name)
    assert found is not None
    assert (found.title, found.state) == ("Go to version 2.0", ProposalState.OPEN)
    campaign = await place.world.store.campaign(CampaignName("thing-2.0"))
    assert campaign is not None
    assert "thing 2.0 is there (pypi); the recipe has 1.0." in campaign.says
    assert campaign.says.endswith("\n- run: six >=2.0")


async def test_it_is_offered_once_and_a_merge_ends_it() -> None:
    place = yard()
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64}
    await place.rounds.look()
    place.world.clock.advance(3601)
    assert await place.rounds.look() == []

    name = ProposalName(repository="thing-feedstock", key="thing-2.0")
    place.world.forge.merge_by_hand(name)
    await place.world.campaigns.pushed("thing-feedstock")

    assert await place.mode("thing-2.0") is Mode.CLOSED
    assert place.news.asked == 1


async def test_a_newer_version_takes_the_place_of_the_one_that_is_offered() -> None:
    place = yard()
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64, "2.1": "b" * 64}
    await place.rounds.look()
    place.news.version = "2.1"
    place.world.clock.advance(3601)

    assert await place.rounds.look() == ["thing-2.1"]

    assert await place.mode("thing-2.0") is Mode.CLOSED
    assert await place.proposal("thing-2.0") is ProposalState.CLOSED
    assert await place.proposal("thing-2.1") is ProposalState.OPEN


async def test_a_recipe_that_went_further_by_hand_is_not_asked_any_more() -> None:
    place = yard()
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64}
    await place.rounds.look()
    place.world.forge.change("thing-feedstock", files("3.0"), "Go to 3.0")
    place.news.version = "3.0"

    await place.rounds.look()

    assert await place.mode("thing-2.0") is Mode.CLOSED
    assert await place.proposal("thing-2.0") is ProposalState.CLOSED


async def test_what_people_turned_down_is_not_offered_again() -> None:
    place = yard()
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64}
    await place.rounds.look()
    place.world.forge.reject(ProposalName(repository="thing-feedstock", key="thing-2.0"))
    await place.world.campaigns.pushed("thing-feedstock")
    place.world.clock.advance(3601)

    assert await place.rounds.look() == []

    members = await place.world.store.members(CampaignName("thing-2.0"))
    assert [one.state for one in members] == [State.NEEDS_DECISION]


async def test_a_version_that_cannot_be_had_is_shown_and_tried_later_each_time() -> None:
    place = yard()
    place.news.version = "2.0"
    said = f"thing: {URL.format('2.0')} cannot be had. HTTP 404"

    assert await place.rounds.look() == []
    assert await place.seen() == [("edit", "2.0", said), ("pypi", "2.0", "")]
    assert not await place.world.store.campaigns()

    asked = []
    for _ in range(6):
        place.world.clock.advance(3601)
        await place.rounds.look()
        asked.append(place.news.asked)
    assert asked == [2, 2, 3, 3, 3, 3]
    place.news.digests = {"2.0": "a" * 64}
    place.world.clock.advance(24 * 3600)
    assert await place.rounds.look() == ["thing-2.0"]
    assert await place.seen() == [("pypi", "2.0", "")]


async def test_only_so_many_versions_are_asked_for_at_once() -> None:
    place = yard(most=0)
    place.news.version, place.news.digests = "2.0", {"2.0": "a" * 64}

    assert await place.rounds.look() == []
    assert place.news.asked == 0


async def test_a_recipe_that_cannot_be_read_is_shown_until_it_is_mended() -> None:
    place = yard(Following.SHOW)
    broken = {"recipe/meta.yaml": b"package:\n  name: {{ never closed\n"}
    place.world.forge.change("thing-feedstock", broken, "Break it")
    await place.rounds.look()
    [(source, _, error)] = await place.seen()
    assert source == "recipe"
    assert "meta.yaml" in error

    place.world.forge.change("thing-feedstock", files("1.0"), "Mend it")
    await place.rounds.look()
    assert [source for source, *_ in await place.seen()] == ["pypi"]


def test_a_recipe_error_is_one_of_ours() -> None:
    with pytest.raises(RecipeError):
        watched_of(Feedstock(name="a", files={"recipe/meta.yaml": "package: {{ x\n"}))


def test_settings_that_cannot_be_read_name_their_file() -> None:
    broken = {"recipe/meta.yaml": recipe("1.0").decode(), "conda-forge.yml": "bot: [a\n"}
    with pytest.raises(RecipeError, match=r"conda-forge\.yml"):
        watched_of(Feedstock(name="a", files=broken))


def test_settings_that_are_no_table_say_nothing() -> None:
    files = {"recipe/meta.yaml": recipe("1.0").decode(), "conda-forge.yml": "- a\n"}
    assert watched_of(Feedstock(name="a", files=files)).wish.sources == ()
