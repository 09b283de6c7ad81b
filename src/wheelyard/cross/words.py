"""Words of a command line as compilers read them: response files, and paths without their detours.

Like all that a shim needs inside a build, this imports nothing and runs in any Python from 3.7 on.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DEEPEST = 10
_BLANK = " \t\n\r\v\f"


def split(text: str) -> list[str]:
    """Split the text of a response file as GNU's and LLVM's tools do."""
    words: list[str] = []
    word: list[str] = []
    quote, begun, at = "", False, 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\" and at < len(text):
            word.append(text[at])
            begun, at = True, at + 1
        elif quote:
            quote = _quoted(letter, quote, word)
        elif letter in "'\"":
            quote, begun = letter, True
        elif letter in _BLANK:
            if begun:
                words.append("".join(word))
            word, begun = [], False
        else:
            word.append(letter)
            begun = True
    if begun:
        words.append("".join(word))
    return words


def _quoted(letter: str, quote: str, word: list[str]) -> str:
    if letter == quote:
        return ""
    word.append(letter)
    return quote


def joined(words: Iterable[str]) -> str:
    """Return the text of a response file, a word a line."""
    return "".join(f"{_escaped(word)}\n" for word in words)


def _escaped(word: str) -> str:
    if not word:
        return '""'
    special = "\\'\"" + _BLANK
    return "".join(f"\\{letter}" if letter in special else letter for letter in word)


def expanded(words: Iterable[str], read: Callable[[str], str | None], depth: int = 0) -> list[str]:
    """Return words with response files in place of their names; those that cannot be read stay."""
    found: list[str] = []
    for word in words:
        text = None
        if word.startswith("@") and len(word) > 1 and depth < _DEEPEST:
            text = read(word[1:])
        if text is None:
            found.append(word)
        else:
            found += expanded(split(text), read, depth + 1)
    return found


def normal(path: str, folder: str) -> str:
    """Return an absolute path without detours, in a folder; nothing about links is known here."""
    parts: list[str] = []
    whole = path if path.startswith("/") else f"{folder}/{path}"
    for part in whole.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def base(path: str) -> str:
    """Return the last part of a path."""
    return path[path.rfind("/") + 1 :]


def matches(word: str, pattern: str) -> bool:
    """Whether a word is a pattern; a ``*`` at its end stands for any rest."""
    if pattern.endswith("*"):
        return word.startswith(pattern[:-1])
    return word == pattern
