"""How a builder joins: a one-time code for a name and a token of its own."""

import re
import secrets
from collections.abc import Mapping, Sequence

import msgspec
from starlette.responses import Response

from wheelyard.coordinator.farm.actions import Action
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import BuilderStore, EventLog, TokenStore
from wheelyard.model.builder import Builder, Mode, Tier
from wheelyard.protocol.messages import VERSION
from wheelyard.web.access import BUILDERS, ENROLMENTS
from wheelyard.web.endpoint import Call, Endpoint, Parameter, answered
from wheelyard.web.minting import Mint
from wheelyard.web.ports import BusOf, WebPorts
from wheelyard.web.refusals import Refusal, shortened

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAKEN = frozenset({"me", "enrol"})
"""Addresses of this interface, and so nobody's names."""


class Enrolment(msgspec.Struct, kw_only=True):
    """What a builder says when it joins."""

    version: int
    name: str = ""
    wheelyard: str = ""


class Enrolled(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What it is told."""

    name: str
    tier: Tier
    presence_seconds: float
    bus: Mapping[str, str | Sequence[str]]
    token: str = ""


class Enrolments:
    """Lets builders in."""

    def __init__(  # noqa: PLR0913 - its ports
        self,
        *,
        builders: BuilderStore,
        tokens: TokenStore,
        events: EventLog,
        mint: Mint,
        bus_of: BusOf,
        presence_seconds: float,
    ) -> None:
        self._builders = builders
        self._tokens = tokens
        self._events = events
        self._mint = mint
        self._bus_of = bus_of
        self._presence_seconds = presence_seconds

    async def enrol(self, call: Call) -> Response:
        """Take a builder in. The code is spent with the answer, and with no other."""
        wanted = await call.value(Enrolment)
        _check_version(wanted.version)
        name = wanted.name or f"builder-{secrets.token_hex(4)}"
        check_name(name)
        tier = call.bearer.tier or Tier.TRUSTED
        try:
            await self._builders.add(Builder(name=name, owner=call.bearer.subject, tier=tier))
        except ConfigurationError as error:
            raise Refusal(409, error.message, error.hint) from error
        if not await self._tokens.spend(call.bearer.token):
            # Somebody else used the code at the same moment; nobody has this builder's token.
            await self._builders.set_mode(name, Mode.REVOKED, "its code was used by another one")
            raise Refusal(401, "the token was revoked, or used up", "Ask for a new one.")
        token = await self._mint.for_builder(name)
        await self._events.write(
            Action.BUILDER_ENROLLED, name, actor=call.bearer.subject, tier=tier.value
        )
        return answered(await self._enrolled(name, tier, token), 201)

    async def me(self, call: Call) -> Response:
        """Tell a builder where it stands and how it reaches the bus."""
        builder = await self._builders.get(call.bearer.subject)
        if builder is None or builder.mode is Mode.REVOKED:
            raise Refusal(401, "this builder was revoked", "Enrol it again with a new code.")
        # It may have been updated since it joined, or not when the farm was.
        _check_version(call.number("version", VERSION))
        return answered(await self._enrolled(builder.name, builder.tier, ""))

    async def _enrolled(self, name: str, tier: Tier, token: str) -> Enrolled:
        return Enrolled(
            name=name,
            tier=tier,
            presence_seconds=self._presence_seconds,
            bus=await self._bus_of(name),
            token=token,
        )


def check_name(name: str) -> None:
    """Raise a Refusal where a builder cannot have a name."""
    if _NAME.fullmatch(name) is None or name in _TAKEN:
        raise Refusal(
            422,
            f"{shortened(name)!r} cannot be the name of a builder",
            "Use lower-case letters, digits and '-', 63 at most, no '-' at an end; not 'me' or 'enrol'.",
        )


def _check_version(version: int) -> None:
    if version != VERSION:
        raise Refusal(
            422,
            f"this builder speaks version {version} of the protocol, and this farm version {VERSION}",
            "Let farm and builder run the same version of wheelyard.",
        )


def endpoints(ports: WebPorts, mint: Mint) -> Sequence[Endpoint]:
    """Return where builders join."""
    enrolments = Enrolments(
        builders=ports.builders,
        tokens=ports.tokens,
        events=ports.events,
        mint=mint,
        bus_of=ports.bus_of,
        presence_seconds=ports.times.presence,
    )
    return (
        Endpoint(
            method="POST",
            path="/api/builders/enrol",
            allowed=ENROLMENTS,
            answer=enrolments.enrol,
            says="Join the farm with a one-time code.",
            body=Enrolment,
            gives=Enrolled,
            status=201,
        ),
        Endpoint(
            method="GET",
            path="/api/builders/me",
            allowed=BUILDERS,
            answer=enrolments.me,
            says="What a builder was told when it joined, without its token.",
            query=(
                Parameter(
                    name="version",
                    says="The version of the protocol that it speaks; another is refused.",
                    kind="integer",
                ),
            ),
            gives=Enrolled,
        ),
    )
