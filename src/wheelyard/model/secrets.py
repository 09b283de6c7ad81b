"""What is secret in values that people see: by names of variables, and by parts of addresses.

Hiding one too many does no harm.
"""

import re
from collections.abc import Mapping

HIDDEN = "…"
_NAMES = re.compile(r"TOKEN|PASSW|PASSPHRASE|SECRET|CREDENTIAL|KEY|AUTH|_PWD$|_PAT$", re.IGNORECASE)
_URL_WITH_CREDENTIALS = re.compile(r"://[^/\s@]+@")
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^\s/?#]*@)?(?P<place>[^\s?#]*)"
    # What closes a quotation, a list or a sentence is no part of a query.
    r"(?:\?[^\s#]*?(?=['\")>\]},;:]*(?:\s|$|#)))?",
    re.IGNORECASE,
)


def is_secret(name: str, value: object = "") -> bool:
    """Whether a variable's name looks like that of a secret, or its value holds a URL's password."""
    return bool(_NAMES.search(name) or _URL_WITH_CREDENTIALS.search(str(value)))


def shown(values: Mapping[str, object]) -> dict[str, object]:
    """Return names with their values, as far as these may be seen."""
    return {name: HIDDEN if is_secret(name, value) else value for name, value in values.items()}


def without_secrets(text: str) -> str:
    """Return a text in which every URL has lost user name, password and query."""
    return _ADDRESS.sub(r"\g<scheme>\g<place>", text)
