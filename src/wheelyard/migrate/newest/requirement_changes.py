"""What a recipe requires, held against what the release says itself.

Upstream says what it needs on an index; a recipe says it in conda's words. What upstream needs and the
recipe lacks, or allows too much of, is a difference that an edit can mend; what the recipe has beyond that may
have its reasons and is only told.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from packaging.markers import InvalidMarker, Marker, UndefinedComparison
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from wheelyard.errors import RefusedEditError
from wheelyard.recipes.edits import add_requirement, replace_requirement
from wheelyard.recipes.evaluated import EvaluatedRecipe, package_name
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe
from wheelyard.recipes.version_order import satisfies

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "build": ("python-build",),
    "graphviz": ("python-graphviz",),
    "kaleido": ("python-kaleido",),
    "lz4": ("lz4", "python-lz4"),
    "matplotlib": ("matplotlib-base", "matplotlib"),
    "msgpack": ("msgpack-python",),
    "opencv-python": ("opencv", "py-opencv"),
    "opencv-python-headless": ("opencv", "py-opencv"),
    "psycopg2-binary": ("psycopg2",),
    "pyqt5": ("pyqt",),
    "pytables": ("pytables",),
    "qtpy": ("qtpy",),
    "ruamel-yaml": ("ruamel.yaml",),
    "tables": ("pytables",),
    "torch": ("pytorch", "pytorch-cpu", "pytorch-gpu"),
    "xxhash": ("python-xxhash",),
    "zmq": ("pyzmq",),
}
"""conda's names of projects, where they are not the index's; the first is written where none stands."""

_NOT_HOST = frozenset({"wheel"})
"""Build requirements that a recipe need not name: pip brings wheel along."""
_ENVIRONMENT = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "platform_release": "",
    "platform_version": "",
    "extra": "",
}
_ORDER = {"===": 0, "==": 0, "~=": 1, ">=": 1, ">": 1, "<": 2, "<=": 2, "!=": 3}
_PLACES = re.compile(r"sys_platform|platform_system|os_name|platform_machine|platform_release")


class DifferenceKind(StrEnum):
    """In what a recipe and its release differ."""

    MISSING = "missing"
    BOUNDS = "bounds"
    SURPLUS = "surplus"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. ``wanted`` is the whole requirement in conda's words, ``written`` what stands there.

    ``ELSEWHERE`` is needed on some platforms only, and left to people.
    """

    kind: DifferenceKind
    section: str
    name: str
    wanted: str = ""
    written: str = ""

    @property
    def is_mended(self) -> bool:
        """Whether an edit is offered for it."""
        return self.kind in {DifferenceKind.MISSING, DifferenceKind.BOUNDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a release says it needs: as in METADATA and pyproject.toml."""

    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""
    build_requires: tuple[str, ...] = ()


def differences(
    recipe: EvaluatedRecipe, said: Said, *, names: Mapping[str, Sequence[str]] | None = None
) -> tuple[Difference, ...]:
    """Compare a recipe, evaluated for Linux, with what its release says; ``names`` add to ``OTHER_NAMES``."""
    known = {**OTHER_NAMES, **(names or {})}
    python = _python(recipe)
    run = _Section("run", recipe.every_requirement("run"))
    host = _Section("host", (*recipe.every_requirement("host"), *recipe.every_requirement("build")))
    found = [*run.compare(said.requires_dist, python, known), *run.surplus(said, known)]
    if recipe.noarch == "python" or any(one.noarch == "python" for one in recipe.outputs):
        found += run.of_python(said.requires_python)
    return (*found, *host.compare(_for_host(said.build_requires), python, known, bounds=False))


def mended(recipe: ParsedRecipe, found: Iterable[Difference], *, output: str | None = None) -> str:
    """Give the recipe's text with the differences mended that can be. Raises RefusedEditError."""
    text, refused = recipe.text, []
    for one in found:
        if not one.is_mended:
            continue
        parsed = parse_recipe(text, name=recipe.name)
        try:
            if one.kind is DifferenceKind.MISSING:
                text = add_requirement(parsed, one.section, one.wanted, output=output)
            else:
                name = package_name(one.written)
                text = replace_requirement(
                    parsed, name, one.wanted, section=one.section, output=output, keep_pin=False
                )
        except RefusedEditError as error:
            refused.append(error)
    if text == recipe.text and refused:
        raise refused[0]
    return text


class _Section:
    """The requirements of a section, by name as the index folds it."""

    def __init__(self, name: str, written: Sequence[str]) -> None:
        self._name = name
        self._written = {_folded(package_name(one)): one for one in written}

    def compare(
        self,
        required: Iterable[str],
        python: str,
        names: Mapping[str, Sequence[str]],
        *,
        bounds: bool = True,
    ) -> Iterable[Difference]:
        """Tell what is missing, and what allows too much."""
        for text in required:
            one = _read(text)
            if one is None or not _applies(one, python):
                continue
            choices = _choices(one.name, names)
            there = next((name for name in choices if _folded(name) in self._written), None)
            wanted = _conda(there or choices[0], one.specifier)
            if there is None:
                elsewhere = one.marker is not None and bool(_PLACES.search(str(one.marker)))
                kind = DifferenceKind.ELSEWHERE if elsewhere else DifferenceKind.MISSING
                yield Difference(kind=kind, section=self._name, name=one.name, wanted=wanted)
            elif bounds and _allows_more(self._written[_folded(there)], one.specifier):
                yield Difference(
                    kind=DifferenceKind.BOUNDS,
                    section=self._name,
                    name=one.name,
                    wanted=wanted,
                    written=self._written[_folded(there)],
                )

    def surplus(self, said: Said, names: Mapping[str, Sequence[str]]) -> Iterable[Difference]:
        """Tell what upstream does not speak of at all, not even for an extra or another platform."""
        read = [one for text in said.requires_dist if (one := _read(text)) is not None]
        spoken = {_folded(name) for one in read for name in _choices(one.name, names)} | {"python"}
        for name, written in self._written.items():
            if name not in spoken:
                yield Difference(
                    kind=DifferenceKind.SURPLUS, section=self._name, name=name, written=written
                )

    def of_python(self, wanted: str) -> Iterable[Difference]:
        """Tell whether the recipe allows Pythons that the release does not."""
        written = self._written.get("python")
        spec = _specifiers(wanted)
        if written is not None and spec is not None and _allows_more(written, spec):
            yield Difference(
                kind=DifferenceKind.BOUNDS,
                section=self._name,
                name="python",
                wanted=_conda("python", spec),
                written=written,
            )


def _read(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _specifiers(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text) if text else None
    except ValueError:
        return None


def _applies(requirement: Requirement, python: str) -> bool:
    """Whether it holds without extras: on Linux, or for some platform only."""
    marker = requirement.marker
    if marker is None:
        return True
    if "extra" in re.findall(r"\w+", str(marker)):
        return False
    if _PLACES.search(str(marker)) and not _holds(marker, python):
        # For another platform than Linux: told, not demanded.
        return False
    return _holds(marker, python)


def _holds(marker: Marker, python: str) -> bool:
    short = ".".join(python.split(".")[:2])
    there = {
        "python_version": short,
        "python_full_version": f"{short}.0",
        "implementation_version": "",
    }
    try:
        return marker.evaluate({**_ENVIRONMENT, **there})
    except (InvalidMarker, UndefinedComparison, ValueError):
        return False


def _python(recipe: EvaluatedRecipe) -> str:
    found = re.match(r"\d+\.\d+", recipe.variant.values.get("python", ""))
    return found[0] if found else "3.12"


def _for_host(required: Iterable[str]) -> list[str]:
    """Return build requirements that belong into host, without what pip brings."""
    read = ((text, _read(text)) for text in required)
    return [text for text, one in read if one is not None and _folded(one.name) not in _NOT_HOST]


def _choices(name: str, names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    folded = _folded(name)
    return tuple(names.get(folded, ())) or (name.lower(), f"python-{folded}", f"py-{folded}")


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _conda(name: str, specifier: SpecifierSet) -> str:
    """Write a requirement as conda's recipes do."""
    clauses = []
    for one in sorted(specifier, key=lambda each: (_ORDER[each.operator], each.version)):
        operator = one.operator
        version = one.version
        if operator in {"==", "==="}:
            # conda's own equality is exact; a star stands alone.
            clauses.append(version if version.endswith("*") else f"=={version}")
        else:
            clauses.append(f"{operator}{version}")
    return f"{name} {','.join(clauses)}".strip()


def _allows_more(written: str, specifier: SpecifierSet) -> bool:
    """Whether what stands there lets versions through that upstream rules out.

    Tried on versions around the bounds of both: two texts that mean the same look different in many ways.
    """
    parts = written.split()
    spec = parts[1] if len(parts) > 1 else "*"
    if not list(specifier):
        return False
    tried = {near for one in specifier for near in _around(one.version)}
    return any(
        satisfies(version, spec) and not specifier.contains(version, prereleases=True)
        for version in tried
    )


def _around(version: str) -> Iterable[str]:
    """Return versions on both sides of a bound, and far beyond it."""
    bare = version.removesuffix(".*")
    numbers = [int(part) for part in re.findall(r"\d+", bare)][:4] or [0]
    yield ".".join(map(str, numbers))
    yield ".".join(map(str, [*numbers, 1]))
    yield "0.0.1"
    yield f"{numbers[0] + 50}.0"
    for at, number in enumerate(numbers):
        yield ".".join(map(str, [*numbers[:at], number + 1]))
        if number:
            yield ".".join(map(str, [*numbers[:at], number - 1, 999]))
