"""Administration: tokens, codes for builders, the policies in force, and the audit log."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from wheelyard.farm_ports import EventLog
from wheelyard.model.builder import Tier
from wheelyard.ports import Holding
from wheelyard.web.access import ADMINISTRATORS
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.happenings import HappeningView, view_of
from wheelyard.web.ports import Housekeeping, WebPorts
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.page import Deed, Page
from wheelyard.web.tokens import NewToken, TokenBook, TokenView, book_of

_LINES = 100
_DAY_SECONDS = 86400.0
_UNUSED_DAYS = 30
_MOST_DAYS = 10_000
_NOTHING = Holding(kind="")


class AdminView(msgspec.Struct, kw_only=True):
    """What is in force."""

    policies: dict[str, str]


class TokensView(msgspec.Struct, kw_only=True):
    """All tokens but those of jobs."""

    tokens: Sequence[TokenView]


class MadeToken(msgspec.Struct, kw_only=True):
    """A token that was just made; its text is shown this once."""

    token: TokenView
    farm: str


class AuditView(msgspec.Struct, kw_only=True):
    """Lines of the event log, newest first."""

    events: Sequence[HappeningView]
    subject: str
    actor: str
    after: str | None


class HoldingLine(msgspec.Struct, kw_only=True):
    """How much there is of a kind, and how much of it would go; sizes in bytes."""

    kind: str
    count: int
    size: int
    would_go: int
    would_free: int


class KeptView(msgspec.Struct, kw_only=True):
    """What is kept, and what of it nobody used for so many days."""

    days: int
    holdings: Sequence[HoldingLine]


class Administration:
    """Shows and changes what only administrators may."""

    def __init__(
        self,
        *,
        tokens: TokenBook,
        events: EventLog,
        policies: Mapping[str, str],
        housekeeping: Housekeeping | None,
    ) -> None:
        self._housekeeping = housekeeping
        self._tokens = tokens
        self._events = events
        self._policies = dict(policies)

    async def show(self, _: Call) -> AdminView:
        """Show what is in force."""
        return AdminView(policies=self._policies)

    async def list(self, _: Call) -> TokensView:
        """Show all tokens."""
        return TokensView(tokens=await self._tokens.all())

    async def make(self, call: Call, fields: Mapping[str, str]) -> MadeToken:
        """Make a token."""
        wanted = {name: fields.get(name, "") for name in ("role", "subject", "note")}
        days = fields.get("days", "").strip()
        try:
            seconds = float(days) * _DAY_SECONDS if days else None
            tier = Tier(fields.get("tier") or Tier.TRUSTED)
            new = msgspec.convert({**wanted, "seconds": seconds, "tier": tier}, NewToken)
        except (ValueError, msgspec.ValidationError) as error:
            raise Refusal(422, f"no such token can be made: {error}") from error
        view = await self._tokens.create(call.bearer, new)
        return MadeToken(token=view, farm=str(call.request.base_url).rstrip("/"))

    async def revoke(self, call: Call, _: Mapping[str, str]) -> str:
        """Let a token count no more."""
        await self._tokens.end(call.bearer, call.place("token"))
        return "/admin/tokens"

    async def storage(self, call: Call) -> KeptView:
        """Show what is kept, and what a collection would remove. Nothing is removed."""
        days = call.number("days", _UNUSED_DAYS, most=_MOST_DAYS)
        if self._housekeeping is None:
            return KeptView(days=days, holdings=())
        gone = {one.kind: one for one in await self._housekeeping.preview(days * _DAY_SECONDS)}
        lines = []
        for one in await self._housekeeping.show():
            would = gone.get(one.kind, _NOTHING)
            lines.append(
                HoldingLine(
                    kind=one.kind,
                    count=one.count,
                    size=one.size,
                    would_go=would.count,
                    would_free=would.size,
                )
            )
        return KeptView(days=days, holdings=lines)

    async def audit(self, call: Call) -> AuditView:
        """Show what happened, newest first."""
        subject, actor = call.text("subject"), call.text("actor")
        found = await self._events.recent(
            before=call.number("before", 0), subject=subject, actor=actor, limit=_LINES + 1
        )
        kept = {name: value for name, value in (("subject", subject), ("actor", actor)) if value}
        after = None
        if len(found) > _LINES:
            after = f"?{urlencode({**kept, 'before': found[_LINES - 1].id})}"
        events = [view_of(one) for one in found[:_LINES]]
        return AuditView(events=events, subject=subject, actor=actor, after=after)


def pages(ports: WebPorts) -> Sequence[Page | Deed]:
    """Return what administrators see."""
    site = Administration(
        tokens=book_of(ports),
        events=ports.events,
        policies=ports.policies,
        housekeeping=ports.housekeeping,
    )
    return (*_looked_at(site), *_decided(site))


def _looked_at(site: Administration) -> Sequence[Page]:
    return (
        Page(
            path="/admin",
            template="admin.html",
            title="Administration",
            show=site.show,
            says="The policies that are in force.",
            allowed=ADMINISTRATORS,
            visitors=False,
        ),
        Page(
            path="/admin/tokens",
            template="tokens.html",
            title="Tokens",
            show=site.list,
            says="All tokens but those of jobs, newest first, and a form to make one.",
            allowed=ADMINISTRATORS,
            visitors=False,
        ),
        Page(
            path="/admin/storage",
            template="storage.html",
            title="Storage",
            show=site.storage,
            says="What is kept, and what a collection would remove; it removes nothing.",
            query=(Parameter(name="days", says="What nobody used for so long.", kind="integer"),),
            allowed=ADMINISTRATORS,
            visitors=False,
        ),
        Page(
            path="/admin/audit",
            template="audit.html",
            title="Audit log",
            show=site.audit,
            says="What happened, newest first.",
            query=(
                Parameter(name="subject", says="Only what happened to this."),
                Parameter(name="actor", says="Only what somebody did."),
                Parameter(name="before", says="Only what came before this line.", kind="integer"),
            ),
            allowed=ADMINISTRATORS,
            visitors=False,
        ),
    )


def _decided(site: Administration) -> Sequence[Deed]:
    return (
        Deed(
            path="/admin/tokens",
            do=site.make,
            template="made_token.html",
            title="A new token",
            says="Make a token; its text is in the answer and nowhere else.",
            allowed=ADMINISTRATORS,
            fields=("role", "subject", "days", "tier", "note"),
        ),
        Deed(
            path="/admin/tokens/{token}/revoke",
            do=site.revoke,
            says="Let a token count no more.",
            allowed=ADMINISTRATORS,
        ),
    )
