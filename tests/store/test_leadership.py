"""One of several coordinators leads, whatever became of the last one."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from store.processes import start
from wheelyard.errors import StoreError
from wheelyard.farm_ports import Leadership
from wheelyard.store.leadership import leadership_of
from wheelyard.testing.happenings import Chair, MemoryLeadership

pytestmark = pytest.mark.anyio

LEAD = """
from wheelyard.store.leadership import leadership_of
leadership = leadership_of(words[0], path)
say(await leadership.hold())
input()
"""
Opener = Callable[[], Leadership]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "memory":
        chair = Chair()
        return lambda: MemoryLeadership(chair)
    address = request.getfixturevalue("empty_server") if request.param == "postgres" else tmp_path
    return lambda: leadership_of(address, tmp_path / "leader")


async def test_one_leads_until_it_lets_go(opener: Opener) -> None:
    one, other = opener(), opener()
    assert await one.hold()
    assert await one.hold()
    assert not await other.hold()
    await other.let_go()
    assert not await other.hold()
    await one.let_go()
    await one.let_go()
    assert await other.hold()
    assert not await one.hold()
    await other.let_go()


async def test_the_leadership_of_a_killed_process_is_free(
    address: str | Path, tmp_path: Path
) -> None:
    path = tmp_path / "leader"
    leader = start(LEAD, path, str(address))
    assert leader.stdout is not None
    assert leader.stdout.readline() == "True\n"
    mine = leadership_of(address, path)
    assert not await mine.hold()
    leader.kill()
    leader.communicate()
    # The server hears of it a moment later.
    while not await mine.hold():
        pass
    await mine.let_go()


async def test_a_leader_whose_connection_broke_leads_no_more(empty_server: str) -> None:
    one, other = leadership_of(empty_server, Path()), leadership_of(empty_server, Path())
    assert await one.hold()
    with psycopg.connect(empty_server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'"
        )
    assert await other.hold()
    assert not await one.hold()
    await other.let_go()
    assert await one.hold()
    await one.let_go()


async def test_who_cannot_reach_the_database_does_not_lead(tmp_path: Path) -> None:
    assert not await leadership_of(f"postgresql:///farm?host={tmp_path}", Path()).hold()
    with pytest.raises(StoreError, match="no address"):
        await leadership_of("postgresql:///farm?nonsense=1", Path()).hold()
    with pytest.raises(StoreError, match="cannot be used"):
        await leadership_of(tmp_path, tmp_path / "missing" / "leader").hold()
