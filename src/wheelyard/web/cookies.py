"""Signed in by a cookie: which token it holds, and whether a form was sent from this site.

The cookie holds a token of its own, made at sign-in, which ends with it. Browsers send cookies along
with what other sites make them ask for, so that every form carries a word that only this site's pages
know: it is made of the cookie's secret, and nothing needs to be kept for it.
"""

import hashlib
import hmac
from collections.abc import Mapping

from starlette.requests import Request

from wheelyard.errors import DeniedError
from wheelyard.protocol.tokens import Credential

COOKIE = "wheelyard_session"
CSRF_FIELD = "csrf"


def credential_of(cookies: Mapping[str, str]) -> Credential | None:
    """Return the token that a cookie holds; None where there is none that could be one."""
    text = cookies.get(COOKIE, "")
    try:
        return Credential.parse(text) if text else None
    except DeniedError:
        return None


def csrf_of(request: Request) -> str:
    """Return the word that forms for this visitor carry; empty where nobody is signed in."""
    credential = credential_of(request.cookies)
    return "" if credential is None else _word(credential)


def is_own_form(request: Request, word: str) -> bool:
    """Whether a form was sent from a page of this site, or by a program that bears a token itself."""
    if request.headers.get("authorization"):
        return True
    credential = credential_of(request.cookies)
    if credential is None:
        return _is_same_origin(request)
    return hmac.compare_digest(_word(credential).encode(), word.encode())


def _is_same_origin(request: Request) -> bool:
    """Whether a form of a visitor without a cookie (to sign in) was not sent from another site."""
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _word(credential: Credential) -> str:
    return hmac.new(credential.secret.encode(), b"form", hashlib.sha256).hexdigest()[:40]
