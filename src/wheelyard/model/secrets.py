"""What of an address may be shown: neither who one is there, nor its query, which may hold a token."""

import re

_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^\s/?#]*@)?(?P<place>[^\s?#]*)"
    # What closes a quotation or a sentence is no part of a query.
    r"(?:\?[^\s#]*?(?=['\")>,;:]*(?:\s|$|#)))?",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Return a text in which every URL has lost user name, password and query."""
    return _ADDRESS.sub(r"\g<scheme>\g<place>", text)
