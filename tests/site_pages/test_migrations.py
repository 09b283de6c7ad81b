"""Pages about migrations."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from migrate.ecosystems import CASES, needs_cases
from site_pages.filled import HOSTILE
from site_pages.screen import Screen
from site_pages.test_every_page import sign_in
from site_pages.test_people_and_machines import signed_in
from web.place import Place
from wheelyard.campaign_ports import Campaign, CampaignName, Mode, SeenVersion, Turn
from wheelyard.campaigns.running import members_of
from wheelyard.farm_ports import Role
from wheelyard.migrate.conda_status import read_status
from wheelyard.migrate.membership import Membership, Rank
from wheelyard.migrate.states import Evidence, Offered, State
from wheelyard.testing.campaigns import MemoryCampaigns
from wheelyard.web.site.known_migrations import KnownMigrations

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
NAME = CampaignName("zlib2")
PUBLISHED = Evidence(offered=Offered.MERGED, migrated=True, published=True)
SMALL = Membership(
    parents={"png": (), "tiff": ("png",), "gdal": ("tiff", "loop"), "loop": ("gdal",)},
    ranks={
        ("png", "tiff"): Rank.BUILD,
        ("tiff", "gdal"): Rank.BUILD,
        ("loop", "gdal"): Rank.RUN,
        ("gdal", "loop"): Rank.BUILD,
    },
)


async def fill(place: Place, name: str, members: Membership, evidence: dict[str, Evidence]) -> None:
    now = place.clock.now()
    campaign = Campaign(name=CampaignName(name), rule="pin", owner="ann", created=now)
    kept = members_of(campaign.name, members, {}, evidence, now)
    assert await place.ports.campaigns.add(campaign, kept)
    place.clock.advance(3600)


async def small(place: Place) -> None:
    await fill(
        place,
        NAME,
        SMALL,
        {"png": PUBLISHED, "tiff": Evidence(failed=f"no compiler {HOSTILE}")},
    )


async def test_without_a_migration_the_page_says_how_one_begins(farm: Place) -> None:
    page = await farm.client.get("/migrations", headers=HTML)

    assert page.status_code == 200
    assert "wheelyard migrate start" in page.text


async def test_a_migration_is_shown_with_its_progress_its_packages_and_who_blocks(
    farm: Place,
) -> None:
    await small(farm)

    told = (await farm.client.get("/migrations/zlib2", headers=JSON)).json()

    assert told["line"]["groups"] == {"published": 1, "asked": 0, "waiting": 2, "stuck": 1}
    assert [one["package"] for one in told["blockers"]] == ["tiff"]
    assert told["blockers"][0]["waiting"] == 2
    assert told["cut"] == [["loop", "gdal"]]
    assert [one["package"] for one in told["packages"]] == ["png", "tiff", "gdal", "loop"]
    assert told["packages"][2]["why"] == "waits for tiff (failed)"
    assert told["history"][-1]["published"] == 1
    assert len(told["graph"]["nodes"]) == 4
    assert (await farm.client.get("/migrations", headers=JSON)).json()["migrations"][0][
        "packages"
    ] == 4


async def test_only_packages_in_a_state_are_listed_where_that_is_asked_for(farm: Place) -> None:
    await small(farm)

    told = (await farm.client.get("/migrations/zlib2?state=failed", headers=JSON)).json()

    assert [one["package"] for one in told["packages"]] == ["tiff"]


@pytest.mark.parametrize(
    "address",
    [
        "/migrations",
        "/migrations/zlib2",
        "/migrations/zlib2/packages/gdal",
        "/migrations/zlib2/packages/tiff",
        "/packages/tiff",
        "/versions",
        "/feeds/migrations.atom",
    ],
)
async def test_what_recipes_and_forges_say_is_text(farm: Place, address: str) -> None:
    await small(farm)
    now = farm.clock.now()
    seen = SeenVersion(package="tiff", source="pypi", at=now, error=HOSTILE, again=now)
    await farm.ports.campaigns.seen([seen])

    page = await farm.client.get(address, headers={"Accept": "text/html, */*"})

    assert page.status_code == 200
    assert "<script>alert" not in page.text


async def test_a_package_shows_why_it_waits_and_how_it_came_there(farm: Place) -> None:
    await small(farm)

    told = (await farm.client.get("/migrations/zlib2/packages/loop", headers=JSON)).json()

    assert told["package"]["waits_for"] == ["gdal"]
    assert told["in_the_end_for"] == ["tiff"]
    assert [one["state"] for one in told["turns"]] == ["awaiting-parents"]


async def test_a_package_shows_its_migrations_and_the_versions_that_were_seen(farm: Place) -> None:
    await small(farm)
    now = farm.clock.now()
    again = now + timedelta(hours=1)
    one = SeenVersion(package="png", source="pypi", at=now, version="2.0", current="1.9")
    bad = SeenVersion(package="png", source="github", at=now, error="HTTP 404", again=again)
    await farm.ports.campaigns.seen([one, bad])

    told = (await farm.client.get("/packages/png", headers=JSON)).json()

    assert [one["migration"] for one in told["migrations"]] == ["zlib2"]
    assert [(one["source"], one["error"]) for one in told["versions"]] == [
        ("github", "HTTP 404"),
        ("pypi", ""),
    ]


@pytest.mark.parametrize(
    "address",
    ["/migrations/none", "/migrations/zlib2/packages/none", "/packages/none"],
)
async def test_what_is_not_there_says_so(farm: Place, address: str) -> None:
    await small(farm)

    assert (await farm.client.get(address, headers=JSON)).status_code == 404


@needs_cases
@pytest.mark.parametrize(
    ("name", "published", "drawn"), [("openssl", 55, False), ("archrebuild", 178, False)]
)
async def test_a_real_migration_is_shown(
    farm: Place, name: str, published: int, drawn: bool
) -> None:
    content = (CASES / f"{name}.json").read_bytes()
    status = read_status(content, name)
    await fill(farm, name, status.members, dict(status.evidence))

    told = (await farm.client.get(f"/migrations/{name}", headers=JSON)).json()
    page = await farm.client.get(f"/migrations/{name}", headers=HTML)

    assert page.status_code == 200
    assert told["line"]["counts"]["published"] == published == len(json.loads(content)["done"])
    assert (told["graph"] is not None) is drawn
    assert sum(one["packages"] for one in told["levels"]) == told["line"]["packages"]


async def mode(farm: Place) -> str:
    told = (await farm.client.get("/migrations/zlib2", headers=JSON)).json()
    return str(told["line"]["mode"])


async def state(farm: Place, package: str) -> str:
    told = (await farm.client.get(f"/migrations/zlib2/packages/{package}", headers=JSON)).json()
    return str(told["package"]["state"])


async def test_an_operator_pauses_resumes_and_closes_a_migration(
    screen: Screen, farm: Place
) -> None:
    await small(farm)
    await signed_in(screen, farm, Role.OPERATOR, "/migrations/zlib2")
    await screen.check_here()
    await screen.page.get_by_role("button", name="Pause").click()
    await screen.page.get_by_role("button", name="Resume").click()
    await screen.page.get_by_role("button", name="Pause").wait_for()
    assert await mode(farm) == "running"
    await screen.page.get_by_label("Though not all is published").check()
    await screen.page.get_by_role("button", name="Close").click()
    await screen.page.get_by_role("button", name="Close").wait_for(state="detached")
    assert await mode(farm) == "closing"
    events = await farm.ports.events.recent(limit=20)
    decided = [(one.actor, one.detail) for one in events if one.action == "campaign.decided"]
    assert [detail["decision"] for _, detail in decided] == ["close", "resume", "pause"]
    assert {actor for actor, _ in decided} == {"ann"}


async def test_an_operator_retries_and_excludes_a_package(screen: Screen, farm: Place) -> None:
    await small(farm)
    await signed_in(screen, farm, Role.OPERATOR, "/migrations/zlib2/packages/tiff")
    await screen.page.get_by_role("button", name="Retry").click()
    await screen.page.get_by_role("button", name="Retry").wait_for(state="detached")
    assert await state(farm, "tiff") == "awaiting-proposal"
    await screen.page.get_by_role("button", name="Exclude").click()
    await screen.page.get_by_role("heading", name="zlib2", exact=True).wait_for()
    told = (await farm.client.get("/migrations/zlib2", headers=JSON)).json()
    assert "tiff" not in [one["package"] for one in told["packages"]]


FORMS = [
    ("pause", {}),
    ("resume", {}),
    ("retry", {"package": "tiff"}),
    ("exclude", {"package": "tiff"}),
    ("close", {"force": "yes"}),
]


@pytest.mark.parametrize(("what", "fields"), FORMS)
async def test_only_operators_decide_and_only_by_forms_of_this_site(
    farm: Place, what: str, fields: dict[str, str]
) -> None:
    await small(farm)
    address = f"/migrations/zlib2/{what}"
    forged = {**fields, "csrf": "0" * 40}
    assert (await farm.client.post(address, data=forged)).status_code == 401
    csrf = await sign_in(farm, Role.REQUESTER)
    denied = await farm.client.post(address, data={**fields, "csrf": csrf})
    assert denied.status_code == 403
    farm.client.cookies.clear()
    csrf = await sign_in(farm, Role.OPERATOR)
    assert (await farm.client.post(address, data=forged)).status_code == 403
    assert (await mode(farm), await state(farm, "tiff")) == ("running", "failed")
    assert (await farm.client.post(address, data={**fields, "csrf": csrf})).status_code == 303


@pytest.mark.parametrize(
    ("address", "fields", "status"),
    [
        ("/migrations/none/pause", {}, 404),
        ("/migrations/zlib2/retry", {"package": "none"}, 404),
        ("/migrations/zlib2/exclude", {}, 404),
        ("/migrations/zlib2/close", {}, 409),
    ],
)
async def test_what_cannot_be_decided_says_why(
    farm: Place, address: str, fields: dict[str, str], status: int
) -> None:
    await small(farm)
    csrf = await sign_in(farm, Role.OPERATOR)
    answer = await farm.client.post(address, data={**fields, "csrf": csrf})
    assert answer.status_code == status


async def test_a_change_that_is_no_turn_is_shown_at_the_next_look(farm: Place) -> None:
    await small(farm)
    campaigns = farm.ports.campaigns
    before = (await farm.client.get("/migrations/zlib2", headers=JSON)).json()
    tiff = next(one for one in await campaigns.members(NAME) if one.package == "tiff")

    await campaigns.save([replace(tiff, url="https://forge.example/7")])

    after = (await farm.client.get("/migrations/zlib2", headers=JSON)).json()
    assert [one["proposal"] for one in before["packages"][:2]] == ["", ""]
    assert [one["proposal"] for one in after["packages"][:2]] == ["", "https://forge.example/7"]


async def test_a_migration_that_closed_and_goes_on_is_counted_anew(farm: Place) -> None:
    await small(farm)
    campaigns, now = farm.ports.campaigns, farm.clock.now()
    kept = await campaigns.campaign(NAME)
    assert kept is not None
    await campaigns.update(replace(kept, mode=Mode.CLOSED, closed=now))
    (line,) = (await farm.client.get("/migrations", headers=JSON)).json()["migrations"]
    assert line["groups"]["stuck"] == 1

    tiff = next(one for one in await campaigns.members(NAME) if one.package == "tiff")
    await campaigns.save([replace(tiff, evidence=PUBLISHED, state=State.PUBLISHED)])
    await campaigns.update(kept)

    (line,) = (await farm.client.get("/migrations", headers=JSON)).json()["migrations"]
    assert (line["groups"]["stuck"], line["closed"]) == (0, None)


class LateCampaigns(MemoryCampaigns):
    """A store in which a turn with a smaller number becomes visible after greater ones."""

    hidden = 0

    async def turns(
        self, *, campaign: str = "", package: str = "", after: int = 0, limit: int = 1000
    ) -> Sequence[Turn]:
        found = await super().turns(campaign=campaign, package=package, after=after, limit=limit)
        return [one for one in found if one.number != self.hidden]


async def test_a_turn_that_becomes_visible_late_is_not_missed() -> None:
    store = LateCampaigns()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    members = members_of(NAME, SMALL, {}, {}, now)
    await store.add(Campaign(name=NAME, rule="pin", owner="ann", created=now), members)
    known = KnownMigrations(store=store)
    store.hidden = 2
    assert [one.number for one in await known.turns(NAME)] == [4, 3, 1]

    store.hidden = 0

    assert [one.number for one in await known.turns(NAME)] == [4, 3, 2, 1]


async def test_what_did_not_change_is_not_worked_out_again() -> None:
    store = MemoryCampaigns()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    members = members_of(NAME, SMALL, {}, {}, now)
    campaign = Campaign(name=NAME, rule="pin", owner="ann", created=now)
    await store.add(campaign, members)
    known = KnownMigrations(store=store)

    first = await known.running(campaign)

    assert await known.running(campaign) is first
    await store.save([replace(members[0], reason="why")])
    assert (await known.running(campaign)).members[members[0].package].reason == "why"
