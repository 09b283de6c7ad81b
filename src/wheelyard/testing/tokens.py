"""Tokens in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace

from wheelyard.farm_ports import Role, Token
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


class MemoryTokenStore:
    """The ``TokenStore`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._kept: dict[str, Token] = {}

    async def add(self, token: Token) -> None:
        """Keep a token."""
        if token.id in self._kept:
            raise ValueError(f"there is a token {token.id!r} already")
        self._kept[token.id] = token

    async def get(self, token: str) -> Token | None:
        """Return a token by its id, revoked or not."""
        return self._kept.get(token)

    async def all(self) -> Sequence[Token]:
        """Return all tokens that are not of jobs, newest first."""
        found = [token for token in self._kept.values() if token.role is not Role.JOB]
        return sorted(found, key=lambda token: (token.created, token.id), reverse=True)

    async def spend(self, token: str) -> bool:
        """Use a token that counts once; False where it was used or revoked, or is over."""
        kept = self._kept.get(token)
        if kept is None or kept.revoked:
            return False
        if kept.expires is not None and kept.expires <= self._clock.now():
            return False
        self._kept[token] = replace(kept, revoked=True)
        return True

    async def revoke(self, token: str) -> bool:
        """Let a token count no more; False where there is none."""
        if token not in self._kept:
            return False
        self._kept[token] = replace(self._kept[token], revoked=True)
        return True

    async def revoke_of(self, role: Role, subject: str) -> int:
        """Let all tokens of a subject count no more; return how many."""
        mine = [
            token
            for token in self._kept.values()
            if (token.role, token.subject) == (role, subject) and not token.revoked
        ]
        for token in mine:
            self._kept[token.id] = replace(token, revoked=True)
        return len(mine)
