"""Signing in with OpenID Connect: the authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0).

What binds the answer to the browser that asked lies in a cookie of that browser, for ten minutes; this
process keeps nothing, so that any coordinator can take the answer.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from starlette.responses import RedirectResponse, Response

from wheelyard.ports import Clock
from wheelyard.web.access import ANYBODY, Bearer
from wheelyard.web.endpoint import Call, Endpoint, Parameter
from wheelyard.web.identities import OpenIdSettings
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.sign_in import Sessions, own_path

_COOKIE = "wheelyard_openid"
_COOKIE_SECONDS = 600
_TIMEOUT = 10.0
_CALLBACK = "/sign-in/openid/answer"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_LONGEST_SUBJECT = 200


class _Provider(msgspec.Struct, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Pending(msgspec.Struct, kw_only=True):
    """What a browser keeps between question and answer."""

    state: str
    nonce: str
    verifier: str
    next: str


class OpenId:
    """Sends people to the provider, and takes what it says of them."""

    def __init__(
        self,
        settings: OpenIdSettings,
        *,
        sessions: Sessions,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._clock = clock
        self._transport = transport
        self._provider: _Provider | None = None

    async def begin(self, call: Call) -> Response:
        """Send somebody to the provider."""
        provider = await self._known_provider()
        client = WebApplicationClient(self._settings.client_id)
        pending = _Pending(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=client.create_code_verifier(64),
            next=own_path(call.text("next")),
        )
        question = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": _answer_address(call),
            "scope": "openid email profile",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": client.create_code_challenge(pending.verifier, "S256"),
            "code_challenge_method": "S256",
        }
        address = add_params_to_uri(provider.authorization_endpoint, list(question.items()))
        answer = RedirectResponse(address, 303)
        answer.set_cookie(
            _COOKIE,
            msgspec.json.encode(pending).hex(),
            max_age=_COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=call.request.url.scheme == "https",
            path=_CALLBACK,
        )
        return answer

    async def finish(self, call: Call) -> Response:
        """Take the provider's answer, and sign somebody in. Raises a Refusal."""
        pending = _pending(call.request.cookies.get(_COOKIE, ""))
        if not hmac.compare_digest(pending.state.encode(), call.text("state").encode()):
            raise Refusal(403, "the answer belongs to another question", "Sign in again.")
        if call.text("error"):
            raise Refusal(403, "the provider did not sign you in", "Sign in again.")
        claims = await self._claims(call, pending)
        role = self._settings.role_of(claims)
        if role is None:
            raise Refusal(
                403, "you have no role on this farm", "Whoever administers it gives roles."
            )
        bearer = Bearer(token="", role=role, subject=_subject(claims))
        answer = await self._sessions.open(call, bearer, pending.next)
        answer.delete_cookie(_COOKIE, path=_CALLBACK)
        return answer

    async def _claims(self, call: Call, pending: _Pending) -> Mapping[str, Any]:
        provider = await self._known_provider()
        client = WebApplicationClient(self._settings.client_id)
        body = client.prepare_request_body(
            code=call.text("code"),
            redirect_uri=_answer_address(call),
            code_verifier=pending.verifier,
            client_secret=self._settings.client_secret or None,
        )
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        try:
            async with self._client() as http:
                said = await http.post(provider.token_endpoint, content=body, headers=headers)
                token = client.parse_request_body_response(said.text)
                keys = KeySet.import_key_set((await http.get(provider.jwks_uri)).json())
            decoded = jwt.decode(str(token.get("id_token", "")), keys, algorithms=_ALGORITHMS)
            self._registry(pending.nonce).validate(decoded.claims)
        except (httpx.HTTPError, OAuth2Error, JoseError, ValueError, KeyError) as error:
            raise Refusal(
                403,
                f"what the provider said cannot be believed: {type(error).__name__}",
                "Sign in again.",
            ) from error
        return decoded.claims

    def _registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        settings = self._settings
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=60,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    async def _known_provider(self) -> _Provider:
        """Ask the provider where its addresses are, once."""
        if self._provider is None:
            place = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                async with self._client() as http:
                    said = (await http.get(place)).raise_for_status()
                found = msgspec.json.decode(said.content, type=_Provider)
            except (httpx.HTTPError, msgspec.MsgspecError) as error:
                raise Refusal(
                    503, "the provider of identities cannot be asked now", "Sign in with a token."
                ) from error
            if found.issuer != self._settings.issuer:
                raise Refusal(503, "the provider of identities calls itself otherwise than here")
            self._provider = found
        return self._provider

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return where people are sent from, and where they come back."""
        return (
            Endpoint(
                method="GET",
                path="/sign-in/openid",
                allowed=ANYBODY,
                answer=self.begin,
                says="Sends whoever signs in to the provider of identities.",
                query=(Parameter(name="next", says="The path to go on to."),),
                media="text/html",
                status=303,
                page=True,
            ),
            Endpoint(
                method="GET",
                path=_CALLBACK,
                allowed=ANYBODY,
                answer=self.finish,
                says="Where the provider of identities sends people back to.",
                query=(
                    Parameter(name="code", says="What the provider gave."),
                    Parameter(name="state", says="What it was given."),
                ),
                media="text/html",
                status=303,
                page=True,
            ),
        )


def _answer_address(call: Call) -> str:
    return f"{str(call.request.base_url).rstrip('/')}{_CALLBACK}"


def _pending(text: str) -> _Pending:
    try:
        return msgspec.json.decode(bytes.fromhex(text), type=_Pending)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refusal(
            403, "nobody here asked for this, or too long ago", "Sign in again."
        ) from error


def _subject(claims: Mapping[str, Any]) -> str:
    """Return what somebody is called here: an address only where the provider has verified it."""
    verified = claims.get("email") if claims.get("email_verified", False) else None
    name = verified or claims.get("preferred_username") or claims.get("sub")
    text = str(name or "")
    if not text or not text.isprintable() or len(text) > _LONGEST_SUBJECT:
        raise Refusal(403, "the provider does not say who you are", "Ask whoever runs it.")
    return text
