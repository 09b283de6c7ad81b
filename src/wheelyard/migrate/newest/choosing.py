"""Which of the versions that there are a recipe goes to, and why not to the others.

Order is conda's. Never down, never the same; never from numbers to what looks like a date.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from wheelyard.errors import InvalidNameError
from wheelyard.migrate.versions import why_ignored
from wheelyard.recipes.version_order import Version, version_of

_WORD = re.compile(
    r"(?<![a-z])(?:dev|alpha|beta|rc|pre|preview|snapshot|nightly|canary|insiders?|unstable|milestone|test"
    r"|experimental)(?![a-z])",
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?<![a-z])[abcm]\d+(?![a-z0-9])", re.IGNORECASE)
"""``1.0a1`` and ``4.7.0.M2``; ``9e`` and ``1.1.1w`` are releases."""
_SIGN = re.compile(
    r"^(?:v|ver|version|rel|release|stable)?[-_.]?(?P<version>\d+(?:[._-]?[0-9a-z]+)*)$",
    re.IGNORECASE,
)
_LONGEST = 60
_DATE = 1900
_NOT_DATES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a recipe's settings say of new versions.

    ``sources`` are names of kinds, empty for all. ``globs`` are those that tags must match one of, with ``!`` before
    what none may match.
    """

    settings: Mapping[str, object]
    prereleases: bool = False
    skip: bool = False
    sources: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()

    @classmethod
    def parse(cls, settings: Mapping[str, object]) -> "Wish":
        """Read ``bot.version_updates`` of a conda-forge.yml; what is not understood counts as not said.

        ``prereleases`` is ours; the other keys are conda-forge's.
        """
        bot = settings.get("bot")
        said = bot.get("version_updates") if isinstance(bot, Mapping) else None
        table: Mapping[str, object] = said if isinstance(said, Mapping) else {}
        return cls(
            settings=settings,
            prereleases=table.get("prereleases") is True,
            skip=table.get("skip") is True,
            sources=_texts(table.get("sources")),
            globs=_texts(table.get("allowed_tag_globs")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The version to go to, or nothing; and why others were passed over, newest first."""

    version: str = ""
    passed: tuple[tuple[str, str], ...] = ()


def choose(current: str, found: Iterable[str], wish: Wish) -> Choice:
    """Choose among versions, of whatever source."""
    if wish.skip:
        return Choice(passed=(("*", "its settings skip new versions"),))
    here = _read(current)
    if here is None:
        return Choice(passed=((current, "the recipe's own version has no order"),))
    passed: list[tuple[str, str]] = []
    newer = {one: read for one in set(found) if (read := _read(one)) is not None and read > here}
    for one in sorted(newer, key=lambda text: (newer[text], text), reverse=True):
        why = _why_not(current, one, wish)
        if not why:
            return Choice(version=one, passed=tuple(passed))
        passed.append((one, why))
    return Choice(passed=tuple(passed))


def is_prerelease(version: str) -> bool:
    """Whether a version is none for everybody yet."""
    return bool(_WORD.search(version) or _LETTER.search(version))


def versions_in(tags: Iterable[str], *, name: str, pattern: str, globs: Sequence[str]) -> list[str]:
    """Read the versions that tags stand for: by the recipe's own pattern, else by what is usual."""
    shape = _shape(pattern, name)
    found = []
    for tag in tags:
        match = shape.fullmatch(tag) if _is_wanted(tag, globs) and len(tag) < 4 * _LONGEST else None
        if match:
            found.append(re.sub(r"[_-](?=\d)", ".", match["version"]))
    return list(dict.fromkeys(found))


def _shape(pattern: str, name: str) -> re.Pattern[str]:
    if pattern:
        before, _, after = pattern.partition("{}")
        return re.compile(
            re.escape(before)
            + r"(?P<version>\d[0-9A-Za-z._+-]*)"
            + re.escape(after.replace("{}", ""))
        )
    usual = _SIGN.pattern.removeprefix("^").removesuffix("$")
    return re.compile(rf"(?:{re.escape(name)}[-_/.]?)?{usual}", re.IGNORECASE)


def _is_wanted(tag: str, globs: Sequence[str]) -> bool:
    barred = [glob.removeprefix("!") for glob in globs if glob.startswith("!")]
    wanted = [glob for glob in globs if not glob.startswith("!")]
    if any(fnmatchcase(tag, glob) for glob in barred):
        return False
    return not wanted or any(fnmatchcase(tag, glob) for glob in wanted)


def _why_not(current: str, version: str, wish: Wish) -> str:
    if is_prerelease(version) and not (wish.prereleases or is_prerelease(current)):
        return "it is a pre-release"
    if _first(version) >= _DATE and _first(current) < _NOT_DATES:
        return "it looks like a date, which its versions so far do not"
    return why_ignored(wish.settings, version)


def _first(version: str) -> int:
    match = re.match(r"\d+", version)
    return int(match[0][:12]) if match else 0


def _read(text: str) -> Version | None:
    if len(text) > _LONGEST:
        return None
    try:
        return version_of(text)
    except InvalidNameError:
        return None


def _texts(held: object) -> tuple[str, ...]:
    if isinstance(held, str):
        return (held,)
    return tuple(str(one) for one in held) if isinstance(held, list | tuple) else ()
