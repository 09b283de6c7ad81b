"""Version numbers that might come next, and those that a recipe does not want to hear of."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

_PARTS = re.compile(r"\d+|[a-z]+|[^0-9a-z]+", re.IGNORECASE)
_SINGLE_LETTER = re.compile(r"[a-z]$", re.IGNORECASE)


def next_versions(version: str, *, letters: bool = False) -> Iterator[str]:
    """Give the versions that may follow one, the smallest step first, to be tried one by one.

    Each number, from the last to the first, goes up by one and by two, all behind it to nothing; and
    then each of those behind it to its first step, from the last on. With ``letters`` a single letter
    counts as well (OpenSSL's 1.1.1a). Other text stays.
    """
    parts = _PARTS.findall(version)
    counted = [at for at, part in enumerate(parts) if _counts(part, letters=letters)]
    for position in reversed(range(len(counted))):
        behind = counted[position + 1 :]
        for step in (1, 2):
            raised = _raised(parts[counted[position]], step)
            if raised is None:
                break
            base = [*parts]
            base[counted[position]] = raised
            for at in behind:
                base[at] = _first(parts[at])
            yield "".join(base)
            for at in reversed(behind):
                further = [*base]
                further[at] = _raised(base[at], 1) or base[at]
                yield "".join(further)


def _counts(part: str, *, letters: bool) -> bool:
    return part.isdigit() or (letters and bool(_SINGLE_LETTER.match(part)))


def _raised(part: str, step: int) -> str | None:
    if part.isdigit():
        return str(int(part) + step)
    last = "z" if part.islower() else "Z"
    return chr(ord(part) + step) if ord(part) + step <= ord(last) else None


def _first(part: str) -> str:
    if part.isdigit():
        return "0"
    return "a" if part.islower() else "A"


def why_ignored(forge_settings: Mapping[str, object], version: str) -> str:
    """Say why a recipe's ``conda-forge.yml`` does not want a version; empty where it does.

    Read are ``bot.version_updates.exclude`` (names and globs) and ``even_odd_versions``, which takes
    an odd second number for a development version.
    """
    settings = _table(_table(forge_settings.get("bot")).get("version_updates"))
    excluded = settings.get("exclude")
    for pattern in excluded if isinstance(excluded, list | tuple) else ():
        if fnmatchcase(_normal(version), _normal(str(pattern))):
            return f"its conda-forge.yml excludes {pattern}"
    if settings.get("even_odd_versions") is True and _is_odd(version):
        return "its second number is odd, which means a development version"
    return ""


def _table(held: object) -> Mapping[str, object]:
    return held if isinstance(held, Mapping) else {}


def _normal(version: str) -> str:
    return version.replace("-", ".")


def _is_odd(version: str) -> bool:
    numbers = re.match(r"v?(\d+)[._-](\d+)", version)
    return numbers is not None and int(numbers.group(2)) % 2 == 1
