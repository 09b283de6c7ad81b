"""One row of the site's table: an address, what it shows, and the template that shows it to people.

A page is a function from a call to a value. Whoever asks for JSON gets the value, whoever asks for
HTML gets the template filled with it, so that neither can say what the other does not.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import RedirectResponse, Response

from wheelyard.web.access import READERS, Allowed
from wheelyard.web.cookies import CSRF_FIELD, is_own_form
from wheelyard.web.endpoint import Call, Endpoint, Parameter, answered
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.negotiation import Wanted, wanted
from wheelyard.web.site.rendering import Frame, Renderer

_MADE = 201
_SEE_OTHER = 303
_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 64 * 1024
_FORM_FIELDS = 200

Showing = Callable[[Call], Awaitable[msgspec.Struct]]
Doing = Callable[[Call, Mapping[str, str]], Awaitable[str | msgspec.Struct | Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that is read. ``title`` is that of the window; a ``{name}`` in it is a field of the value.

    ``follows`` are the topics whose changes it is shown again for (``live``), with ``{name}`` likewise.
    """

    path: str
    template: str
    title: str
    show: Showing
    says: str
    query: tuple[Parameter, ...] = ()
    allowed: Allowed = READERS
    visitors: bool = True
    follows: tuple[str, ...] = ()

    def endpoint(self, renderer: Renderer) -> Endpoint:
        """Return the row of the route table."""
        return Endpoint(
            method="GET",
            path=self.path,
            allowed=self.allowed,
            answer=_Shown(self, renderer).answer,
            says=self.says,
            query=self.query,
            gives=_value_of(self.show),
            visitors=self.visitors,
            page=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A form that is sent.

    ``do`` returns the path of this site that its sender sees next, or a value that is shown to them
    this once (by ``template``, or as JSON), or a whole answer.
    """

    path: str
    do: Doing
    says: str
    allowed: Allowed
    fields: tuple[str, ...] = ()
    template: str = ""
    title: str = ""

    def endpoint(self, renderer: Renderer) -> Endpoint:
        """Return the row of the route table."""
        return Endpoint(
            method="POST",
            path=self.path,
            allowed=self.allowed,
            answer=_Done(self, renderer).answer,
            says=self.says,
            body=bytes,
            body_media=_FORM,
            media="text/html",
            status=_SEE_OTHER,
            also=((409, None), *self._shown()),
            page=True,
        )

    def _shown(self) -> tuple[tuple[int, Any], ...]:
        """Return the value that is shown once, where there is one."""
        kind = _value_of(self.do)
        return ((_MADE, kind),) if self.template else ()


class _Done:
    def __init__(self, deed: Deed, renderer: Renderer) -> None:
        self._deed = deed
        self._renderer = renderer

    async def answer(self, call: Call) -> Response:
        """Do it, and send its sender on."""
        fields = await form_of(call)
        if not is_own_form(call.request, fields.get(CSRF_FIELD, "")):
            raise Refusal(
                403, "the form is not one of this site, or too old", "Load the page again."
            )
        done = await self._deed.do(call, fields)
        if isinstance(done, str):
            return RedirectResponse(done, _SEE_OTHER)
        if isinstance(done, Response):
            return done
        if wanted(call.request) is Wanted.JSON:
            return answered(done, _MADE)
        frame = Frame(template=self._deed.template, title=self._deed.title)
        return self._renderer.page(call.request, frame, done, call.visitor, _MADE)


class _Shown:
    def __init__(self, page: Page, renderer: Renderer) -> None:
        self._page = page
        self._renderer = renderer

    async def answer(self, call: Call) -> Response:
        """Show the page in the form that is wanted."""
        form = wanted(call.request)
        value = await self._page.show(call)
        if form is Wanted.JSON:
            return answered(value, headers={"Vary": "Accept, Cookie", "Cache-Control": "no-cache"})
        page = self._page
        frame = Frame(
            template=page.template,
            title=_filled(page.title, value),
            follows=tuple(_filled(topic, value) for topic in page.follows),
        )
        return self._renderer.page(call.request, frame, value, call.visitor)


def _filled(text: str, value: msgspec.Struct) -> str:
    if "{" not in text:
        return text
    return text.format_map(msgspec.structs.asdict(value))


def _value_of(show: Showing | Doing) -> Any:
    """Return the type of what a page shows, for the description of the interface."""
    function = inspect.unwrap(show)
    return get_type_hints(function).get("return")


async def form_of(call: Call) -> Mapping[str, str]:
    """Read the fields of a form; of a name that comes twice, the last. Raises a Refusal."""
    media = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _FORM:
        raise Refusal(415, "this address takes forms only", f"Send it as {_FORM}.")
    content = await call.body(_FORM_BYTES)
    try:
        pairs = parse_qsl(
            content.decode(),
            keep_blank_values=True,
            max_num_fields=_FORM_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise Refusal(400, "the form cannot be read", "Send it as browsers do.") from error
    if any("\0" in text for pair in pairs for text in pair):
        raise Refusal(422, "the form has a text with a NUL in it", "Leave it out.")
    return dict(pairs)
