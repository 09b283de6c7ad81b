"""Who may connect to a NATS server: every builder that has a token, and nobody else.

The tokens are asked again and again, because others change them, too: another coordinator of the same
database, and whoever revokes a token where no farm runs.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from wheelyard.bus.server_config import BusUser, password_of, render_accounts
from wheelyard.errors import BusError, ConfigurationError, StoreError
from wheelyard.farm_ports import Role, TokenStore

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_READABLE_BY_GROUP = 0o640


class BusGuests:
    """Tells a server who may connect, whenever that has changed; ``admit`` does the telling."""

    def __init__(
        self, *, tokens: TokenStore, admit: Callable[[Sequence[BusUser]], Awaitable[None]]
    ) -> None:
        self._tokens = tokens
        self._admit = admit
        self._told: Sequence[BusUser] | None = None
        self._turn = asyncio.Lock()

    async def tell(self) -> None:
        """Tell the server where it does not know yet. Raises BusError and StoreError."""
        async with self._turn:
            users = await users_of(self._tokens)
            if users != self._told:
                await self._admit(users)
                self._told = users

    async def keep_telling(self, every: float = _LOOK_SECONDS) -> None:
        """Tell it of every change until this is cancelled."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.tell()
            except (BusError, StoreError) as error:
                _log.warning("the bus was not told who may connect: %s", error.message)

    async def password(self, name: str) -> str:
        """Return the password of a builder. Raises ConfigurationError where it may not connect."""
        for user in await users_of(self._tokens):
            if user.name == name:
                return user.password
        raise ConfigurationError(f"builder {name!r} has no token", hint="Enrol it anew.")


class AccountsFile:
    """The part of a server's configuration that says who may connect, for a server that others run."""

    def __init__(self, path: Path, *, password: str) -> None:
        self._path = path
        self._password = password

    async def write(self, users: Sequence[BusUser]) -> None:
        """Write it whole, and only where it changes: whoever watches it has the server load it. Raises BusError."""
        text = render_accounts(password=self._password, builders=users)
        await asyncio.to_thread(self._write, text)

    def _write(self, text: str) -> None:
        temporary = self._path.with_name(f".{self._path.name}.new")
        try:
            if self._path.exists() and self._path.read_text("utf-8") == text:
                return
            temporary.unlink(missing_ok=True)
            # It holds passwords; the server, which reads it, may be another user of the folder's group.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(temporary, flags, _READABLE_BY_GROUP)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(self._path)
        except OSError as error:
            raise BusError(
                f"the accounts of the bus cannot be written to '{self._path}': {error.strerror}",
                hint="Name a file in a folder that this user may write with --bus-accounts.",
            ) from error


async def users_of(tokens: TokenStore) -> Sequence[BusUser]:
    """Return the builders that may connect: each with the newest token that it has."""
    newest: dict[str, BusUser] = {}
    for token in await tokens.all():
        if token.role is Role.BUILDER and not token.revoked and token.subject not in newest:
            password = password_of(token.secret_digest)
            newest[token.subject] = BusUser(name=token.subject, password=password)
    return tuple(newest.values())
