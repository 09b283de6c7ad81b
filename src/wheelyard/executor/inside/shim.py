"""A shim in Python: for commands that need thought, and for all where nothing compiled the quicker one.

Starts with ``-ISE`` and imports next to nothing: a build calls it a thousand times.
"""

import os
import posix
import signal
import sys
import time

from wheelyard.cross.applying import RefusedError, apply
from wheelyard.cross.naming import tool_of
from wheelyard.cross.rules import parse
from wheelyard.cross.words import base, joined

try:
    from _json import encode_basestring_ascii as _quoted
except ImportError:  # an interpreter without its accelerator
    from json.encoder import py_encode_basestring_ascii as _quoted

_LONG = 256 * 1024
_LONGEST = 64 * 1024
_UNCHANGED_PATH = ("asking", "configuring")


def main(path, argv):  # type: (str, list[str]) -> int
    """Do what a compiled shim does: rewrite, run, write down."""
    began, clock = time.time(), time.perf_counter()
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        rules = parse(stream.read())
    try:
        folder = os.getcwd()
    except OSError:
        folder = "/"
    run, reason = [], ""  # type: list[str], str
    try:
        run, given = apply(rules, argv, folder, _read, lambda files: _symbols(rules, files))
    except RefusedError as error:
        reason, code = str(error), 1
        sys.stderr.write("wheelyard: {}\n".format(reason))
    else:
        code = _run(rules, argv, run, given)
    spent = (time.perf_counter() - clock) * 1000
    _write(rules, argv, folder, (run, reason), (code, began, spent))
    return code


def leave(code):  # type: (int) -> None
    """End at once: to take an interpreter apart in order costs more than a tenth of a call."""
    sys.stderr.flush()
    os._exit(code)


def _read(name):  # type: (str) -> str | None
    try:
        if not os.path.isfile(name):
            return None
        with open(name, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return None


def _symbols(rules, files):  # type: (object, list[str]) -> list[str] | None
    """Ask nm what objects define; None where nothing can say."""
    nm = rules.tool.get("nm")  # type: ignore[attr-defined]
    objects = [name for name in files if os.path.isfile(name)]
    if not nm or not objects:
        return None
    reading, writing = os.pipe()
    actions = [(posix.POSIX_SPAWN_DUP2, writing, 1), (posix.POSIX_SPAWN_CLOSE, reading)]
    environment = _environment(rules, [], keep_path=False)
    real = _program(nm[0], environment["PATH"])
    if real is None:
        return None
    words = [real] + nm[1:] + ["--defined-only", "--extern-only"] + objects
    child = posix.posix_spawn(real, words, environment, file_actions=actions)
    os.close(writing)
    with os.fdopen(reading, errors="surrogateescape") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return [line.split()[-1] for line in said.splitlines() if line.split()]


def _environment(rules, given, keep_path):  # type: (object, list[str], bool) -> dict[str, str]
    environment = dict(os.environ)
    if not keep_path:
        place = rules.place  # type: ignore[attr-defined]
        path = environment.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":")
        environment["PATH"] = ":".join(part for part in path if part and part != place)
    environment.update(tuple(word.split("=", 1)) for word in given)  # type: ignore[misc]
    return environment


def _program(name, path):  # type: (str, str) -> str | None
    if "/" in name:
        return name
    for folder in path.split(":"):
        whole = folder + "/" + name
        if folder and os.path.isfile(whole) and os.access(whole, os.X_OK):
            return whole
    return None


def _tool(rules, argv):  # type: (object, list[str]) -> str
    names = rules.name  # type: ignore[attr-defined]
    tool = tool_of(base(argv[0]), names)
    if tool == "launcher" and len(argv) > 1:
        tool = tool_of(base(argv[1]), names) or tool
    return tool


def _run(rules, argv, run, given):  # type: (object, list[str], list[str], list[str]) -> int
    tool = _tool(rules, argv)
    family = rules.family.get(tool, "")  # type: ignore[attr-defined]
    behind = _environment(rules, [], keep_path=False)["PATH"]
    real = _program(run[0], behind)
    if real is None:
        sys.stderr.write("wheelyard: '{}' is not there\n".format(run[0]))
        return 127
    environment = _environment(rules, given, keep_path=family in _UNCHANGED_PATH)
    # A program that is looked for by its own name would find the shim again.
    words, response = [real] + run[1:], ""
    if family in ("compiler", "linker", "plain") and sum(len(word) + 1 for word in run) > _LONG:
        words, response = _shortened(words, _fixed(rules, tool, family))
    try:
        child = posix.posix_spawn(real, words, environment)
    except OSError as error:
        sys.stderr.write("wheelyard: '{}' cannot be run: {}\n".format(real, error.strerror))
        return 126
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(child, number))
    status = os.waitpid(child, 0)[1]
    if response:
        os.unlink(response)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _fixed(rules, tool, family):  # type: (object, str, str) -> int
    before = len(rules.launcher) if family == "compiler" else 0  # type: ignore[attr-defined]
    return before + len(rules.tool[tool])  # type: ignore[attr-defined]


def _shortened(run, fixed):  # type: (list[str], int) -> tuple[list[str], str]
    """Put words that are too many for the kernel into a response file."""
    folder = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - a job's own
    path = "{}/wheelyard-{}.rsp".format(folder, os.getpid())
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(joined(run[fixed:]))
    return run[:fixed] + ["@" + path], path


def _list(words):  # type: (list[str]) -> tuple[str, bool]
    """Return words as JSON, and whether some are left out."""
    length, kept = 0, []  # type: int, list[str]
    for word in words:
        length += len(os.fsencode(word))
        if length > _LONGEST:
            return ", ".join(kept), True
        kept.append(_quoted(word))
    return ", ".join(kept), False


def _write(rules, argv, folder, made, ended):
    # type: (object, list[str], str, tuple[list[str], str], tuple[int, float, float]) -> None
    run, reason = made
    tool = _tool(rules, argv)
    path = rules.trace  # type: ignore[attr-defined]
    if not path:
        return
    called, cut = _list(argv)
    ran, also_cut = _list(run)
    line = '{{"tool": {}, "argv": [{}], "run": [{}], "folder": {}'.format(
        _quoted(tool), called, ran, _quoted(folder)
    )
    if reason:
        line += ', "refused": {}'.format(_quoted(reason))
    if cut or also_cut:
        line += ', "cut": true'
    line += ', "exit": {}, "at": {:.3f}, "ms": {:.2f}}}\n'.format(*ended)
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(file, line.encode("ascii", "replace"))
        os.close(file)
    except OSError:  # a full disk loses lines, never the command
        pass
