"""What the site looks at is what the jobs say, in memory and on both engines."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from store.conftest import Stores
from store.things import built, ended, offer, wheel
from wheelyard.farm_ports import Terms
from wheelyard.jobs.cells import Cell
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestId
from wheelyard.site_ports import Choice
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio
CP311, CP312 = (Target.parse(f"{one}-manylinux_2_28_x86_64") for one in ("cp311", "cp312"))
SIX = ProjectName("six")
_KEYS = count()


class Farm:
    """Stores with jobs that end as they are told to."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.site = stores.site

    async def submit(
        self, release: str, target: Target = CP312, *, owner: str = "ann", request: str = "r1"
    ) -> BuildKey:
        self.stores.clock.advance(1)
        wanted = offer(f"k{next(_KEYS):04}", release, target)
        terms = Terms(owner=owner, pool="any", needs={}, rank=0, request=RequestId(request))
        await self.stores.queue.submit(wanted, terms)
        return wanted.key

    async def end(self, release: str, report: Report, target: Target = CP312) -> BuildKey:
        key = await self.submit(release, target)
        await self.tell(key, report)
        return key

    async def tell(self, key: BuildKey, report: Report) -> None:
        self.stores.clock.advance(1)
        (queued, lease), *_ = await self.stores.queue.lease_next(
            {"any": ()}, "arm-1", owners=["ann"], count=1, seconds=60
        )
        assert queued.job.key == key
        assert await self.stores.jobs.finish(key, lease.fence, report)

    async def cell(self, project: str = "six", target: Target = CP312) -> Cell:
        cells = await self.site.cells_of(ProjectName(project))
        return next(one for one in cells if one.target == str(target))


@pytest.fixture
def farm(stores: Stores) -> Farm:
    return Farm(stores)


def selection_of(key: BuildKey) -> Selection:
    return Selection(keys=(key,))


def of(release: str, text: str = "") -> Report:
    return replace(built(wheel(release, text or release)), cpu_seconds=3.0, log_bytes=50)


FAILED = ended(Outcome.FAILED, "Python.h not found")


async def test_a_cell_follows_its_newest_version(farm: Farm) -> None:
    await farm.submit("six==1.9")
    assert (await farm.cell()).state == "waiting"
    key = await farm.submit("six==1.10")
    cell = await farm.cell()
    assert (cell.version, cell.key, cell.state) == ("1.10", key, "waiting")
    await farm.submit("six==1.2")
    assert (await farm.cell()).key == key


async def test_a_failure_after_a_build_is_a_regression_until_it_is_built(farm: Farm) -> None:
    first = await farm.end("six==1.9", of("six==1.9"))
    assert not (await farm.cell()).regressed
    failed = await farm.end("six==1.10", FAILED)
    cell = await farm.cell()
    assert (cell.state, cell.reason, cell.regressed) == ("failed", "Python.h not found", True)
    assert (cell.built_version, cell.built_key) == ("1.9", first)
    await farm.stores.jobs.retry(selection_of(failed))
    assert not (await farm.cell()).regressed
    await farm.tell(failed, of("six==1.10"))
    cell = await farm.cell()
    assert (cell.state, cell.built_version, cell.regressed) == ("built", "1.10", False)


async def test_a_first_failure_is_no_regression(farm: Farm) -> None:
    await farm.end("six==1.9", FAILED)
    assert not (await farm.cell()).regressed
    assert await farm.site.rows(Choice(regressed=True), limit=9) == []


async def test_a_wheel_whose_bytes_are_gone_is_not_built_any_more(farm: Farm) -> None:
    await farm.end("six==1.8", of("six==1.8"))
    lost = await farm.end("six==1.9", of("six==1.9"))
    artifact = of("six==1.9").artifact
    assert artifact is not None
    assert list(await farm.stores.jobs.artifact_lost(artifact.digest)) == [lost]
    cell = await farm.cell()
    assert (cell.state, cell.version, cell.built_version) == ("waiting", "1.9", "1.8")


async def test_projects_are_chosen_by_everything_that_a_filter_has(farm: Farm) -> None:
    await farm.end("six==1.9", of("six==1.9"))
    await farm.end("six==1.10", FAILED)
    await farm.end("attrs==1.0", of("attrs==1.0"), CP311)
    await farm.end("atoms==1.0", FAILED, CP311)
    await farm.submit("zope-event==1.0", owner="bob")

    async def names(choice: Choice, limit: int = 9) -> list[str]:
        return [row.project for row in await farm.site.rows(choice, limit=limit)]

    assert await names(Choice()) == ["atoms", "attrs", "six", "zope-event"]
    assert await names(Choice(after="attrs"), limit=1) == ["six"]
    assert await names(Choice(name="at")) == ["atoms", "attrs"]
    assert await names(Choice(name="%")) == []
    assert await names(Choice(name="_")) == []
    assert await names(Choice(state="failed")) == ["atoms", "six"]
    assert await names(Choice(state="failed", target=str(CP312))) == ["six"]
    assert await names(Choice(target=str(CP311))) == ["atoms", "attrs"]
    assert await names(Choice(regressed=True)) == ["six"]
    assert await names(Choice(owner="bob")) == ["zope-event"]
    assert await names(Choice(owner="bob", state="failed")) == []
    assert await farm.site.targets() == [str(CP311), str(CP312)]


async def test_names_that_begin_so_are_found_first(farm: Farm) -> None:
    for release in ("six==1.0", "unsix==1.0", "sixty==1.0", "other==1.0"):
        await farm.submit(release)
    assert await farm.site.search("six", limit=9) == ["six", "sixty", "unsix"]
    assert await farm.site.search("six", limit=2) == ["six", "sixty"]
    for hostile in ("%", "'", "\\", '"; DROP TABLE projects; --', "\U0010ffff"):
        assert await farm.site.search(hostile, limit=9) == []


async def test_a_published_file_makes_a_project_known(farm: Farm) -> None:
    assert not await farm.site.known(SIX)
    await farm.stores.artifacts.publish(wheel())
    assert await farm.site.known(SIX)
    assert [one.filename for one in await farm.site.published(limit=9)] == [wheel().filename]
    assert await farm.site.published(project="other", limit=9) == []
    assert await farm.site.files_of(SIX) == await farm.stores.artifacts.of_project(SIX)
    assert len(await farm.site.files_of(SIX)) == 1
    assert await farm.site.search("si", limit=9) == ["six"]


async def test_a_project_has_its_jobs_times_and_libraries(farm: Farm) -> None:
    libraries = ("libssl3", "libffi8")
    key = await farm.end("six==1.9", replace(of("six==1.9"), system_libraries=libraries))
    failed = await farm.end("six==1.10", FAILED)
    lines = await farm.site.jobs_of(SIX, limit=9)
    assert [(one.key, one.state) for one in lines] == [(failed, "failed"), (key, "built")]
    times = await farm.site.build_times(SIX, limit=9)
    assert [(one.version, one.target, one.seconds) for one in times] == [("1.9", str(CP312), 2.5)]
    assert await farm.site.system_libraries([key, failed]) == ["libffi8", "libssl3"]
    assert [one.key for one in await farm.site.failures(limit=9)] == [failed]
    assert await farm.site.failures(project="other", limit=9) == []


async def test_a_request_has_its_jobs(farm: Farm) -> None:
    key = await farm.submit("six==1.9", request="r7")
    await farm.submit("six==1.10", request="r8")
    found = await farm.site.jobs_of_request(RequestId("r7"), limit=9)
    assert [one.key for one in found] == [key]


async def test_what_is_counted(farm: Farm) -> None:
    assert await farm.site.begun() is None
    await farm.end("six==1.9", of("six==1.9"))
    flaky = await farm.end("six==1.10", FAILED)
    await farm.stores.jobs.retry(selection_of(flaky))
    await farm.tell(flaky, of("six==1.10"))
    await farm.end("attrs==1.0", FAILED, CP311)
    assert await farm.site.begun() == farm.stores.clock.now()
    await farm.submit("attrs==1.1", CP311)
    farm.stores.clock.advance(2 * 3600)
    now = farm.stores.clock.now()
    tallies = {(one.target, one.state): one.count for one in await farm.site.tallies()}
    assert tallies == {(str(CP311), "waiting"): 1, (str(CP312), "built"): 1}
    hours = await farm.site.ended(now - timedelta(hours=48))
    counts: dict[str, int] = {}
    for one in hours:
        assert one.hour.minute == one.hour.second == one.hour.microsecond == 0
        counts[one.outcome] = counts.get(one.outcome, 0) + one.count
    assert counts == {"built": 2, "failed": 2}
    assert await farm.site.ended(now + timedelta(hours=1)) == []
    assert [(one.hours, one.count) for one in await farm.site.waiting(now)] == [(2, 1)]
    costs = [(one.project, one.attempts, one.cpu_seconds) for one in await farm.site.costs(limit=9)]
    assert costs == [("six", 3, 6.0), ("attrs", 1, 0.0)]
    assert [one.key for one in await farm.site.flaky(limit=9)] == [flaky]
    storage = {one.kind: (one.files, one.size) for one in await farm.site.storage()}
    assert storage["logs"] == (4, 100)
    assert storage["built, not in the index"] == (2, len("six==1.9") + len("six==1.10"))
