"""Templates filled and sent.

Whatever comes from outside is text and never markup: autoescaping is on everywhere, and the content
security policy lets a page load nothing but this site's own files, and run no script that stands in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from wheelyard import __version__
from wheelyard.ports import Clock
from wheelyard.web.access import Bearer, at_least
from wheelyard.web.cookies import csrf_of
from wheelyard.web.refusals import Refusal
from wheelyard.web.site import words
from wheelyard.web.site.static import StaticFiles

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
    "Vary": "Accept, Cookie",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a page's value."""

    template: str
    title: str
    follows: tuple[str, ...] = ()


class Renderer:
    """Fills templates. ``name`` is what people call this farm."""

    def __init__(self, *, clock: Clock, static: StaticFiles, name: str = "wheelyard") -> None:
        self._clock = clock
        self._static = static
        self._name = name
        self._environment = Environment(
            loader=PackageLoader("wheelyard.web.site", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= words.FILTERS
        self._environment.globals |= {
            "static": static.address,
            "version": __version__,
            "farm_name": name,
            "sign": words.sign,
            "points": words.points,
        }

    def page(
        self,
        request: Request,
        frame: Frame,
        value: object,
        visitor: Bearer | None,
        status: int = 200,
    ) -> Response:
        """Fill a template with a value, and answer with it."""
        template = self._environment.get_template(frame.template)
        text = template.render(
            view=value,
            title=frame.title,
            follows=",".join(frame.follows),
            path=request.url.path,
            query=request.url.query,
            base=_base(request),
            visitor=visitor,
            may=lambda role: visitor is not None and visitor.role in at_least(role),
            csrf=csrf_of(request),
            now=self._now(),
        )
        return Response(text, status, dict(PAGE_HEADERS), media_type="text/html")

    def refusal(self, request: Request, refusal: Refusal, visitor: Bearer | None) -> Response:
        """Answer a person with what is wrong and what to do."""
        frame = Frame(template="message.html", title=_TITLES.get(refusal.status, "Not possible"))
        answer = self.page(request, frame, refusal, visitor, refusal.status)
        answer.headers.update(refusal.headers)
        return answer

    def _now(self) -> datetime:
        return self._clock.now()


_TITLES = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Nothing here",
    409: "Too late",
    422: "That cannot be done",
    503: "Not now",
}


def _base(request: Request) -> str:
    """Return the address of the site as this visitor wrote it, without a slash at its end."""
    return str(request.base_url).rstrip("/")
