"""What the compilers of an attempt did, on its page: drawn, listed, and as files for programs."""

import gzip
from collections.abc import Sequence
from dataclasses import replace

import pytest

from site_pages.screen import Screen
from site_pages.things import HOSTILE
from web.place import Place, presence
from wheelyard.cross.calls import Call, count
from wheelyard.model.builder import Running
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.protocol.messages import Presence
from wheelyard.protocol.wire import decode_word, encode

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


def compiled(source: str, began: float, milliseconds: float, exit_code: int = 0) -> Call:
    words = ("-c", source, "-o", f"{source}.o")
    return Call(
        tool="cc",
        argv=("gcc", "-march=native", *words),
        run=("/usr/bin/aarch64-linux-gnu-gcc", *words),
        folder="/build",
        exit=exit_code,
        began=1000.0 + began,
        milliseconds=milliseconds,
    )


CALLS = (
    compiled("conftest.c", 0.0, 20.0, 1),
    compiled("one.c", 1.0, 800.0),
    compiled("two.c", 1.1, 200.0),
    compiled(f"{HOSTILE}.c", 1.5, 100.0),
    Call(tool="f2c", argv=("f2c", "a.f"), began=1002.0, exit=1, refused="its calls do not fit"),
    compiled("bad.c", 2.5, 50.0, 1),
)


async def caught(place: Place, calls: Sequence[Call] = CALLS) -> BuildKey:
    """Put a job into the queue that fails after some calls."""
    lease = await place.leased()
    content = gzip.compress("".join(call.line() for call in calls).encode(), mtime=0)
    digest = await place.ports.blobs.add_bytes(content)
    report = Report(outcome=Outcome.FAILED, reason="no", calls_digest=digest, calls=count(calls))
    await place.jobs.finish(lease.key, lease.fence, report)
    return lease.key


async def test_commands_are_drawn_and_a_failed_one_is_shown_both_ways(
    screen: Screen, farm: Place
) -> None:
    key = await caught(farm)
    await screen.look(f"/jobs/{key}/attempts/1", name="attempt-calls")
    page = screen.page
    assert await page.locator(".lanes rect").count() == len(CALLS)
    assert await page.get_by_text("cc ended with 1").is_visible()
    assert await page.get_by_text("gcc -march=native -c bad.c -o bad.c.o").first.is_visible()
    assert await page.get_by_text("/usr/bin/aarch64-linux-gnu-gcc -c bad.c").first.is_visible()
    assert await page.get_by_text("Refused: its calls do not fit").first.is_visible()
    await screen.look(f"/jobs/{key}/attempts/1/calls", name="calls")
    await page.get_by_text("two.c", exact=True).click()
    assert await page.get_by_text("aarch64-linux-gnu-gcc -c two.c").is_visible()


async def test_the_drawing_is_there_without_javascript_and_markup_in_it_is_text(
    farm: Place,
) -> None:
    key = await caught(farm)
    for address in (f"/jobs/{key}", f"/jobs/{key}/attempts/1", f"/jobs/{key}/attempts/1/calls"):
        page = await farm.client.get(address, headers=HTML)
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "one.c" in page.text
        assert "5 files compiled" not in page.text
        assert "4 files compiled with 6 commands, 1 failed, 1 refused" in page.text


async def test_the_twin_says_when_each_command_ran_and_beside_which(farm: Place) -> None:
    key = await caught(farm)
    twin = (await farm.client.get(f"/jobs/{key}/attempts/1", headers=JSON)).json()["calls"]
    drawn = {one["what"]: one for one in twin["drawn"]}
    assert [drawn[name]["lane"] for name in ("one.c", "two.c")] == [0, 1]
    assert drawn["one.c"]["started"] == pytest.approx(1.0)
    assert drawn["conftest.c"]["state"] == "probe"
    assert [one["what"] for one in twin["failed"]] == ["f2c a.f", "bad.c"]
    assert [one["what"] for one in twin["longest"]][:2] == ["one.c", "two.c"]


async def test_commands_are_chosen_and_paged(farm: Place) -> None:
    key = await caught(farm)
    place = f"/jobs/{key}/attempts/1/calls"
    failed = (await farm.client.get(f"{place}?only=failed", headers=JSON)).json()
    assert [one["what"] for one in failed["calls"]] == ["f2c a.f", "bad.c"]
    some = (await farm.client.get(f"{place}?limit=2&offset=2", headers=JSON)).json()
    assert [one["number"] for one in some["calls"]] == [2, 3]
    assert some["before"] == "?only=&offset=0&limit=2"
    assert some["after"] == "?only=&offset=4&limit=2"
    assert (await farm.client.get(f"{place}?only=some", headers=JSON)).status_code == 422


async def test_compile_commands_are_a_file_for_editors(farm: Place) -> None:
    key = await caught(farm)
    answer = await farm.client.get(f"/jobs/{key}/attempts/1/compile_commands.json")
    found = {one["file"]: one for one in answer.json()}
    assert set(found) == {"one.c", "two.c", f"{HOSTILE}.c", "bad.c"}
    assert found["one.c"]["arguments"][0] == "/usr/bin/aarch64-linux-gnu-gcc"
    assert found["one.c"]["directory"] == "/build"


async def test_an_attempt_without_commands_says_nothing_of_them(farm: Place) -> None:
    lease = await farm.leased()
    await farm.jobs.finish(lease.key, lease.fence, Report(outcome=Outcome.FAILED, reason="no"))
    page = await farm.client.get(f"/jobs/{lease.key}/attempts/1", headers=HTML)
    assert "What the compilers did" not in page.text
    missing = await farm.client.get(f"/jobs/{lease.key}/attempts/1/calls", headers=JSON)
    assert missing.status_code == 404
    assert "another machine" in missing.json()["hint"]


async def test_a_page_is_shown_again_when_compilers_came_further(
    screen: Screen, farm: Place
) -> None:
    lease = await farm.leased()
    address = f"/jobs/{lease.key}"
    async with screen.page.expect_response(lambda one: "/live?" in one.url):
        await screen.page.goto(address)
    said = decode_word(presence())
    assert isinstance(said, Presence)
    for number in (1, 2):
        caught = Caught(calls=5, compiled=number, failed=0, what=f"{number}.c")
        running = Running(key=lease.key, fence=lease.fence, step="build", caught=caught)
        async with screen.page.expect_response(lambda one: one.url.endswith(address)):
            await farm.bus.builder("arm-1").announce(encode(replace(said, running=(running,))))


async def test_a_trace_that_a_build_made_up_breaks_no_page(farm: Place) -> None:
    lease = await farm.leased()
    lines = "".join(replace(CALLS[1], began=float(at)).line() for at in range(3000, 0, -1))
    odd = '{"tool":"cc","argv":["a"],"run":[],"folder":"/","exit":0,"at":NaN,"ms":1e999}\n[]\n'
    digest = await farm.ports.blobs.add_bytes(gzip.compress((lines + odd).encode()))
    report = Report(outcome=Outcome.FAILED, reason="no", calls_digest=digest)
    await farm.jobs.finish(lease.key, lease.fence, report)
    page = await farm.client.get(f"/jobs/{lease.key}/attempts/1", headers=HTML)
    assert page.status_code == 200
    assert len(page.content) < 1_000_000
