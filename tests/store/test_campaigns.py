"""Campaigns are kept alike in memory and on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.conftest import Stores
from wheelyard.campaign_ports import Campaign, CampaignName, Link, Member, Mode, SeenVersion
from wheelyard.migrate.membership import LeftOut, Rank, Scope
from wheelyard.migrate.priority import Limits
from wheelyard.migrate.states import Evidence, Offered, State

pytestmark = pytest.mark.anyio
NAME = CampaignName("openssl4")


def campaign(stores: Stores, name: str = "openssl4") -> Campaign:
    return Campaign(
        name=CampaignName(name),
        rule="pins",
        owner="ann",
        created=stores.clock.now(),
        pins="openssl: ['4']\n",
        scope=Scope(pins=frozenset({"openssl"}), ignored={"a": frozenset({"b"})}),
        limits=Limits(first=2, most=9),
        left_out=(("old", LeftOut.ARCHIVED),),
    )


def member(stores: Stores, package: str, state: State = State.AWAITING_PROPOSAL) -> Member:
    return Member(
        campaign=NAME,
        package=package,
        repository=f"/srv/{package}",
        state=state,
        changed=stores.clock.now(),
        links=(Link(parent="zlib", rank=Rank.BUILD),),
        evidence=Evidence(offered=Offered.OPEN, published=False),
    )


async def test_a_campaign_is_kept_with_its_members(stores: Stores) -> None:
    kept = campaign(stores)
    members = [member(stores, "curl"), member(stores, "git", State.AWAITING_PARENTS)]

    assert await stores.campaigns.add(kept, members)

    assert await stores.campaigns.campaign(NAME) == kept
    assert await stores.campaigns.members(NAME) == members
    assert await stores.campaigns.campaign(CampaignName("other")) is None


async def test_a_name_stands_for_one_campaign(stores: Stores) -> None:
    await stores.campaigns.add(campaign(stores), [member(stores, "curl")])

    assert not await stores.campaigns.add(
        replace(campaign(stores), owner="bob"), [member(stores, "git")]
    )

    kept = await stores.campaigns.campaign(NAME)
    assert kept is not None
    assert kept.owner == "ann"
    assert [one.package for one in await stores.campaigns.members(NAME)] == ["curl"]


async def test_what_changes_about_a_campaign_is_kept(stores: Stores) -> None:
    kept = campaign(stores)
    await stores.campaigns.add(kept, [])
    stores.clock.advance(1)
    await stores.campaigns.add(campaign(stores, "zlib2"), [])

    await stores.campaigns.update(replace(kept, mode=Mode.PAUSED))

    assert [(one.name, one.mode) for one in await stores.campaigns.campaigns()] == [
        ("zlib2", Mode.RUNNING),
        ("openssl4", Mode.PAUSED),
    ]


async def test_only_another_state_makes_a_turn(stores: Stores) -> None:
    first = member(stores, "curl")
    await stores.campaigns.add(campaign(stores), [first])
    stores.clock.advance(5)
    proposed = replace(first, state=State.PROPOSED, changed=stores.clock.now(), reason="asked")

    await stores.campaigns.save([proposed])
    await stores.campaigns.save([replace(proposed, url="https://forge.example/1")])

    turns = await stores.campaigns.turns(campaign=NAME)
    assert [(one.state, one.at, one.reason) for one in turns] == [
        (State.PROPOSED, proposed.changed, "asked"),
        (State.AWAITING_PROPOSAL, first.changed, ""),
    ]
    assert await stores.campaigns.turns(campaign=NAME, after=turns[1].number) == turns[:1]
    assert await stores.campaigns.turns(after=turns[0].number) == []
    assert (await stores.campaigns.members(NAME))[0].url == "https://forge.example/1"
    assert await stores.campaigns.turns(package="git") == []
    assert len(await stores.campaigns.turns(limit=1)) == 1


async def test_a_package_is_found_in_each_of_its_campaigns(stores: Stores) -> None:
    await stores.campaigns.add(campaign(stores), [member(stores, "curl")])
    stores.clock.advance(1)
    other = replace(member(stores, "curl"), campaign=CampaignName("zlib2"))
    await stores.campaigns.add(campaign(stores, "zlib2"), [other])

    found = await stores.campaigns.of_package("curl")

    assert [one.campaign for one in found] == ["zlib2", "openssl4"]


async def test_who_leaves_is_gone_and_its_past_is_kept(stores: Stores) -> None:
    await stores.campaigns.add(campaign(stores), [member(stores, "curl")])

    await stores.campaigns.leave(NAME, "curl")

    assert await stores.campaigns.members(NAME) == []
    assert len(await stores.campaigns.turns(campaign=NAME)) == 1


async def test_what_a_source_said_last_is_kept_and_errors_come_first(stores: Stores) -> None:
    now = stores.clock.now()
    one = SeenVersion(package="a", source="pypi", at=now, version="2", current="1")
    bad = SeenVersion(
        package="z", source="github", at=now, error="404", again=now + timedelta(hours=1)
    )

    await stores.campaigns.seen([replace(one, version="1"), bad])
    await stores.campaigns.seen([one])

    assert await stores.campaigns.versions() == [bad, one]
    assert await stores.campaigns.versions(package="a") == [one]
