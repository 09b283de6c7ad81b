"""Tokens: making them, listing them, revoking them. A secret is shown once, when it is made."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from starlette.responses import Response

from wheelyard.coordinator.farm.actions import Action
from wheelyard.farm_ports import EventLog, Role, Token, TokenStore
from wheelyard.model.builder import Tier
from wheelyard.web.access import ADMINISTRATORS, READERS, Bearer
from wheelyard.web.endpoint import Call, Endpoint, answered
from wheelyard.web.jobs import Changed
from wheelyard.web.minting import Mint
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal, not_there

_LONGEST = 200
_LONGEST_LIFE = 10 * 365 * 86400.0
Makeable = Literal["reader", "requester", "operator", "administrator", "enrolment"]


class NewToken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A token that is wanted. ``subject`` is whose it is; ``tier`` goes with enrolment."""

    role: Makeable
    subject: str
    seconds: float | None = None
    tier: Tier = Tier.TRUSTED
    note: str = ""


class TokenView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A token as people see it; ``token`` is its text, once."""

    id: str
    role: str
    subject: str
    created: datetime
    expires: datetime | None = None
    tier: str = ""
    note: str = ""
    revoked: bool = False
    token: str = ""


class TokenList(msgspec.Struct, kw_only=True):
    """All tokens but those of jobs, newest first."""

    tokens: Sequence[TokenView]


class TokenBook:
    """Makes, shows and revokes tokens."""

    def __init__(
        self,
        *,
        tokens: TokenStore,
        mint: Mint,
        events: EventLog,
        enrolment_seconds: float,
        admit: Callable[[], Awaitable[None]],
    ) -> None:
        self._admit = admit
        self._tokens = tokens
        self._mint = mint
        self._events = events
        self._enrolment_seconds = enrolment_seconds

    async def make(self, call: Call) -> Response:
        """Make a token."""
        wanted = await call.value(NewToken)
        return answered(await self.create(call.bearer, wanted), 201)

    async def create(self, maker: Bearer, wanted: NewToken) -> TokenView:
        """Make a token and return it with its text, which is kept nowhere. Raises a Refusal."""
        _check(wanted)
        role = Role(wanted.role)
        seconds = wanted.seconds
        if role is Role.ENROLMENT and seconds is None:
            seconds = self._enrolment_seconds
        credential, token = await self._mint.make(
            role,
            wanted.subject,
            tier=wanted.tier if role is Role.ENROLMENT else None,
            note=wanted.note,
            seconds=seconds,
        )
        await self._events.write(
            Action.TOKEN_CREATED, token.id, actor=maker.subject, role=role.value
        )
        view = view_of(token)
        view.token = str(credential)
        return view

    async def list(self, _: Call) -> Response:
        """Answer with all tokens."""
        return answered(TokenList(tokens=await self.all()))

    async def all(self) -> Sequence[TokenView]:
        """Return all tokens but those of jobs, newest first."""
        return [view_of(token) for token in await self._tokens.all()]

    async def revoke(self, call: Call) -> Response:
        """Let a token count no more."""
        await self.end(call.bearer, call.place("token"))
        return answered(Changed(changed=True))

    async def end(self, who: Bearer, token: str) -> None:
        """Let a token count no more. Raises a Refusal."""
        if not await self._tokens.revoke(token):
            raise not_there("token", token)
        await self._events.write(Action.TOKEN_REVOKED, token, actor=who.subject)
        # It may have been a builder's.
        await self._admit()

    async def mine(self, call: Call) -> Response:
        """Say whose the token is that asks."""
        token = await self._tokens.get(call.bearer.token)
        if token is None:
            raise not_there("token", call.bearer.token)
        return answered(view_of(token))


def view_of(token: Token) -> TokenView:
    """Return a token as people see it."""
    return TokenView(
        id=token.id,
        role=token.role.value,
        subject=token.subject,
        created=token.created,
        expires=token.expires,
        tier=token.tier.value if token.tier else "",
        note=token.note,
        revoked=token.revoked,
    )


def _check(wanted: NewToken) -> None:
    for name, text in (("subject", wanted.subject), ("note", wanted.note)):
        if len(text) > _LONGEST or not text.isprintable():
            raise Refusal(422, f"the {name} cannot be kept", f"{_LONGEST} characters, on one line.")
    if not wanted.subject:
        raise Refusal(422, "a token needs a subject", "Say whose it is.")
    if wanted.seconds is not None and not 0 < wanted.seconds <= _LONGEST_LIFE:
        raise Refusal(422, f"{wanted.seconds} seconds is no time", "From a second to ten years.")


def book_of(ports: WebPorts) -> TokenBook:
    """Return the book of a farm's tokens."""
    return TokenBook(
        tokens=ports.tokens,
        mint=Mint(tokens=ports.tokens, clock=ports.clock),
        events=ports.events,
        enrolment_seconds=ports.times.enrolment,
        admit=ports.admit,
    )


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return what there is of tokens."""
    book = book_of(ports)
    return (
        Endpoint(
            method="POST",
            path="/api/tokens",
            allowed=ADMINISTRATORS,
            answer=book.make,
            says="Make a token; its text is in the answer and nowhere else.",
            body=NewToken,
            gives=TokenView,
            status=201,
        ),
        Endpoint(
            method="GET",
            path="/api/tokens",
            allowed=ADMINISTRATORS,
            answer=book.list,
            says="All tokens but those of jobs, newest first.",
            gives=TokenList,
        ),
        Endpoint(
            method="GET",
            path="/api/tokens/mine",
            allowed=READERS,
            answer=book.mine,
            says="Whose the token is that asks.",
            gives=TokenView,
        ),
        Endpoint(
            method="POST",
            path="/api/tokens/{token}/revoke",
            allowed=ADMINISTRATORS,
            answer=book.revoke,
            says="Let a token count no more.",
            gives=Changed,
        ),
    )
