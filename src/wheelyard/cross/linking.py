"""What linkers are told of folders and libraries: for ``ld`` itself, and what a compiler hands on to it."""

from __future__ import annotations

from wheelyard.cross.words import base, matches, normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wheelyard.cross.rules import Rules

KEEP, DROP, MOVE = "keep", "drop", "move"
_ORIGIN = ("$ORIGIN", "${ORIGIN}")
_RPATH_VALUES = ("-rpath=", "--rpath=", "-R")


def placed(rules: Rules, path: str, folder: str) -> tuple[str, str]:
    """Say what becomes of a path: KEEP and the same, MOVE and another, or DROP."""
    if not path or path[0] in "=$" or (path[0] != "/" and ".." not in path):
        return KEEP, path
    whole = normal(path, folder)
    for place, action, to in rules.at:
        if whole == place or whole.startswith(f"{place}/"):
            if action == MOVE:
                return (MOVE, to + whole[len(place) :]) if to else (DROP, "")
            return action, path
    return KEEP, path


def folder_flag(
    rules: Rules, family: str, words: list[str], at: int, folder: str
) -> tuple[int, list[str]] | None:
    """Return how many words a flag with a folder takes and what becomes of them; None: it is no such flag."""
    word = words[at]
    for flag in rules.path.get(family, ()):
        if not word.startswith(flag):
            continue
        if word == flag:
            if at + 1 == len(words):
                return 1, [word]
            action, path = placed(rules, words[at + 1], folder)
            return 2, [] if action == DROP else [flag, path]
        between = "=" if len(flag) > 2 and word[len(flag)] == "=" else ""  # noqa: PLR2004
        action, path = placed(rules, word[len(flag) + len(between) :], folder)
        return 1, [] if action == DROP else [flag + between + path]
    return None


def paired(rules: Rules, family: str, words: list[str], at: int) -> bool:
    """Whether a flag and its value go together."""
    return at + 1 < len(words) and any(
        words[at] == flag and matches(words[at + 1], value)
        for flag, value in rules.pair.get(family, ())
    )


def dropped(rules: Rules, family: str, word: str) -> bool:
    """Whether a flag goes."""
    return any(matches(word, pattern) for pattern in rules.drop.get(family, ()))


def library(rules: Rules, word: str, folder: str, *, module: bool) -> str | None:
    """Return what is linked in place of a file; None where it is the build machine's Python."""
    name = base(word)
    if not name.startswith("lib") or (".so" not in name and not name.endswith(".a")):
        action, path = placed(rules, word, folder)
        return path if action == MOVE else word
    if module and name.startswith("libpython"):
        return None
    action, path = placed(rules, word, folder)
    if action != DROP:
        return path
    return "-l" + (name[3 : name.index(".so")] if ".so" in name else name[3:-2])


def _rpath(rules: Rules, value: str) -> str:
    """Return the folders of a run path that go with a wheel."""
    if rules.rpath != ["origin"]:
        return ""
    return ":".join(part for part in value.split(":") if part.startswith(_ORIGIN))


def for_linker(
    rules: Rules, words: list[str], folder: str, *, module: bool
) -> list[tuple[int, str]]:
    """Return the words that a linker is left with, each with the place of the one that it was."""
    found: list[tuple[int, str]] = []
    at = 0
    while at < len(words):
        taken, kept = _one(rules, words, at, folder, module=module)
        found += [(at + min(place, taken - 1), word) for place, word in enumerate(kept)]
        at += taken
    return found


def _one(
    rules: Rules, words: list[str], at: int, folder: str, *, module: bool
) -> tuple[int, list[str]]:
    word, following = words[at], words[at + 1 : at + 2]
    if word in {"-rpath", "--rpath", "-R"} and following:
        value = _rpath(rules, following[0])
        return 2, [word, value] if value else []
    for start in _RPATH_VALUES:
        if word.startswith(start) and word != start:
            value = _rpath(rules, word[len(start) :])
            return 1, [start + value] if value else []
    if paired(rules, "linker", words, at):
        return 2, []
    if dropped(rules, "linker", word):
        return 1, []
    flag = folder_flag(rules, "linker", words, at, folder)
    if flag is not None:
        return flag
    if word in rules.two.get("linker", ()):
        return 1 + len(following), [word, *following]
    if module and word.startswith("-lpython"):
        return 1, []
    if word.startswith("-"):
        return 1, [word]
    file = library(rules, word, folder, module=module)
    return 1, [] if file is None else [file]
