"""Which values of an environment are secret: they are given to a build, and never shown.

By their names, because nothing else tells; hiding one too many does no harm.
"""

import re
from collections.abc import Mapping

HIDDEN = "…"
_NAMES = re.compile(r"TOKEN|PASSW|PASSPHRASE|SECRET|CREDENTIAL|KEY|AUTH|_PWD$|_PAT$", re.IGNORECASE)
_URL_WITH_CREDENTIALS = re.compile(r"://[^/\s@]+@")


def is_secret(name: str, value: object = "") -> bool:
    """Whether a variable's name looks like that of a secret, or its value holds a URL's password."""
    return bool(_NAMES.search(name) or _URL_WITH_CREDENTIALS.search(str(value)))


def shown(values: Mapping[str, object]) -> dict[str, object]:
    """Return names with their values, as far as these may be seen."""
    return {name: HIDDEN if is_secret(name, value) else value for name, value in values.items()}
