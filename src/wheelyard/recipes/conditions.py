"""Variants that take the conditions of a recipe both ways."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice, product

from wheelyard.recipes.document import Document
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.platforms import PLATFORMS, SUBDIRS, selector_names
from wheelyard.recipes.selectors import selector_of
from wheelyard.recipes.templates.tags import tags

MOST_VARIANTS = 64
MOST_CHARACTERS = 4_000_000
_CROSSED = (("linux-aarch64", "linux-64"), ("osx-arm64", "osx-64"))
_COMPARED = re.compile(
    r"""\b([A-Za-z_]\w*)(?:\s*\|\s*\w+)?\s*(?:==|!=|<=|>=|<|>|\bnot\s+in\b|\bin\b)\s*"""
    r"""(?:\(|\[)?\s*((?:["'][^"'\n]*["']|-?[\d.]+)(?:\s*,\s*(?:["'][^"'\n]*["']|-?[\d.]+))*)"""
)
_REVERSED = re.compile(r"""["']([^"'\n]*)["']\s*(?:==|!=|in)\s*([A-Za-z_]\w*)""")
_MATCHED = re.compile(r"""match\(\s*([A-Za-z_]\w*)\s*,\s*["']([^"']*)["']""")
_METHOD = re.compile(
    r"""\b([A-Za-z_]\w*)(?:\[[^\]]*\]\s*==|\.(?:startswith|endswith)\()\s*["']([^"']+)["']"""
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_OF_A_PYTHON = re.compile(r"py[23]k|py\d\d")
_VALUE = re.compile(r"""["']([^"'\n]*)["']|(-?[\d.]+)""")
# A name that is called or asked for a part of itself is no variant's.
_NAME = re.compile(r"(?<![.\w\"'])[A-Za-z_]\w*\b(?!\s*[.(])")
_TAG = re.compile(r"\{%[-+]?\s*(?:el)?if\s(.*?)[-+]?%\}", re.DOTALL)
_INLINE = re.compile(r"\bif\s(.*?)(?:\belse\b|[-+]?[%}]\})", re.DOTALL)
_KEY = re.compile(r"""["']([^"'\n]+)["']\s*:""")
_LOOKED_UP = re.compile(r"\w\[\s*([A-Za-z_]\w*)\s*\]|\.get\(\s*([A-Za-z_]\w*)")
_WORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "set",
        "defined",
        "undefined",
        "int",
    ]
)


def variants_of(recipe: ParsedRecipe) -> tuple[Variant, ...]:
    """Give variants that together take every condition of a recipe both ways.

    64 at most, and no more than that all of them together have to read four million characters.
    """
    if recipe.form is Form.META:
        return variants_in(recipe.text)
    every = variants_for(conditions_of(recipe), _templates(recipe.text))
    return every[: _most(recipe.text)]


def _most(text: str) -> int:
    """Say in how many variants a text may be evaluated."""
    return max(1, min(MOST_VARIANTS, MOST_CHARACTERS // (len(text) + 1)))


def variants_in(text: str) -> tuple[Variant, ...]:
    """Give variants that take every condition of a text of meta.yaml both ways."""
    return variants_for(conditions_in(text), _templates(text))[: _most(text)]


def _templates(text: str) -> list[str]:
    """Give the statements and expressions of a text, with their braces."""
    return [text[one.start : one.end] for one in tags(text) if one.kind != "#"]


def conditions_of(recipe: ParsedRecipe) -> frozenset[str]:
    """Give the text of every condition of a recipe: selectors, tests of ``if``, bare expressions."""
    text = recipe.text
    if recipe.form is Form.META:
        return conditions_in(text)
    inline = (found[1] for one in _templates(text) for found in _INLINE.finditer(one))
    return frozenset(_conditions_of_recipe(recipe.document)) | frozenset(inline)


def conditions_in(text: str) -> frozenset[str]:
    """Give the conditions of a text of meta.yaml."""
    found: set[str] = set()
    for template in _templates(text):
        pattern = _TAG if template.startswith("{%") and _TAG.match(template) else _INLINE
        found.update(one[1] for one in pattern.finditer(template))
    for line in text.splitlines():
        selector = selector_of(line) if "]" in line else None
        if selector:
            found.add(selector)
    return frozenset(found)


def _conditions_of_recipe(document: Document) -> Iterable[str]:
    pending = list(document.entries)
    while pending:
        entry = pending.pop()
        if entry.key in ("if", "skip"):
            yield entry.scalar
        inner = entry.entries
        if entry.key == "skip":
            yield from (one.scalar for one in inner)
        pending += inner


def variants_for(conditions: Iterable[str], templates: Iterable[str] = ()) -> tuple[Variant, ...]:
    """Give variants that take conditions both ways: each platform, each value that is compared with.

    ``templates`` are what else may tell platforms apart, such as tables that are looked into.
    """
    held: dict[str, set[str]] = {}
    names: set[str] = set()
    for one in conditions:
        _gather(one, held, names)
    text = "\n".join(templates)
    names |= _PLATFORM_NAMES.intersection(_NAME.findall(text))
    keys = set(_KEY.findall(text)[:MOST_VARIANTS])
    for name in _LOOKED_UP.findall(text):
        held.setdefault(name[0] or name[1], set()).update(keys)
    platforms = _platforms(
        names, held.pop("target_platform", set()) | held.pop("build_platform", set())
    )
    choices = {name: _choices(name, values) for name, values in held.items()}
    for name in names - set(held) - _PLATFORM_NAMES - _WORDS:
        # A name that stands alone is true or false.
        choices.setdefault(name, ("", "true"))
    every = _combined(choices, (MOST_VARIANTS - len(_CROSSED)) // len(platforms))
    crossed = _CROSSED if names & {"build_platform"} else ()
    return tuple(
        Variant(platform=platform, values={name: value for name, value in one.items() if value})
        for platform in platforms
        for one in every
    ) + tuple(
        Variant(
            platform=platform,
            build_platform=built_on,
            values={name: value for name, value in every[0].items() if value},
        )
        for platform, built_on in crossed
    )


def _platforms(names: set[str], compared: set[str]) -> tuple[str, ...]:
    """Give the platforms to try: all that are common, and what is rare where a condition asks for it."""
    asked = names & _PLATFORM_NAMES
    if not asked:
        return PLATFORMS[:1]
    common = {name for each in PLATFORMS for name in _true_names(each)}
    rare = asked - common
    return PLATFORMS + tuple(
        each
        for each in SUBDIRS
        if each not in PLATFORMS and (each in compared or rare & _true_names(each))
    )


@lru_cache(maxsize=64)
def _true_names(platform: str) -> frozenset[str]:
    names = selector_names(Variant(platform=platform))
    return frozenset(name for name, value in names.items() if value is True)


def _gather(condition: str, held: dict[str, set[str]], names: set[str]) -> None:
    own = frozenset(_NAME.findall(_QUOTED.sub("''", condition)))
    names |= own
    for found in _COMPARED.finditer(condition):
        for value in _VALUE.finditer(found[2]):
            held.setdefault(found[1], set()).add(value[1] or value[2] or "")
    for found in _REVERSED.finditer(condition):
        held.setdefault(found[2], set()).add(found[1])
    for pattern in (_MATCHED, _METHOD):
        for found in pattern.finditer(condition):
            held.setdefault(found[1], set()).add(found[2].lstrip("<>=!~ ").removesuffix(".*"))
    if "py" in held or any(map(_OF_A_PYTHON.fullmatch, own)):
        constants = held.pop("py", set())
        held.setdefault("python", set()).update(
            {"2.7", "3.6", "3.12"} | {_dotted(one) for one in constants}
        )
    if "np" in held:
        held.setdefault("numpy", set()).update(_dotted(one) for one in held.pop("np"))


def _dotted(digits: str) -> str:
    return f"{digits[0]}.{digits[1:]}" if digits.isdigit() and len(digits) > 1 else digits


_PLATFORM_NAMES = frozenset(
    name for name, value in selector_names(Variant(platform="linux-64")).items() if isinstance(value, bool)
) - {"py2k", "py3k"} - {f"py{one}" for one in (26, 27, 33, 34, 35, 36)} | {
    "target_platform", "build_platform", "host_platform", "ARCH", "vc",
}  # fmt: skip


def _choices(name: str, values: set[str]) -> tuple[str, ...]:
    """Give the values to try: unset, another, and each that is compared with."""
    if name in _PLATFORM_NAMES or name in _WORDS:
        return ("",)
    if name in ("python", "numpy"):
        return tuple(sorted(value for value in values if value))
    return ("", "another", *sorted(value for value in values if value))


def _combined(choices: dict[str, tuple[str, ...]], most: int) -> list[dict[str, str]]:
    """Give every combination, or as many as may be: then each value stands in one at least."""
    count = 1
    for held in choices.values():
        count = min(count * len(held), most + 1)
    names = sorted(choices)
    if count <= most:
        return [
            dict(zip(names, one, strict=True))
            for one in product(*(choices[name] for name in names))
        ]
    base = {name: choices[name][0] for name in names}
    singles = sum(len(held) - 1 for held in choices.values())
    single = ({name: value} for name in names for value in choices[name][1:])
    if singles < most:
        return [base, *(base | one for one in single)]
    # Diagonals: the n-th value of every name together.
    longest = min(max(len(held) for held in choices.values()), most)
    diagonal = [
        {name: choices[name][at % len(choices[name])] for name in names} for at in range(longest)
    ]
    rest = islice(single, max(most - 1 - longest, 0))
    return [base, *diagonal, *(base | one for one in rest)][: max(most, 1)]
