"""Who may connect to a bus follows who has a token."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wheelyard.bus.server_config import BusUser
from wheelyard.errors import BusError, ConfigurationError, DeniedError
from wheelyard.farm_ports import Role, Token
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.tokens import MemoryTokenStore
from wheelyard.wiring.builder import until_shut_out
from wheelyard.wiring.bus_guests import AccountsFile, BusGuests

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(name: str, role: Role = Role.BUILDER) -> Token:
    return Token(id=f"of-{name}", secret_digest="0" * 64, role=role, subject=name, created=NOW)


async def test_a_server_is_told_of_builders_that_came_and_went_and_of_nothing_else() -> None:
    tokens, told = MemoryTokenStore(clock=ManualClock()), list[set[str]]()

    async def admit(users: Sequence[BusUser]) -> None:
        told.append({user.name for user in users})

    guests = BusGuests(tokens=tokens, admit=admit)
    await tokens.add(token("one"))
    await guests.tell()
    await tokens.add(token("ann", Role.READER))
    await guests.tell()
    await tokens.add(token("two"))
    await guests.tell()
    await tokens.revoke_of(Role.BUILDER, "one")
    await guests.tell()

    assert told == [{"one"}, {"one", "two"}, {"two"}]
    with pytest.raises(ConfigurationError, match="has no token"):
        await guests.password("one")


async def test_a_server_that_did_not_listen_is_told_again() -> None:
    tokens, tries = MemoryTokenStore(clock=ManualClock()), 0

    async def admit(_: Sequence[BusUser]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise BusError("it is away")

    guests = BusGuests(tokens=tokens, admit=admit)
    with pytest.raises(BusError):
        await guests.tell()
    await guests.tell()

    assert tries == 2


async def test_the_accounts_are_for_the_server_alone(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    await AccountsFile(path, password="5ecret").write([BusUser(name="one", password="abc")])

    assert path.stat().st_mode & 0o007 == 0
    assert set(json.loads(path.read_text())["accounts"]) == {"farm", "builder-one"}
    assert list(tmp_path.iterdir()) == [path]


async def test_accounts_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(BusError, match="cannot be written"):
        await AccountsFile(tmp_path / "no" / "file", password="5ecret").write([])


async def test_a_builder_whose_bus_shut_it_out_ends() -> None:
    answers = iter([BusError("the farm is away"), None, DeniedError("it was revoked")])

    async def look() -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(10), until_shut_out(look, refused=asyncio.Event(), every=0):
            await asyncio.Event().wait()
    assert ended.group_contains(DeniedError)


async def test_a_builder_that_leaves_is_not_kept() -> None:
    async def look() -> None:
        raise AssertionError

    async with until_shut_out(look, refused=asyncio.Event(), every=60):
        pass


async def test_a_builder_that_the_bus_refuses_asks_the_farm_at_once() -> None:
    refused = asyncio.Event()

    async def look() -> None:
        message = "it was revoked"
        raise DeniedError(message)

    refused.set()
    with pytest.raises(ExceptionGroup) as ended:
        async with until_shut_out(look, refused=refused, every=600):
            await asyncio.wait_for(asyncio.Event().wait(), 10)
    assert ended.group_contains(DeniedError)
