"""New tokens. The text of one is returned once, to be handed over; only its digest is kept."""

from datetime import timedelta

from wheelyard.farm_ports import Role, Token, TokenStore
from wheelyard.model.builder import Tier
from wheelyard.model.job import BuildKey
from wheelyard.ports import Clock
from wheelyard.protocol.tokens import Credential


class Mint:
    """Makes tokens and keeps them."""

    def __init__(self, *, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def make(
        self,
        role: Role,
        subject: str,
        *,
        tier: Tier | None = None,
        note: str = "",
        seconds: float | None = None,
    ) -> tuple[Credential, Token]:
        """Make a token that counts for some seconds, or until it is revoked."""
        credential, now = Credential.fresh(), self._clock.now()
        token = Token(
            id=credential.id,
            secret_digest=credential.digest,
            role=role,
            subject=subject,
            created=now,
            expires=None if seconds is None else now + timedelta(seconds=seconds),
            tier=tier,
            note=note,
        )
        await self._tokens.add(token)
        return credential, token

    async def for_job(self, key: BuildKey, fence: int, builder: str) -> str:
        """Make the token with which a builder uploads the results of a job under one fence."""
        credential, _ = await self.make(Role.JOB, f"{key}.{fence}", note=builder)
        return str(credential)

    async def for_builder(self, name: str) -> str:
        """Make the token of a builder."""
        credential, _ = await self.make(Role.BUILDER, name)
        return str(credential)
