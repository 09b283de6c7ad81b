"""The conda channel as every store keeps it: names keep their bytes, changes are numbered, nothing is collected."""

from dataclasses import replace

import pytest

from store.conftest import Stores
from store.things import digest_of
from wheelyard.channel_ports import CONDA, ChannelStore
from wheelyard.model.channel import CondaPackage

pytestmark = pytest.mark.anyio


def package(name: str = "liba", text: str = "bytes", *, subdir: str = "noarch") -> CondaPackage:
    return CondaPackage(
        subdir=subdir,
        filename=f"{name}-1.0-0.conda",
        name=name,
        version="1.0",
        build="0",
        build_number=0,
        digest=digest_of(text),
        md5="0" * 32,
        size=len(text),
        record=f'{{"name":"{name}","subdir":"{subdir}"}}',
        run_exports='{"weak":["liba >=1"]}',
    )


async def places(channel: ChannelStore) -> list[str]:
    changes = await channel.changes_since(-1)
    return [one.place for one in changes.packages if one.there]


async def test_packages_enter_with_all_that_was_said_of_them(stores: Stores) -> None:
    one = package()
    entered = await stores.channel.enter([one])
    assert entered.new == (one,)
    changes = await stores.channel.changes_since(-1)
    assert changes.whole
    assert changes.packages == (replace(one, created=stores.clock.now()),)


async def test_the_same_bytes_once_more_change_nothing(stores: Stores) -> None:
    await stores.channel.enter([package()])
    before = (await stores.channel.changes_since(-1)).revision
    assert (await stores.channel.enter([package()])).new == ()
    assert (await stores.channel.changes_since(before)).packages == ()
    assert (await stores.channel.changes_since(-1)).revision == before


async def test_a_name_that_stands_for_other_bytes_keeps_all_out(stores: Stores) -> None:
    await stores.channel.enter([package()])
    entered = await stores.channel.enter([package("libb"), package(text="others")])
    assert entered.new == ()
    assert [one.digest for one in entered.taken] == [digest_of("bytes")]
    assert await places(stores.channel) == ["noarch/liba-1.0-0.conda"]


async def test_a_name_may_be_in_several_subdirs(stores: Stores) -> None:
    await stores.channel.enter([package(), package(text="others", subdir="linux-64")])
    assert await stores.channel.places_of("liba-1.0-0.conda") == ["linux-64", "noarch"]


async def test_whoever_follows_is_told_of_what_changed_and_of_nothing_else(stores: Stores) -> None:
    await stores.channel.enter([package()])
    first = await stores.channel.changes_since(-1)
    await stores.channel.enter([package("libb", "b")])
    second = await stores.channel.changes_since(first.revision)
    assert [one.name for one in second.packages] == ["libb"]
    assert not second.whole
    assert await stores.channel.remove("noarch", "liba-1.0-0.conda", "it crashes")
    third = await stores.channel.changes_since(second.revision)
    assert [(one.name, one.removed) for one in third.packages] == [("liba", "it crashes")]
    assert await stores.channel.remove("noarch", "liba-1.0-0.conda", None)
    fourth = await stores.channel.changes_since(third.revision)
    assert [one.removed for one in fourth.packages] == [None]


async def test_a_reader_that_knows_more_than_the_store_is_told_all(stores: Stores) -> None:
    await stores.channel.enter([package()])
    changes = await stores.channel.changes_since(99)
    assert changes.whole
    assert [one.name for one in changes.packages] == ["liba"]


async def test_nothing_is_removed_that_is_not_there(stores: Stores) -> None:
    assert not await stores.channel.remove("noarch", "liba-1.0-0.conda", "")


async def test_lost_bytes_leave_the_channel_and_come_back_as_they_were(stores: Stores) -> None:
    await stores.channel.enter([package(), package(subdir="linux-64")])
    assert await stores.channel.withdraw(digest_of("bytes")) == 2
    assert await stores.channel.withdraw(digest_of("bytes")) == 0
    assert await places(stores.channel) == []
    # The name still stands for what is lost.
    assert (await stores.channel.enter([package(text="others")])).taken
    assert len((await stores.channel.enter([package()])).new) == 1
    assert await places(stores.channel) == ["noarch/liba-1.0-0.conda"]


async def test_a_snapshot_has_what_was_there_as_it_was(stores: Stores) -> None:
    if stores.snapshots is None:
        pytest.skip("snapshots are the database's")
    await stores.channel.enter([package(), package("libb", "b")])
    named = await stores.snapshots.create("stable")
    kept = stores.snapshots.channel(named.snapshot)
    await stores.channel.enter([package("libc", "c")])
    await stores.channel.remove("noarch", "liba-1.0-0.conda", "it crashes")
    found = await kept.changes_since(-1)
    assert [(one.name, one.removed) for one in found.packages] == [("liba", None), ("libb", None)]
    assert (await kept.changes_since(found.revision)).packages == ()
    await stores.channel.withdraw(digest_of("b"))
    changed = await kept.changes_since(found.revision)
    assert changed.whole
    assert [one.name for one in changed.packages] == ["liba"]
    await stores.snapshots.remove("stable")
    assert (await kept.changes_since(-1)).packages == ()


async def test_bytes_of_packages_are_named_as_long_as_they_are_there(stores: Stores) -> None:
    if stores.references is None:
        pytest.skip("references are the database's")
    await stores.channel.enter([package(), package("libb", "b")])
    await stores.channel.remove("noarch", "liba-1.0-0.conda", "")
    await stores.channel.withdraw(digest_of("b"))
    found = [one for one in await stores.references.all() if one.kind == CONDA]
    assert [(one.digest, one.needed) for one in found] == [(digest_of("bytes"), True)]
