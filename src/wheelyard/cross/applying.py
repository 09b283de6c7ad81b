"""Applies rules to one command. The compiled shim does the same, and a test holds one to the other.

Runs inside builds, in any Python from 3.7 on; so it imports nothing that is slow to come.
"""

from __future__ import annotations

from wheelyard.cross.linking import dropped, folder_flag, for_linker, library, paired
from wheelyard.cross.naming import tool_of
from wheelyard.cross.words import base, expanded, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wheelyard.cross.rules import Rules

_NOT_LINKING = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"}
_PYINIT = ("PyInit_", "PyInitU_")


class RefusedError(Exception):
    """Why a command cannot be one for the target."""


def apply(
    rules: Rules,
    argv: list[str],
    folder: str,
    read: Callable[[str], str | None],
    symbols: Callable[[list[str]], list[str] | None],
) -> tuple[list[str], list[str]]:
    """Return what is to be run for a command, and the variables that it gets (``NAME=value``).

    ``read`` gives the text of a response file, ``symbols`` what objects define, or None. Raises RefusedError.
    """
    tool = tool_of(base(argv[0]), rules.name)
    if tool == "launcher":
        if len(argv) == 1 or tool_of(base(argv[1]), rules.name) in {"", "launcher"}:
            return [base(argv[0]), *argv[1:]], []
        argv = argv[1:]
        tool = tool_of(base(argv[0]), rules.name)
    if tool in rules.refuse:
        raise RefusedError(rules.refuse[tool])
    if tool not in rules.tool:
        raise RefusedError(f"the target has no {tool or base(argv[0])!s}")
    words = expanded(argv[1:], read)
    family = rules.family[tool]
    if family == "compiler":
        called = Compiling(rules, tool, words, folder)
        return [*rules.launcher, *rules.tool[tool], *called.result(symbols)], _given(rules, tool)
    if family == "linker":
        words = [word for _, word in for_linker(rules, words, folder, module="-shared" in words)]
        words += _missing(words, rules.after.get("linker", []))
    elif family == "plain":
        words = _plain(rules, words)
    elif family == "configuring":
        words = _configuring(rules, tool, words)
    return [*rules.tool[tool], *words], _given(rules, tool)


def _given(rules: Rules, tool: str) -> list[str]:
    return rules.environment.get(tool, [])


def _missing(words: list[str], added: list[str]) -> list[str]:
    """Return what is to be added at the end, unless it is there already."""
    length = len(added)
    there = any(words[at : at + length] == added for at in range(len(words) - length + 1))
    return [] if there else added


def _plain(rules: Rules, words: list[str]) -> list[str]:
    return [rules.formats.get(word, word) for word in words if not dropped(rules, "plain", word)]


def _configuring(rules: Rules, tool: str, words: list[str]) -> list[str]:
    """Name the target's file to Meson and CMake where they set a build up."""
    added = rules.after.get(tool, [])
    if not added or any(word in words for word in added):
        return words
    if tool == "cmake":
        other = {"--build", "--install", "--open", "-E", "-P", "--version", "--help", "-h"}
        starts = words and not other.intersection(words) and not _names_toolchain(words)
        return [*added, *words] if starts else words
    return ["setup", *added, *words[1:]] if words[:1] == ["setup"] else words


def _names_toolchain(words: list[str]) -> bool:
    return any(word.startswith(("-DCMAKE_TOOLCHAIN_FILE", "--toolchain")) for word in words)


class Compiling:
    """One command of a compiler driver."""

    def __init__(self, rules: Rules, tool: str, words: list[str], folder: str) -> None:
        self._rules, self._words, self._folder = rules, words, folder
        self._two = rules.two.get("compiler", set())
        self.links = tool != "cpp"
        self.module = False
        self.language = {"c++": "c++", "fortran": "fortran"}.get(tool, "c")
        self.inputs: list[str] = []
        self.objects: list[str] = []
        self.sources = False
        self.output = ""
        self._look()

    def _look(self) -> None:
        words, at = self._words, 0
        while at < len(words):
            word = words[at]
            if word in self._two:
                self._look_at_value(word, words[at + 1] if at + 1 < len(words) else "")
                at += 2
                continue
            if word in _NOT_LINKING:
                self.links = False
            elif word == "-shared" or word.startswith("-sSIDE_MODULE"):
                self.module = True
            elif not word.startswith("-") or word == "-":
                self._look_at_input(word)
            elif word.startswith("-x") and len(word) > 2:  # noqa: PLR2004
                self._look_at_value("-x", word[2:])
            at += 1
        if self.links and self.output.endswith(".so"):
            self.module = True

    def _look_at_value(self, flag: str, value: str) -> None:
        if flag == "-x":
            self._speak("c++" if value.startswith("c++") else "c")
        elif flag == "-o":
            self.output = value
        elif flag == "-s" and value.startswith("SIDE_MODULE"):
            self.module = True

    def _look_at_input(self, word: str) -> None:
        self.inputs.append(word)
        name = base(word)
        language = self._rules.sources.get(name[name.rfind(".") :] if "." in name else "", "c")
        self._speak(language)
        if language != "object" and ".so." not in name:
            self.sources = True
        else:
            self.objects.append(word)

    def _speak(self, language: str) -> None:
        """Note a language: one C++ file makes a command one for C++."""
        if language == "c++" or (language == "fortran" and self.language == "c"):
            self.language = language

    def result(self, symbols: Callable[[list[str]], list[str] | None]) -> list[str]:
        """Return the words of the command for the target."""
        kept = self._kept()
        after = self._rules.after
        if not self.inputs:
            return kept
        before = after.get("compile", [])
        if before and kept[: len(before)] == before:
            before = []
        lists = [after.get(self.language, [])] if self.sources else []
        if self.links and self.module:
            lists += [after.get("module", []), self._exports(symbols)]
        if self.links:
            lists.append(after.get("link", []))
        return [*before, *kept, *(word for added in lists for word in _missing(kept, added))]

    def _kept(self) -> list[str]:
        """Return the words that stay; those for the linker are read together."""
        out: list[str] = []
        waiting: list[tuple[int, str]] = []
        words, at = self._words, 0
        while at < len(words):
            word = words[at]
            if word.startswith("-Wl,"):
                waiting += [(at, part) for part in word[4:].split(",")]
                at += 1
            elif word == "-Xlinker" and at + 1 < len(words):
                waiting.append((-1, words[at + 1]))
                at += 2
            else:
                out += self._for_linker(waiting)
                waiting = []
                taken, kept = self._one(at)
                out += kept
                at += taken
        return out + self._for_linker(waiting)

    def _for_linker(self, waiting: list[tuple[int, str]]) -> list[str]:
        """Return words for the linker as they were written: with commas or ``-Xlinker``."""
        if not waiting:
            return []
        out: list[str] = []
        last = -1
        words = [word for _, word in waiting]
        for place, word in for_linker(self._rules, words, self._folder, module=self.module):
            group = waiting[place][0]
            if group == -1 or "," in word:
                out += ["-Xlinker", word]
                last = -1
            elif group == last:
                out[-1] += f",{word}"
            else:
                out.append(f"-Wl,{word}")
                last = group
        return out

    def _one(self, at: int) -> tuple[int, list[str]]:
        rules, words = self._rules, self._words
        word = words[at]
        for pattern, reason in rules.fail:
            if matches(word, pattern):
                raise RefusedError(f"'{word}': {reason}")
        if paired(rules, "compiler", words, at):
            return 2, []
        if dropped(rules, "compiler", word):
            return 1, []
        flag = folder_flag(rules, "compiler", words, at, self._folder)
        if flag is not None:
            return flag
        return self._other(word, words[at + 1 : at + 2])

    def _other(self, word: str, following: list[str]) -> tuple[int, list[str]]:
        if word in {"-R", "-rpath"} and following:
            return 2, []
        if word.startswith("-R/"):
            return 1, []
        if self.module and word == "-l" and following and following[0].startswith("python"):
            return 2, []
        if word in self._two:
            return 1 + len(following), [word, *following]
        if self.module and word.startswith("-lpython"):
            return 1, []
        if word.startswith("-"):
            return 1, [word]
        file = library(self._rules, word, self._folder, module=self.module)
        return 1, [] if file is None else [file]

    def _exports(self, symbols: Callable[[list[str]], list[str] | None]) -> list[str]:
        """Name the symbols that a WebAssembly module exports. Raises RefusedError where there are none."""
        rules = self._rules
        if rules.exports in {"", "all"}:
            return []
        names = list(rules.exported)
        if rules.exports == "pyinit":
            defined = symbols(self.objects) if self.objects else None
            starts = [name for name in defined or () if name.startswith(_PYINIT)]
            # What a source defines that is compiled and linked at once is known by the module's name alone.
            if not starts and (defined is None or self.sources):
                starts = [f"PyInit_{base(self.output).split('.')[0]}"]
            names += starts
        if not names:
            raise RefusedError(
                f"'{self.output}' would export nothing: no object that it is linked from defines PyInit_…;"
                " name what others call in the recipe (exports)"
            )
        listed = ",".join(f"_{name}" for name in dict.fromkeys(names))
        return [f"-sEXPORTED_FUNCTIONS={listed}"]
