"""A request is watched from elsewhere as if it were carried out here."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from store.things import TARGET, built, wheel
from web.place import Place
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import JobEnded, JobStarted, TargetResolved, UnitProvided
from wheelyard.errors import ProtocolError
from wheelyard.farm_ports import Role
from wheelyard.model.job import BuildKey
from wheelyard.model.release import Release
from wheelyard.model.request import Kind, Request, RequestId, RequestState
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion, UnitId
from wheelyard.plan.summary import Ending, Row
from wheelyard.plan.unit import Provision
from wheelyard.web.stories import Story
from wheelyard.web.telling import Progressed, RunEnded, Told, read, write

pytestmark = pytest.mark.anyio
UNIT = UnitId(Release.parse("six==1.17.0"), TARGET)
OTHER = UnitId(Release.parse("attrs==25.1.0"), TARGET)
EXCLUSION = Exclusion(requirement="x", target=TARGET, reason="none")
TOLD: tuple[Told, ...] = (
    TargetResolved(target=TARGET, releases=2, exclusions=(EXCLUSION,)),
    JobStarted(unit=UNIT, key=BuildKey("k"), attempt=1, expected_seconds=None),
    JobEnded(
        unit=UNIT, key=BuildKey("k"), attempt=1, report=built(), bootstrap=False, again_in=None
    ),
    UnitProvided(unit=UNIT, provision=Provision.BUILT, artifact=wheel()),
    Progressed(units=2, settled=1, seconds_left=3.5, running=((OTHER, 1.5),)),
    RunEnded(
        rows=(Row(unit=UNIT, ending=Ending.BUILT, requested=True, artifact=wheel(), cause=OTHER),),
        exclusions=(EXCLUSION,),
        cycles=(
            BrokenCycle(
                cycle=(UNIT, OTHER), members=frozenset({UNIT, OTHER}), cut=((UNIT, OTHER),)
            ),
        ),
    ),
)
ID = RequestId("r1")


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_what_is_told_is_read_as_it_was(event: Told) -> None:
    again = read(write(event))
    assert again == event
    if isinstance(again, JobStarted):
        assert {again.unit: 1}[UNIT] == 1


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"type":"Pancake","body":{}}', b'{"type":"JobStarted","body":1}']
)
def test_what_cannot_be_read_is_said(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(line)


async def open_request(place: Place) -> Story:
    request = Request(
        id=ID,
        kind=Kind.WHEELS,
        owner="ann",
        text=b"{}",
        digest="d",
        summary="six",
        created=place.clock.now(),
    )
    await place.ports.requests.add(request, ())
    return place.ports.stories.begin(ID)


async def end(place: Place, story: Story) -> None:
    story.end()
    await place.ports.requests.end(ID, RequestState.DONE, "all is there", ())


@asynccontextmanager
async def watched(
    place: Place, last: str = ""
) -> AsyncIterator[AsyncIterator[tuple[str, str, str]]]:
    headers = await place.bearer(Role.READER)
    if last:
        headers["Last-Event-ID"] = last
    async with (
        asyncio.timeout(10),
        place.client.stream("GET", f"/api/requests/{ID}/events", headers=headers) as answer,
    ):
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, str, str]]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "event" in fields:
            yield fields["id"], fields["event"], fields["data"]
        fields = {}


async def test_a_story_is_told_to_the_end_however_late_one_comes(place: Place) -> None:
    story = await open_request(place)
    story.tell(TOLD[0])
    async with watched(place) as stream:
        assert read((await anext(stream))[2].encode()) == TOLD[0]
        story.tell(TOLD[1])
        assert read((await anext(stream))[2].encode()) == TOLD[1]
        await end(place, story)
        _, kind, data = await anext(stream)
        assert (kind, json.loads(data)["state"]) == ("end", "done")
    async with watched(place) as stream:
        kinds = [kind async for _, kind, _ in stream]
    assert kinds == ["told", "told", "end"]


async def test_who_comes_back_goes_on_where_they_were(place: Place) -> None:
    story = await open_request(place)
    story.tell(TOLD[0])
    async with watched(place) as stream:
        last, _, _ = await anext(stream)
    story.tell(TOLD[1])
    async with watched(place, last) as stream:
        assert read((await anext(stream))[2].encode()) == TOLD[1]


async def test_after_a_restart_the_newer_story_is_told_from_its_beginning(place: Place) -> None:
    story = await open_request(place)
    story.tell(TOLD[0])
    async with watched(place) as stream:
        last, _, _ = await anext(stream)
        newer = place.ports.stories.begin(ID)
        newer.tell(TOLD[2])
        assert read((await anext(stream))[2].encode()) == TOLD[2]
    async with watched(place, last) as stream:
        assert read((await anext(stream))[2].encode()) == TOLD[2]


async def test_how_far_it_is_is_told_when_that_changes(place: Place) -> None:
    story = await open_request(place)
    standing = Standing(units=3, settled=1, running={UNIT: 2.0}, seconds_left=9.0)
    story.standing = lambda: standing
    async with watched(place) as stream:
        _, kind, data = await anext(stream)
    told = read(data.encode())
    assert kind == "standing"
    assert isinstance(told, Progressed)
    assert told.standing() == standing


async def test_a_request_without_a_story_here_is_told_its_end(place: Place) -> None:
    story = await open_request(place)
    place.ports.stories._stories.clear()
    async with watched(place) as stream:
        await end(place, story)
        assert (await anext(stream))[1] == "end"


async def test_of_an_endless_story_the_beginning_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelyard.web.stories._LONGEST", 10)
    story = Story()
    for _ in range(25):
        story.tell(TOLD[0])
    numbers = [number for number, _ in story.after(0)]
    assert numbers == list(range(numbers[0], 26))
    assert len(numbers) <= 10
    assert [number for number, _ in story.after(24)] == [25]


async def test_an_unknown_request_is_not_there(place: Place) -> None:
    headers = await place.bearer(Role.READER)
    answer = await place.client.get("/api/requests/none/events", headers=headers)
    assert answer.status_code == 404


async def test_what_a_request_waits_for_is_told_and_shown(place: Place) -> None:
    await open_request(place)
    await place.submit()
    headers = await place.bearer(Role.READER)
    sentence = "six==1.17.0 no builder is enrolled; it needs python=cp312"
    async with watched(place) as stream:
        _, kind, data = await anext(stream)
        assert (kind, json.loads(data)) == ("waits", {"waits": [sentence]})
        await place.lease()
        _, kind, data = await anext(stream)
        assert (kind, json.loads(data)) == ("waits", {"waits": []})
    shown = (await place.client.get(f"/api/requests/{ID}", headers=headers)).json()
    assert shown["waits"] == []
    listed = (await place.client.get("/api/requests", headers=headers)).json()
    assert listed["requests"][0]["waits"] is None
