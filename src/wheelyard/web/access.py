"""Who asks, and what they may.

Every endpoint names who may use it; whoever is not named may not. A refusal says nothing about
tokens that the one who asks does not have.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from wheelyard.errors import DeniedError
from wheelyard.farm_ports import Role, Token, TokenStore
from wheelyard.model.builder import Tier
from wheelyard.ports import Clock
from wheelyard.protocol.tokens import Credential
from wheelyard.web.refusals import Refusal

_LADDER = (Role.READER, Role.REQUESTER, Role.OPERATOR, Role.ADMINISTRATOR)
_ABSENT = f"sha256:{'0' * 64}"


class Anybody(Enum):
    """Marks what needs no token."""

    ANYBODY = auto()


ANYBODY: Final = Anybody.ANYBODY
Allowed = frozenset[Role] | Anybody


def at_least(role: Role) -> frozenset[Role]:
    """Return a role of people and those that include it."""
    return frozenset(_LADDER[_LADDER.index(role) :])


READERS = at_least(Role.READER)
REQUESTERS = at_least(Role.REQUESTER)
OPERATORS = at_least(Role.OPERATOR)
ADMINISTRATORS = at_least(Role.ADMINISTRATOR)
BUILDERS = frozenset({Role.BUILDER})
JOBS = frozenset({Role.JOB})
ENROLMENTS = frozenset({Role.ENROLMENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who asks. ``subject`` is the user, the builder, or ``KEY.FENCE``; ``note`` of a job's token is its builder."""

    token: str
    role: Role
    subject: str
    tier: Tier | None = None
    note: str = ""


class Access:
    """Looks at tokens."""

    def __init__(self, *, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def admit(self, header: str | None, allowed: Allowed) -> Bearer | None:
        """Return who asks, where they may; None where nobody has to say. Raises a Refusal."""
        if isinstance(allowed, Anybody):
            return None
        token = await self._token(header)
        if token.role not in allowed:
            who = ", ".join(sorted(role.value for role in allowed)) or "nobody"
            raise Refusal(
                403,
                f"a token of a {token.role.value} may not do this",
                f"It takes one of these roles: {who}.",
            )
        return Bearer(
            token=token.id,
            role=token.role,
            subject=token.subject,
            tier=token.tier,
            note=token.note,
        )

    async def _token(self, header: str | None) -> Token:
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise _unknown("a token is missing", "Send the header Authorization: Bearer TOKEN.")
        try:
            credential = Credential.parse(text)
        except DeniedError as error:
            raise _unknown(error.message, error.hint) from error
        token = await self._tokens.get(credential.id)
        # Compared even where there is none, so that the time says nothing about which ids there are.
        good = credential.matches(_ABSENT if token is None else token.secret_digest)
        if token is None or not good:
            raise _unknown("the token is not known here", "Is it another farm's?")
        if token.revoked:
            raise _unknown("the token was revoked, or used up", "Ask for a new one.")
        if token.expires is not None and token.expires <= self._clock.now():
            raise _unknown("the token is too old", "Ask for a new one.")
        return token


def _unknown(error: str, hint: str) -> Refusal:
    return Refusal(401, error, hint, {"WWW-Authenticate": "Bearer"})
