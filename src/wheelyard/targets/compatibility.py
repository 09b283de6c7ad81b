"""Which artifact serves which target.

The answer is that of an installer on such a machine (PEP 425, 600, 656, 703): a set of tags, most
preferred first, worked out once for each target without looking at this machine.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, cpython_tags, generic_tags
from packaging.tags import compatible_tags as pure_tags

from wheelyard.targets.interpreter import Interpreter
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

_WILDCARD_AFTER_ORDER = re.compile(r"((?:>=|<=|>|<|~=)\s*\d+(?:\.\d+){0,3})\.\*")


@lru_cache(maxsize=512)
def compatible_tags(target: Target) -> tuple[Tag, ...]:
    """List the tags that a target accepts, the most preferred first.

    Raises InvalidTargetError for a target that was not made by ``Target.parse`` and names no platform.
    """
    return tuple(_tags(target.interpreter, Platform.parse(target.platform).tags()))


def _tags(interpreter: Interpreter, platforms: tuple[str, ...]) -> Iterator[Tag]:
    if interpreter.implementation == "cp":
        name = f"cp{interpreter.version[0]}{interpreter.version[1]}"
        yield from cpython_tags(interpreter.version, [interpreter.abi], platforms)
    else:
        # PyPy's pure wheels may say pp3: packaging and pip both ask for the major version there.
        name = f"pp{interpreter.version[0]}"
        yield from generic_tags(str(interpreter), [interpreter.abi], platforms)
    yield from pure_tags(interpreter.version, name, platforms)


@lru_cache(maxsize=512)
def _tag_set(target: Target) -> frozenset[Tag]:
    return frozenset(compatible_tags(target))


def accepts(tags: frozenset[Tag], target: Target) -> bool:
    """Whether a wheel with these tags can be installed on a target."""
    return not tags.isdisjoint(_tag_set(target))


@lru_cache(maxsize=8192)
def allows(requires_python: str, interpreter: Interpreter) -> bool:
    """Whether a Requires-Python admits the newest release of an interpreter's Python.

    What cannot be read admits everything, as it does for installers.
    """
    specifiers = _specifiers(requires_python)
    return specifiers is None or specifiers.contains(interpreter.newest_version)


def _specifiers(text: str) -> SpecifierSet | None:
    """Read a Requires-Python; ``>=3.6.*`` was never right, but uploaded often and is plain enough."""
    for candidate in (text, _WILDCARD_AFTER_ORDER.sub(r"\1", text)):
        try:
            return SpecifierSet(candidate)
        except InvalidSpecifier:
            continue
    return None


def serves(tags: frozenset[Tag], requires_python: str, target: Target) -> bool:
    """Whether a wheel with these tags and this Requires-Python is what a target needs."""
    return accepts(tags, target) and allows(requires_python, target.interpreter)
