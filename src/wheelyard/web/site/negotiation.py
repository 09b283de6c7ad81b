"""Whether a page is wanted as HTML or as JSON (RFC 9110 section 12.5.1)."""

from enum import StrEnum

from starlette.requests import Request

from wheelyard.web.refusals import Refusal

_LONGEST = 4096


class Wanted(StrEnum):
    """The forms of a page. Their order decides where both are liked equally."""

    HTML = "text/html"
    JSON = "application/json"


def wanted(request: Request) -> Wanted:
    """Return the form that a client likes best; ``?format=json`` decides. Raises a Refusal."""
    named = request.query_params.get("format", "")
    if named:
        found = {"json": Wanted.JSON, "html": Wanted.HTML}.get(named)
        if found is None:
            raise Refusal(406, "there is no such format", "It is json or html.")
        return found
    accept = ",".join(request.headers.getlist("accept"))[:_LONGEST]
    if not accept.strip():
        return Wanted.HTML
    weights = _weights(accept)
    best = max(Wanted, key=lambda form: _weight(form, weights))
    if _weight(best, weights) <= 0:
        raise Refusal(406, "this page is HTML or JSON", "Accept text/html or application/json.")
    return best


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            weights[media] = float(quality)
        except ValueError:
            weights[media] = 0.0
    return weights


def _weight(form: Wanted, weights: dict[str, float]) -> float:
    for media in (str(form), f"{form.partition('/')[0]}/*", "*/*"):
        if media in weights:
            return weights[media]
    return 0.0
