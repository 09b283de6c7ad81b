"""Staging indexes, on both engines."""

from dataclasses import replace

import pytest

from store.conftest import Stores
from store.things import built, offer, wheel
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import Terms
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import project_name
from wheelyard.model.request import RequestId
from wheelyard.store.snapshots import StoredSnapshots
from wheelyard.store.staging import StoredStaging

pytestmark = pytest.mark.anyio
NAME = "staging-zlib2"


@pytest.fixture
def staging(stores: Stores) -> StoredStaging:
    if stores.staging is None:
        pytest.skip("nothing is staged in memory")
    return stores.staging


def staged(release: str = "six==1.17.0", text: str = "bytes", trial: str = "r1") -> Artifact:
    return replace(wheel(release, text), origin=Origin.STAGED, build_key=f"staged:{trial}")


async def names(stores: Stores, project: str) -> list[str]:
    assert isinstance(stores.snapshots, StoredSnapshots)
    snapshot = await stores.snapshots.find(NAME)
    assert snapshot is not None
    found = await stores.snapshots.artifacts(snapshot).of_project(project_name(project))
    return [one.digest for one in found]


async def test_what_is_staged_is_in_its_index_and_in_no_other(
    stores: Stores, staging: StoredStaging
) -> None:
    published = await stores.artifacts.publish(wheel("attrs==25.1", "attrs"))
    await staging.stage(NAME, [staged()])
    await staging.stage(NAME, [staged("six==1.18.0", "newer", "r2")])

    assert len(await names(stores, "six")) == 2
    assert await names(stores, "attrs") == []
    assert list(await stores.artifacts.projects()) == ["attrs"]
    assert list(await stores.artifacts.of_project(project_name("attrs"))) == [published]
    assert stores.snapshots is not None
    assert len(await stores.snapshots.all()) == 1


async def test_a_name_that_is_staged_again_has_the_newer_bytes(
    stores: Stores, staging: StoredStaging
) -> None:
    again = staged(text="other", trial="r2")
    await staging.stage(NAME, [staged()])
    await staging.stage(NAME, [again])
    await staging.stage(NAME, [again])

    assert await names(stores, "six") == [again.digest]


async def test_bytes_that_are_published_may_be_staged_too(
    stores: Stores, staging: StoredStaging
) -> None:
    published = await stores.artifacts.publish(wheel())
    await staging.stage(NAME, [staged()])
    await staging.clear(NAME)

    assert list(await stores.artifacts.of_project(project_name("six"))) == [published]


async def test_what_is_cleared_is_gone_and_twice_is_the_same_as_once(
    stores: Stores, staging: StoredStaging
) -> None:
    await staging.stage(NAME, [staged()])
    assert await staging.has(NAME)
    await staging.clear(NAME)
    await staging.clear(NAME)

    assert not await staging.has(NAME)
    assert stores.snapshots is not None
    assert await stores.snapshots.find(NAME) is None
    assert list(await stores.snapshots.all()) == []


async def test_a_bad_name_is_refused(staging: StoredStaging) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a snapshot"):
        await staging.stage("Staging", [staged()])


async def test_what_the_jobs_of_a_request_gave_is_found(
    stores: Stores, staging: StoredStaging
) -> None:
    terms = Terms(owner="ann", pool="any", needs={}, rank=0, request=RequestId("r1"))
    await stores.queue.submit(offer(), terms)
    [(_, lease)] = await stores.queue.lease_next(
        {"any": ()}, "arm-1", owners=["ann"], count=1, seconds=60
    )
    assert list(await staging.archives(RequestId("r1"))) == []
    made = replace(wheel(), build_key="k1")
    await stores.jobs.finish(lease.key, lease.fence, built(made))

    assert [one.digest for one in await staging.archives(RequestId("r1"))] == [made.digest]
    assert list(await staging.archives(RequestId("r2"))) == []
