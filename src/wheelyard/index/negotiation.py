"""Which form of a page a client wants (PEP 691, RFC 9110 section 12.5.1)."""

import re
from enum import StrEnum
from functools import lru_cache


class Form(StrEnum):
    """The forms of a page. Their order decides between forms that a client likes equally."""

    HTML = "text/html"
    JSON_V1 = "application/vnd.pypi.simple.v1+json"
    HTML_V1 = "application/vnd.pypi.simple.v1+html"


_LATEST = {
    "application/vnd.pypi.simple.latest+json": Form.JSON_V1,
    "application/vnd.pypi.simple.latest+html": Form.HTML_V1,
}
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
# A longer header is not one that an installer or a browser sends.
_LONGEST = 4096


def choose(accept: str) -> Form | None:
    """Return the best form for an Accept header; None where no form is acceptable."""
    return _choose(accept[:_LONGEST])


@lru_cache(maxsize=256)
def _choose(accept: str) -> Form | None:
    if not accept.strip():
        return Form.HTML
    weights = _weights(accept)
    best = max(Form, key=lambda form: _weight(form, weights))
    return best if _weight(best, weights) > 0 else None


def by_name(name: str) -> Form | None:
    """Return the form that ``?format=`` names, or None."""
    if name in _LATEST:
        return _LATEST[name]
    return Form(name) if name in tuple(Form) else None


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        media = str(_LATEST.get(media, media))
        values = [part[2:].strip() for part in parameters if part.startswith("q=")]
        if all(_WEIGHT.fullmatch(value) for value in values):
            weight = float(values[0]) if values else 1.0
            weights[media] = max(weight, weights.get(media, 0.0))
    return weights


def _weight(form: Form, weights: dict[str, float]) -> float:
    for media in (str(form), f"{form.partition('/')[0]}/*", "*/*"):
        if media in weights:
            return weights[media]
    return 0.0
