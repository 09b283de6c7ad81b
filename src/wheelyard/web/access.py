"""Who asks, and what they may.

Every endpoint names who may use it; whoever is not named may not. A refusal says nothing about
tokens that the one who asks does not have.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from starlette.requests import Request

from wheelyard.errors import DeniedError
from wheelyard.farm_ports import Role, Token, TokenStore
from wheelyard.model.builder import Tier
from wheelyard.ports import Clock
from wheelyard.protocol.tokens import Credential
from wheelyard.web.cookies import credential_of
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
    """Looks at tokens. ``public``: visitors may read what is marked so without any."""

    def __init__(self, *, tokens: TokenStore, clock: Clock, public: bool = False) -> None:
        self._tokens = tokens
        self._clock = clock
        self._public = public

    async def admit(
        self, request: Request, allowed: Allowed, *, visitors: bool = False, cookies: bool = False
    ) -> Bearer | None:
        """Return who asks, where they may; None for a visitor where these may. Raises a Refusal.

        A cookie counts where ``cookies`` says so, which must be false for whatever a browser can be made
        to send by another site and that is not checked elsewhere.
        """
        if isinstance(allowed, Anybody):
            return None
        open_to_visitors = visitors and self._public
        header = request.headers.get("authorization")
        session = credential_of(request.cookies) if cookies and not header else None
        if open_to_visitors and not header and session is None:
            return None
        try:
            token = await self._token(f"Bearer {session}" if session else header)
        except Refusal:
            # A session that is over reads like anybody; whoever sends a token wants it to count.
            if open_to_visitors and session is not None:
                return None
            raise
        return _bearer(token, allowed)

    async def bearer_of(self, text: str, allowed: frozenset[Role]) -> Bearer:
        """Return whose a token is that somebody typed, where it may do this. Raises a Refusal."""
        return _bearer(await self._token(f"Bearer {text}"), allowed)

    async def _token(self, header: str | None) -> Token:
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise _unknown(
                "it is not known who asks",
                "Sign in, or send the header Authorization: Bearer TOKEN.",
            )
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


def _bearer(token: Token, allowed: frozenset[Role]) -> Bearer:
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


def _unknown(error: str, hint: str) -> Refusal:
    return Refusal(401, error, hint, {"WWW-Authenticate": "Bearer"})
