"""Badges: small pictures for a README that say how a project stands."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from starlette.responses import Response

from wheelyard.errors import InvalidNameError
from wheelyard.jobs.cells import FAILURES, Cell
from wheelyard.model.release import project_name
from wheelyard.site_ports import SiteStore
from wheelyard.web.endpoint import Call, Endpoint
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.embedded import as_xml, embedded
from wheelyard.web.site.versions import newest_first

_SVG = "http://www.w3.org/2000/svg"
_MEDIA = "image/svg+xml"
_GOOD, _BAD, _BUSY, _UNKNOWN = "#1a6b30", "#a40e26", "#0a4a86", "#57606a"
_LETTER = 6.6
_LONGEST = 60
_HEADERS = {
    # Shown inside other sites: nothing in it may ever run or load.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-cache",
    "Vary": "Cookie",
}


class Badges:
    """Draws badges."""

    def __init__(self, *, site: SiteStore, name: str) -> None:
        self._site = site
        self._name = name

    async def project(self, call: Call) -> Response:
        """Answer with how a project stands over all targets."""
        cells = await self._cells(call)
        if cells is None:
            return self._answer("unknown", _UNKNOWN, 404)
        built = sum(cell.state == "built" for cell in cells)
        failed = any(cell.state in FAILURES for cell in cells)
        if cells and built == len(cells):
            version = newest_first({cell.version for cell in cells})[0]
            return self._answer(f"{version} on {built} targets", _GOOD)
        colour = _BAD if failed else _BUSY
        return self._answer(f"{built} of {len(cells)} targets built", colour)

    async def target(self, call: Call) -> Response:
        """Answer with how a project stands for a target."""
        cells = await self._cells(call)
        target = call.place("target")
        cell = next((one for one in cells or () if one.target == target), None)
        if cell is None:
            return self._answer("unknown", _UNKNOWN, 404)
        colour = _GOOD if cell.state == "built" else _BAD if cell.state in FAILURES else _BUSY
        return self._answer(f"{cell.version} {cell.state}", colour)

    async def _cells(self, call: Call) -> Sequence[Cell] | None:
        try:
            project = project_name(call.place("project"))
        except InvalidNameError:
            return None
        return await self._site.cells_of(project) if await self._site.known(project) else None

    def _answer(self, text: str, colour: str, status: int = 200) -> Response:
        content = badge(self._name, text, colour)
        return Response(content, status, _HEADERS, media_type=_MEDIA)


def badge(label: str, text: str, colour: str) -> bytes:
    """Draw a badge of two parts."""
    label, text = as_xml(label)[:_LONGEST], as_xml(text)[:_LONGEST]
    left, right = (round(len(one) * _LETTER + 12) for one in (label, text))
    whole = {"width": str(left + right), "height": "20"}
    root = ET.Element(
        "svg", {"xmlns": _SVG, **whole, "role": "img", "aria-label": f"{label}: {text}"}
    )
    ET.SubElement(root, "title").text = f"{label}: {text}"
    ET.SubElement(root, "rect", {**whole, "rx": "3", "fill": "#24292f"})
    ET.SubElement(
        root,
        "rect",
        {"x": str(left), "width": str(right), "height": "20", "rx": "3", "fill": colour},
    )
    letters = {
        "font-family": "Verdana,DejaVu Sans,sans-serif",
        "font-size": "11",
        "fill": "#ffffff",
    }
    for word, start, width in ((label, 0, left), (text, left, right)):
        place = {"x": str(start + width / 2), "y": "14", "text-anchor": "middle"}
        ET.SubElement(root, "text", {**letters, **place}).text = word
    return ET.tostring(root)


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return all badges."""
    badges = Badges(site=ports.site, name=ports.name)
    return embedded(
        _MEDIA,
        (
            ("/badges/{project}.svg", badges.project, "How a project stands, as a small picture."),
            (
                "/badges/{project}/{target}.svg",
                badges.target,
                "How a project stands for a target, as a small picture.",
            ),
        ),
    )
