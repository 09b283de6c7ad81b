"""What every ArtifactStore and Memory promises, in memory, in SQLite and in PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.conftest import Stores
from store.things import TARGET, built, offer, wheel
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import BuildKey
from wheelyard.model.listing import ProjectStatus, Status
from wheelyard.model.release import Release, project_name
from wheelyard.ports import ArtifactStore, Memory

pytestmark = pytest.mark.anyio


async def make(stores: Stores, key: str, artifact: Artifact) -> Artifact:
    lease = await stores.jobs.lease(offer(key, str(artifact.release)), "yard-1", seconds=60)
    assert lease is not None
    assert await stores.jobs.finish(lease.key, lease.fence, built(artifact))
    kept = await stores.artifacts.by_key(BuildKey(key))
    assert kept is not None
    return kept


async def test_it_is_what_the_port_asks_for(stores: Stores) -> None:
    store: ArtifactStore = stores.artifacts
    memory: Memory = stores.memory
    assert await store.by_key(BuildKey("k")) is None
    assert await store.by_key(BuildKey("")) is None
    assert await memory.recall("kind", "key") is None


async def test_what_was_built_is_not_visible_before_it_is_published(stores: Stores) -> None:
    kept = await make(stores, "k1", wheel())
    assert list(await stores.artifacts.projects()) == []
    assert list(await stores.artifacts.of_release(kept.release)) == []
    assert list(await stores.artifacts.waiting()) == [kept]
    assert await stores.artifacts.publish(kept) == kept
    assert list(await stores.artifacts.of_release(kept.release)) == [kept]
    assert list(await stores.artifacts.waiting()) == []


async def test_everything_that_is_known_of_a_wheel_is_kept(stores: Stores) -> None:
    whole = replace(
        wheel(), build_key="k", target=TARGET, created=stores.clock.now(), yanked="it is broken"
    )
    assert await stores.artifacts.publish(whole) == whole
    assert list(await stores.artifacts.of_project(whole.release.project)) == [whole]


async def test_a_wheel_of_nobodys_job_gets_the_moment_of_its_publication(stores: Stores) -> None:
    upstream = replace(wheel(), origin=Origin.UPSTREAM)
    visible = await stores.artifacts.publish(upstream)
    assert visible == replace(upstream, created=stores.clock.now())
    stores.clock.advance(60)
    assert await stores.artifacts.publish(upstream) == visible


async def test_published_bytes_never_change(stores: Stores) -> None:
    first = await stores.artifacts.publish(await make(stores, "k1", wheel(text="first")))
    second = await make(stores, "k2", wheel(text="second"))
    assert await stores.artifacts.publish(second) == first
    assert list(await stores.artifacts.of_release(first.release)) == [first]
    assert await stores.artifacts.by_key(BuildKey("k2")) == second
    assert list(await stores.artifacts.waiting()) == []


@pytest.mark.parametrize("origin", [Origin.BOOTSTRAP, Origin.SEED])
async def test_what_stands_on_a_seed_is_kept_by_its_key_and_never_published(
    stores: Stores, origin: Origin
) -> None:
    kept = await make(stores, "k1", replace(wheel(), origin=origin))
    assert kept.origin is origin
    with pytest.raises(ValueError, match="never published"):
        await stores.artifacts.publish(kept)
    assert list(await stores.artifacts.waiting()) == []
    assert list(await stores.artifacts.projects()) == []


async def test_two_jobs_may_build_the_same_bytes(stores: Stores) -> None:
    one = await make(stores, "k1", wheel())
    other = await make(stores, "k2", wheel())
    assert (one.build_key, other.build_key) == ("k1", "k2")
    assert await stores.artifacts.publish(one) == one
    assert await stores.artifacts.publish(other) == one


async def test_projects_releases_and_files_come_in_order(stores: Stores) -> None:
    for release in ("six==1.17.0", "six==1.16.0", "attrs==25.1"):
        await stores.artifacts.publish(wheel(release, release))
    six = project_name("six")
    assert list(await stores.artifacts.projects()) == ["attrs", "six"]
    names = [artifact.filename for artifact in await stores.artifacts.of_project(six)]
    assert names == ["six-1.16.0-py2.py3-none-any.whl", "six-1.17.0-py2.py3-none-any.whl"]
    found = await stores.artifacts.of_release(Release.parse("six==1.16"))
    assert [artifact.filename for artifact in found] == names[:1]


async def test_a_yanked_file_says_why_until_that_is_taken_back(stores: Stores) -> None:
    published = await stores.artifacts.publish(wheel())
    assert await stores.artifacts.yank(published.filename, "")
    (yanked,) = await stores.artifacts.of_release(published.release)
    assert yanked.yanked == ""
    assert await stores.artifacts.yank(published.filename, None)
    (unyanked,) = await stores.artifacts.of_release(published.release)
    assert unyanked.yanked is None
    assert not await stores.artifacts.yank("unknown.whl", "why")


async def test_a_file_whose_bytes_are_gone_leaves_the_index(stores: Stores) -> None:
    published = await stores.artifacts.publish(wheel())
    assert await stores.artifacts.withdraw(published.digest) == 1
    assert await stores.artifacts.withdraw(published.digest) == 0
    assert list(await stores.artifacts.projects()) == []


async def test_a_file_that_left_the_index_keeps_its_name(stores: Stores) -> None:
    assert await stores.artifacts.digest_of_name(wheel().filename) is None
    published = await stores.artifacts.publish(wheel())
    assert await stores.artifacts.digest_of_name(published.filename) == published.digest
    await stores.artifacts.withdraw(published.digest)
    assert await stores.artifacts.digest_of_name(published.filename) == published.digest


async def test_memory_keeps_the_last_value_of_each_kind_and_key(stores: Stores) -> None:
    await stores.memory.keep("metadata", "six", b"old")
    await stores.memory.keep("metadata", "six", b"\x00new")
    await stores.memory.keep("facts", "six", b"")
    assert await stores.memory.recall("metadata", "six") == b"\x00new"
    assert await stores.memory.recall("facts", "six") == b""
    assert await stores.memory.recall("facts", "attrs") is None


async def test_moments_are_kept_to_the_microsecond(stores: Stores) -> None:
    moment = stores.clock.now() + timedelta(days=40_000, microseconds=1)
    published = await stores.artifacts.publish(replace(wheel(), created=moment))
    assert published.created == moment


async def test_what_changed_since_a_number_is_told_and_nothing_else(stores: Stores) -> None:
    store = stores.artifacts
    six = await store.publish(wheel())
    await store.publish(wheel("attrs==25.1", "attrs"))
    seen = await store.revision()
    assert (await store.changes_since(seen)).projects == {}
    assert set((await store.changes_since(0)).projects) == {"attrs", "six"}
    await store.yank(six.filename, "broken")
    changes = await store.changes_since(seen)
    assert (changes.revision > seen, changes.projects) == (True, {"six": True})
    await store.withdraw(six.digest)
    assert (await store.changes_since(changes.revision)).projects == {"six": False}


async def test_a_wheel_that_its_job_lost_is_told_as_a_change(stores: Stores) -> None:
    kept = await stores.artifacts.publish(await make(stores, "k1", wheel()))
    seen = await stores.artifacts.revision()
    await stores.jobs.artifact_lost(kept.digest)
    assert (await stores.artifacts.changes_since(seen)).projects == {"six": False}


async def test_a_project_keeps_its_status_and_why(stores: Stores) -> None:
    six, store = project_name("six"), stores.artifacts
    gone = ProjectStatus(status=Status.ARCHIVED, reason="nothing more is to come")
    assert not await store.set_status(six, gone)
    await store.publish(wheel())
    assert await store.status(six) == ProjectStatus()
    seen = await store.revision()
    assert await store.set_status(six, gone)
    assert await store.status(six) == gone
    assert (await store.changes_since(seen)).projects == {"six": True}
    await store.publish(wheel("six==1.18.0", "newer"))
    assert await store.status(six) == gone


async def test_a_project_of_which_nothing_is_left_is_known_all_the_same(stores: Stores) -> None:
    six = project_name("six")
    assert not await stores.artifacts.known(six)
    await make(stores, "k1", wheel())
    assert await stores.artifacts.known(six)
