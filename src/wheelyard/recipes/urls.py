"""Other addresses that a new release may have.

A project changes how it names its files from one release to the next: another kind of archive, a "v"
before the version, another spelling of its name, GitHub's archive instead of an uploaded file. Each
rule gives variations of one template; all of them together, each on what the others gave, are the list to try.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

ARCHIVES = (".tar.gz", ".zip", ".tar", ".tar.bz2", ".tar.xz", ".tgz")
OF_AN_INDEX = "/packages/source/"
_GITHUB = ("/releases/download/v{{ version }}/", "/archive/")
_NAME = "{{ name }}"

_VERSION = re.compile(r"\{\{\s*version")

Rule = Callable[[str], Iterator[str]]


def transformed_urls(template: str) -> Iterator[str]:
    """Give a template (with ``{{ … }}``) and its usual variations, each once."""
    yield from _spread(template, _USUAL)


def further_urls(template: str) -> Iterator[str]:
    """Give the rarer variations: names of files after their folder."""
    usual = set(transformed_urls(template))
    yield from (one for one in _spread(template, _EVERY) if one not in usual)


def _spread(template: str, rules: tuple[Rule, ...]) -> Iterator[str]:
    candidates: Iterable[str] = (template,)
    for rule in rules:
        candidates = _varied(candidates, rule)
    seen: set[str] = set()
    for one in candidates:
        if one not in seen:
            seen.add(one)
            yield one


def _varied(candidates: Iterable[str], rule: Rule) -> Iterator[str]:
    for one in candidates:
        yield one
        yield from rule(one)


def _other_archives(url: str) -> Iterator[str]:
    for old in ARCHIVES:
        if url.endswith(old):
            yield from (url.removesuffix(old) + new for new in ARCHIVES if new != old)


def _with_or_without_v(url: str) -> Iterator[str]:
    if "v{{ v" in url:
        yield url.replace("v{{ v", "{{ v")
    if "{{ v" in url and "v{{ v" not in url:
        yield url.replace("{{ v", "v{{ v")


def _spaced(field: str) -> Rule:
    """Write a variable with one space on either side."""

    def rule(url: str) -> Iterator[str]:
        for narrow in (f"{{{{{field}}}}}", f"{{{{{field} }}}}"):
            if narrow in url:
                yield url.replace(narrow, f"{{{{ {field} }}}}")

    return rule


def _name_in_other_characters(old: str, new: str) -> tuple[str, ...]:
    """Give every way in which recipes write a name with one character for another, the preferred first."""
    pairs = [(f"{q}{old}{q},{space}{q}{new}{q}", q, space) for q in "'\"" for space in (" ", "")]
    ordered = [pairs[0][0], pairs[2][0], pairs[1][0], pairs[3][0]]
    single, double, single_narrow, double_narrow = ordered
    return (
        f"{{{{ name.replace({single}).lower() }}}}",
        f"{{{{ name.replace({single}) }}}}",
        f"{{{{ name.replace({double}).lower() }}}}",
        f"{{{{ name.replace({single_narrow}).lower() }}}}",
        f"{{{{ name.replace({double_narrow}).lower() }}}}",
        *(f"{{{{ name|replace({each})|lower }}}}" for each in ordered),
        f"{{{{ name.replace({double}) }}}}",
        f"{{{{ name.replace({single_narrow}) }}}}",
        f"{{{{ name.replace({double_narrow}) }}}}",
        *(f"{{{{ name|replace({each}) }}}}" for each in ordered),
    )


_SPELLINGS = (
    ("{{ name|lower }}",),
    _name_in_other_characters("_", "-"),
    _name_in_other_characters("-", "_"),
)


def _other_spellings(url: str) -> Iterator[str]:
    """Spell the name of a file on the Python index otherwise."""
    place, _, file = url.rpartition("/")
    if OF_AN_INDEX in url:
        for spellings in _SPELLINGS:
            if _NAME in file:
                yield from (f"{place}/{file.replace(_NAME, new)}" for new in spellings[:2])
            yield from (f"{place}/{file.replace(old, _NAME)}" for old in spellings if old in file)


def _named_by_variable(url: str) -> Iterator[str]:
    """Name a file on the Python index by the variable, where it was spelled out."""
    folder, file = posixpath.split(url)
    if OF_AN_INDEX in url and _VERSION.search(file) and not re.search(r"\{\{\s*name", file):
        yield posixpath.join(folder, "{{ name }}-{{ version }}.tar.gz")


def _named_by_folder(url: str) -> Iterator[str]:
    """Name a file after its folder, as the index's own rules of names say (PEP 625)."""
    folder, file = posixpath.split(url)
    if OF_AN_INDEX not in url or not url.endswith(".tar.gz") or not _VERSION.search(file):
        return
    project = posixpath.basename(folder)
    for pattern in (r"[.-]+", r"-+"):
        for cased in dict.fromkeys((project, project.lower())):
            yield posixpath.join(folder, f"{re.sub(pattern, '_', cased)}-{{{{ version }}}}.tar.gz")


def _other_github(url: str) -> Iterator[str]:
    if "github.com" not in url:
        return
    place, _, file = url.rpartition("/")
    released, archived = _GITHUB
    if released in url:
        yield f"{place}/".replace(released, archived) + file.replace("{{ name }}-", "")
    if archived in url:
        yield f"{place}/".replace(archived, released) + "{{ name }}-" + file


_WRITTEN: tuple[Rule, ...] = (
    _spaced("name[0]"),
    _spaced("version"),
    _spaced("name"),
    _with_or_without_v,
    _other_archives,
)
_USUAL = (_other_github, _other_spellings, _named_by_variable, *_WRITTEN)
_EVERY = (_other_github, _named_by_folder, _other_spellings, *_WRITTEN)
