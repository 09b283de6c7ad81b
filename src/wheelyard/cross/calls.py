"""What shims wrote down: each command as a build called it, as it was run, and how it ended.

The lines come from where a build runs, which may write what it likes among them: a line that is none is left
out, and no value is believed to be short.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from wheelyard.cross.flags import SUFFIXES
from wheelyard.cross.words import base, normal

_SOURCES = (
    ".c",
    ".m",
    ".s",
    ".S",
    ".f",
    ".F",
    ".f90",
    ".F90",
    ".f95",
    ".i",
    *(s for s, kind in SUFFIXES.items() if kind == "c++"),
)
_COMPILERS = ("cc", "c++", "fortran")
_PROBE_NAMES = (
    "conftest.",
    "_configtest.",
    "testfile.",
    "try_compile",
    "flagcheck",
    "feature_tests.",
    "CMakeC",
)
_PROBE_FOLDERS = (
    "/CMakeFiles/CMakeScratch/",
    "/CMakeFiles/CMakeTmp/",
    "/meson-private/",
    "/CompilerIdC",
    "/_cmake_",
)
_TEMPORARY = re.compile(r"/tmp/(?:tmp[^/]*/)?[^/]*$")  # noqa: S108 - read, not made
_LONGEST_LINE = 4 << 20
_SHOWN = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command. ``began`` is in seconds of Unix time. ``refused`` says why it was not run.

    ``cut``: it was longer than what is kept of one.
    """

    tool: str
    argv: tuple[str, ...]
    run: tuple[str, ...] = ()
    folder: str = "/"
    exit: int = 0
    began: float = 0.0
    milliseconds: float = 0.0
    refused: str = ""
    cut: bool = False

    @property
    def source(self) -> str:
        """The file that it compiles, as it was named; nothing where it compiles none."""
        if self.tool not in _COMPILERS:
            return ""
        return next((word for word in self.argv[1:] if _is_source(word)), "")

    @property
    def compiles(self) -> bool:
        """Whether it turns a source into an object."""
        return bool(self.source) and "-E" not in self.argv

    @property
    def output(self) -> str:
        """The file that it writes, as far as it says so."""
        words = iter(self.argv)
        return next((next(words, "") for word in words if word == "-o"), "")

    @property
    def is_probe(self) -> bool:
        """Whether it asks what the compiler can, rather than compile what the project is made of."""
        if self.tool == "rustc" and "-" in self.argv:
            return True  # Cargo asks what there is with a program on standard input
        where = normal(self.source or self.output, self.folder)
        name = base(where)
        return (
            name.startswith(_PROBE_NAMES)
            or any(part in where for part in _PROBE_FOLDERS)
            or _TEMPORARY.search(where) is not None
        )

    @property
    def by_path(self) -> bool:
        """Whether it was called by an absolute path of the system, where PATH says nothing."""
        return self.argv[0].startswith(("/usr/", "/bin/", "/lib/"))

    def line(self) -> str:
        """Write it as a line, which ``parse_call`` reads."""
        refused = {"refused": self.refused} if self.refused else {}
        ended = {"exit": self.exit, "at": self.began, "ms": self.milliseconds}
        words = {"tool": self.tool, "argv": self.argv, "run": self.run, "folder": self.folder}
        return (
            json.dumps({**words, **refused, **({"cut": True} if self.cut else {}), **ended}) + "\n"
        )

    @property
    def what(self) -> str:
        """What to call it in a line: its file, or its tool."""
        if self.source:
            return self.source
        crate = next((word for word in self.argv if word.endswith(".rs")), "")
        if self.tool == "rustc" and crate:
            return f"rustc {crate}"
        return f"{self.tool} {self.output or next(iter(self.argv[1:]), '')}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCount:
    """What the commands of a build come to. ``compiled`` counts the project's own files, probes left out.

    ``cached`` of ``cachable`` were answered by a compiler cache; ``milliseconds`` are those that commands took,
    which run beside each other. ``by_path`` were called by absolute paths and caught all the same.
    """

    calls: int = 0
    compiled: int = 0
    failed: int = 0
    refused: int = 0
    by_path: int = 0
    milliseconds: float = 0.0
    cached: int = 0
    cachable: int = 0


def parse_call(line: bytes | str) -> Call | None:
    """Read one line; None where it is no call."""
    if len(line) > _LONGEST_LINE:
        return None
    try:
        found = json.loads(line)
        argv = tuple(map(_text, found["argv"]))
        began, milliseconds = float(found["at"]), float(found["ms"])
        if not argv or not isfinite(began) or not isfinite(milliseconds):
            return None
        return Call(
            tool=_text(found["tool"]),
            argv=argv,
            run=tuple(map(_text, found["run"])),
            folder=_text(found["folder"]) or "/",
            exit=int(found["exit"]),
            began=began,
            milliseconds=max(0.0, milliseconds),
            refused=_text(found.get("refused", "")),
            cut=bool(found.get("cut", False)),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    # Bytes that are no text are halves of characters here, which nothing could write down again.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def count(calls: Iterable[Call]) -> CallCount:
    """Add up calls."""
    found = list(calls)
    caught = [call for call in found if not call.tool.startswith("native-")]
    own = [call for call in caught if call.compiles and not call.is_probe]
    return CallCount(
        calls=len(found),
        compiled=len(own),
        failed=sum(call.exit != 0 and not call.refused and not call.is_probe for call in found),
        refused=sum(bool(call.refused) for call in found),
        by_path=sum(call.by_path for call in caught),
        milliseconds=sum(call.milliseconds for call in found),
    )


def compile_commands(calls: Iterable[Call]) -> list[dict[str, object]]:
    """Return what editors and analysers read (``compile_commands.json`` of Clang), as commands were run."""
    return [
        {
            "directory": call.folder,
            "file": call.source,
            "arguments": list(call.run),
            **({"output": call.output} if call.output else {}),
        }
        for call in calls
        if call.compiles and not call.cut and not call.is_probe and call.run
    ]


def told(call: Call) -> Iterator[str]:
    """Say what became of a command that failed: as it was called, and as it was run."""
    yield f"{call.what} failed with {call.exit} in {call.folder}"
    yield f"  called: {shell_line(call.argv)}"
    yield f"  refused: {call.refused}" if call.refused else f"  run: {shell_line(call.run)}"


def last_failed(calls: Sequence[Call]) -> Call | None:
    """Return the last command that failed and was no probe: most likely what ended a build."""
    return next((call for call in reversed(calls) if call.exit and not call.is_probe), None)


def _is_source(word: str) -> bool:
    return not word.startswith("-") and word.endswith(_SOURCES)


def shell_line(words: Sequence[str]) -> str:
    """Write words as a shell would take them, within bounds."""
    text = " ".join(
        word if _is_plain(word) else "'" + word.replace("'", "'\\''") + "'" for word in words
    )
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def _is_plain(word: str) -> bool:
    return bool(word) and all(letter.isalnum() or letter in "@%+=:,./-_" for letter in word)
