"""Boost was split: headers, the library to link against, and the part for Python."""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.requirement_lines import TOP, Line, Section

_PYTHON = "libboost-python-devel"


class Libboost(CleanUp):
    """Requires the part of Boost that a recipe needs, by what it required before.

    boost-cpp in host and run is a library that is linked against; in host alone it is headers. What
    run needs comes by run exports. Versions are dropped: there is one pin for all parts now.
    """

    name: ClassVar[str] = "libboost"
    summary: ClassVar[str] = "require libboost-devel, libboost-headers or libboost-python-devel"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether host or run has boost or boost-cpp."""
        return not feedstock.is_v1 and bool(feedstock.names("host", "run") & {"boost", "boost-cpp"})

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the new names in build and host, and drop what run exports bring."""
        amendment = Amendment(feedstock.document)
        outputs = bool(feedstock.document.find("outputs"))
        parts: dict[int, list[Section]] = {}
        for section in feedstock.sections:
            parts.setdefault(section.output, []).append(section)
        linked = any("boost" in section.names() for section in parts.get(TOP, []))
        for number, part in parts.items():
            _split_part(amendment, part, outputs=outputs, top=number == TOP, linked=linked)
        return feedstock.with_recipe(amendment.text)


def _split_part(
    amendment: Amendment, part: list[Section], *, outputs: bool, top: bool, linked: bool
) -> None:
    held = {section.name: section.names() for section in part}
    in_host, in_run = ("boost-cpp" in held.get(name, set()) for name in ("host", "run"))
    whole = in_host and (in_run or (top and outputs))
    for section in part:
        cpp = [line for line in section.lines if line.name == "boost-cpp"]
        python = [line for line in section.lines if line.name == "boost"]
        match section.name:
            case "build":
                _rename(amendment, cpp, "libboost-devel")
                _rename(amendment, python, _PYTHON)
            case "host":
                _rename(amendment, cpp, "libboost-devel" if whole else "libboost-headers")
                _rename(amendment, python, _PYTHON)
            case "run":
                if in_host or outputs:
                    _drop(amendment, cpp)
                if linked or "boost" in held.get("host", set()):
                    _drop(amendment, python)
                else:
                    _rename(amendment, python, "libboost-python")
        for line in section.lines:
            if re.match(r"pin_compatible\(boost(-cpp)?\)", line.name):
                amendment.drop(line.entry)


def _rename(amendment: Amendment, lines: list[Line], name: str) -> None:
    """Write a name without a version; once, without a selector, where it stood under several."""
    for number, line in enumerate(lines):
        if number:
            amendment.drop(line.entry)
        elif len(lines) > 1:
            amendment.before(line.entry, f"{' ' * line.entry.column}- {name}")
            amendment.drop(line.entry)
        else:
            amendment.write(line.entry.value_span, name)


def _drop(amendment: Amendment, lines: list[Line]) -> None:
    for line in lines:
        amendment.drop(line.entry)
