"""Signing in with a token, and out again.

What is kept in the browser is a token of its own, of the same role, that ends after some hours: the
one that somebody typed never leaves their hands for longer than the form takes.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
from starlette.responses import RedirectResponse, Response

from wheelyard.coordinator.farm.actions import Action
from wheelyard.farm_ports import EventLog, TokenStore
from wheelyard.web.access import ANYBODY, READERS, Access, Bearer
from wheelyard.web.cookies import COOKIE
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.minting import Mint
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.page import Deed, Page

SESSION_SECONDS = 12 * 3600.0
SESSION_NOTE = "a session of the site"


class SignIn(msgspec.Struct, kw_only=True):
    """Where somebody goes after signing in; ``openid``: a provider can say who they are."""

    next: str
    openid: bool


class Me(msgspec.Struct, kw_only=True):
    """Who is signed in."""

    subject: str
    role: str


class Sessions:
    """Begins and ends sessions."""

    def __init__(
        self, *, access: Access, mint: Mint, tokens: TokenStore, events: EventLog, openid: bool
    ) -> None:
        self._access = access
        self._events = events
        self._openid = openid
        self._mint = mint
        self._tokens = tokens

    async def ask(self, call: Call) -> SignIn:
        """Show the form."""
        return SignIn(next=own_path(call.text("next")), openid=self._openid)

    async def me(self, call: Call) -> Me:
        """Say who is signed in."""
        return Me(subject=call.bearer.subject, role=call.bearer.role.value)

    async def begin(self, call: Call, fields: Mapping[str, str]) -> Response:
        """Sign somebody in who has a token of a person. Raises a Refusal."""
        bearer = await self._access.bearer_of(fields.get("token", "").strip(), READERS)
        return await self.open(call, bearer, own_path(fields.get("next", "")))

    async def open(self, call: Call, bearer: Bearer, target: str) -> Response:
        """Open a session for somebody who is known, and send them on."""
        credential, token = await self._mint.make(
            bearer.role, bearer.subject, note=SESSION_NOTE, seconds=SESSION_SECONDS
        )
        await self._events.write(
            Action.SESSION_BEGUN, token.id, actor=bearer.subject, role=bearer.role.value
        )
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            COOKIE,
            str(credential),
            max_age=int(SESSION_SECONDS),
            httponly=True,
            samesite="lax",
            secure=call.request.url.scheme == "https",
        )
        return answer

    async def end(self, call: Call, _: Mapping[str, str]) -> Response:
        """Sign somebody out: the session's token counts no more."""
        await self._tokens.revoke(call.bearer.token)
        await self._events.write(Action.SESSION_ENDED, call.bearer.token, actor=call.bearer.subject)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        return answer


def own_path(text: str) -> str:
    """Return a path of this site, where a text is one, and else the first page.

    What begins with two slashes, of either kind, is another site to a browser.
    """
    parts = urlsplit(text)
    own = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc
    return text if own and text.isprintable() else "/"


def sessions_of(ports: WebPorts) -> Sessions:
    """Return the sessions of a farm."""
    return Sessions(
        access=Access(tokens=ports.tokens, clock=ports.clock),
        mint=Mint(tokens=ports.tokens, clock=ports.clock),
        tokens=ports.tokens,
        events=ports.events,
        openid=ports.identities is not None,
    )


def pages(sessions: Sessions) -> Sequence[Page | Deed]:
    """Return where people sign in and out."""
    return (
        Page(
            path="/sign-in",
            template="sign_in.html",
            title="Sign in",
            show=sessions.ask,
            says="Where people sign in.",
            query=(Parameter(name="next", says="The path to go on to."),),
            allowed=ANYBODY,
        ),
        Deed(
            path="/sign-in",
            do=sessions.begin,
            says="Sign in with a token.",
            allowed=ANYBODY,
            fields=("token", "next"),
        ),
        Page(
            path="/me",
            template="me.html",
            title="You",
            show=sessions.me,
            says="Who is signed in.",
            visitors=False,
        ),
        Deed(
            path="/sign-out",
            do=sessions.end,
            says="Sign out: the session counts no more.",
            allowed=READERS,
        ),
    )
