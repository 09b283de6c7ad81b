"""Snapshots of the index, on both engines."""

import pytest

from store.conftest import Stores
from store.things import wheel
from wheelyard.errors import ConfigurationError
from wheelyard.model.listing import ProjectStatus, Status
from wheelyard.model.release import project_name
from wheelyard.store.snapshots import StoredSnapshots

pytestmark = pytest.mark.anyio
SIX = project_name("six")


@pytest.fixture
def snapshots(stores: Stores) -> StoredSnapshots:
    if stores.snapshots is None:
        pytest.skip("no snapshots in memory")
    return stores.snapshots


async def test_a_snapshot_shows_what_was_published_then(
    stores: Stores, snapshots: StoredSnapshots
) -> None:
    first = await stores.artifacts.publish(wheel())
    taken = await snapshots.create("testing")
    assert (taken.name, taken.snapshot.files, taken.snapshot.projects) == ("testing", 1, 1)
    await stores.artifacts.publish(wheel("six==1.18.0", "newer"))
    await stores.artifacts.publish(wheel("attrs==25.1", "attrs"))
    await stores.artifacts.yank(first.filename, "broken")
    view = snapshots.artifacts(taken.snapshot)
    assert list(await view.projects()) == ["six"]
    assert list(await view.of_project(SIX)) == [first]


async def test_a_name_moves_at_once_and_back(stores: Stores, snapshots: StoredSnapshots) -> None:
    await stores.artifacts.publish(wheel())
    old = (await snapshots.create("testing")).snapshot
    assert (await snapshots.promote("testing", "stable")).snapshot == old
    await stores.artifacts.publish(wheel("attrs==25.1", "attrs"))
    new = (await snapshots.create("testing")).snapshot
    assert await snapshots.find("stable") == old
    assert (await snapshots.promote("testing", "stable")).earlier == (old.id,)
    assert await snapshots.find("stable") == new
    assert await snapshots.find(str(old.id)) == old
    assert (await snapshots.roll_back("stable")).snapshot == old
    with pytest.raises(ConfigurationError, match="never stood for another"):
        await snapshots.roll_back("stable")


async def test_promoting_twice_is_the_same_as_once(
    stores: Stores, snapshots: StoredSnapshots
) -> None:
    await snapshots.create("testing")
    once = await snapshots.promote("testing", "stable")
    assert await snapshots.promote("testing", "stable") == once


async def test_what_no_name_needs_goes_and_its_number_comes_never_again(
    stores: Stores, snapshots: StoredSnapshots
) -> None:
    await stores.artifacts.publish(wheel())
    first = (await snapshots.create("testing")).snapshot
    await snapshots.promote("testing", "stable")
    assert await snapshots.remove("testing") == 0
    assert await snapshots.find("stable") == first
    assert await snapshots.remove("stable") == 1
    assert await snapshots.find(str(first.id)) is None
    assert list(await snapshots.all()) == []
    assert (await snapshots.create("testing")).snapshot.id > first.id


@pytest.mark.parametrize("name", ["", "17", "Stable", "a/b", "..", "a" * 61])
async def test_a_name_that_no_address_could_hold_is_refused(
    snapshots: StoredSnapshots, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a snapshot"):
        await snapshots.create(name)


async def test_an_unknown_name_gets_the_nearest(snapshots: StoredSnapshots) -> None:
    await snapshots.create("testing")
    with pytest.raises(ConfigurationError, match="no snapshot is named 'testin'") as caught:
        await snapshots.promote("testin", "stable")
    assert "Did you mean 'testing'?" in caught.value.hint
    assert await snapshots.find("99999999999999999999") is None


async def test_a_quarantine_of_today_reaches_snapshots(
    stores: Stores, snapshots: StoredSnapshots
) -> None:
    await stores.artifacts.publish(wheel())
    view = snapshots.artifacts((await snapshots.create("testing")).snapshot)
    seen = await view.revision()
    bad = ProjectStatus(status=Status.QUARANTINED, reason="malware")
    await stores.artifacts.set_status(SIX, bad)
    assert await view.status(SIX) == bad
    assert await view.revision() != seen
