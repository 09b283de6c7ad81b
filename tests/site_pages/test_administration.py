"""What only administrators see and do."""

from pathlib import Path

import pytest

from site_pages.screen import Screen
from site_pages.test_every_page import sign_in
from site_pages.test_people_and_machines import signed_in
from site_pages.things import HOSTILE
from web.place import Place, open_place
from wheelyard.farm_ports import Role
from wheelyard.ports import Holding

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


async def test_a_token_is_made_shown_once_and_revoked(screen: Screen, farm: Place) -> None:
    await signed_in(screen, farm, Role.ADMINISTRATOR, "/admin/tokens")
    page = screen.page
    await page.get_by_text("Make one").click()
    await page.get_by_label("Role").select_option("enrolment")
    await page.get_by_label("Whose").fill("bob")
    await page.get_by_label("Note").fill(HOSTILE)
    await screen.check_here()
    await page.get_by_role("button", name="Make it").click()
    text = await page.locator("#token").text_content()
    assert text
    assert text.startswith("wy_")
    assert await page.get_by_text(f"--token={text}").is_visible()
    await screen.check_here()
    await page.get_by_role("link", name="All tokens").click()
    assert text.split("_")[2] not in await page.content()
    await page.get_by_role("button", name="Revoke bob").click()
    await page.wait_for_url("**/admin/tokens")
    tokens = await farm.ports.tokens.all()
    assert [one.revoked for one in tokens if one.subject == "bob"] == [True]


async def test_what_was_done_is_in_the_audit_log(screen: Screen, farm: Place) -> None:
    await signed_in(screen, farm, Role.ADMINISTRATOR, "/admin/audit")
    await farm.ports.events.write("job.cancelled", "k1", actor="mallory", reason=HOSTILE)
    await screen.look("/admin/audit", name="audit")
    assert await screen.page.get_by_text("session.begun").first.is_visible()
    await screen.look("/admin", name="admin")


async def test_lines_come_in_pages(farm: Place) -> None:
    await sign_in(farm, Role.ADMINISTRATOR)
    for number in range(120):
        await farm.ports.events.write("job.queued", f"k{number}")
    first = (await farm.client.get("/admin/audit", headers=JSON)).json()
    second = (await farm.client.get(f"/admin/audit{first['after']}", headers=JSON)).json()
    ids = [one["id"] for one in (*first["events"], *second["events"])]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 121
    assert second["after"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "builder", "subject": "x"},
        {"role": "reader", "subject": ""},
        {"role": "reader", "subject": "x", "days": "soon"},
        {"role": "reader", "subject": "x", "days": "-1"},
        {"role": "reader", "subject": "x", "days": "nan"},
        {"role": "reader", "subject": "x", "tier": HOSTILE},
        {"role": "reader", "subject": "x\ny"},
    ],
)
async def test_what_is_no_token_is_not_made(farm: Place, fields: dict[str, str]) -> None:
    word = await sign_in(farm, Role.ADMINISTRATOR)
    before = len(await farm.ports.tokens.all())
    answer = await farm.client.post("/admin/tokens", data={"csrf": word, **fields}, headers=HTML)
    assert answer.status_code == 422
    assert HOSTILE not in answer.text
    assert len(await farm.ports.tokens.all()) == before


class Keeping:
    """A farm that has a little of everything; nothing in here can remove any of it."""

    async def show(self) -> list[Holding]:
        return [Holding(kind="blobs", count=12, size=34_000), Holding(kind="logs", count=1, size=5)]

    async def preview(self, unused_seconds: float) -> list[Holding]:
        return [Holding(kind="blobs", count=3, size=int(unused_seconds))]


async def test_what_a_collection_would_remove_is_shown(tmp_path: Path) -> None:
    async with open_place(tmp_path, kind="memory", housekeeping=Keeping()) as place:
        headers = await place.bearer(Role.ADMINISTRATOR)
        answer = await place.client.get("/admin/storage?days=7", headers={**JSON, **headers})
        (blobs, logs) = answer.json()["holdings"]
        assert (blobs["count"], blobs["would_go"], blobs["would_free"]) == (12, 3, 7 * 86400)
        assert (logs["count"], logs["would_go"]) == (1, 0)
        page = await place.client.get("/admin/storage?days=7", headers={**HTML, **headers})
        assert "wheelyard state clean --unused 7d" in page.text


@pytest.mark.parametrize("role", [Role.READER, Role.OPERATOR])
async def test_nobody_else_sees_it(farm: Place, role: Role) -> None:
    await sign_in(farm, role)
    for address in ("/admin", "/admin/tokens", "/admin/audit"):
        assert (await farm.client.get(address, headers=HTML)).status_code == 403
