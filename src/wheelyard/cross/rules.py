"""A crossing as flat lines, which a shim reads at each call: a key and its values, with tabs between.

The compiled shim and the one in Python read the same lines, and neither knows a flag by itself: what is
special about one stands here.
"""

from __future__ import annotations

VERSION = "1"


class Rules:
    """The lines, by key. Runs in any Python from 3.7 on, and imports nothing."""

    __slots__ = (
        "after", "at", "drop", "environment", "exported", "exports", "fail", "family", "formats", "launcher",
        "name", "pair", "path", "place", "python", "refuse", "rpath", "sources", "tool", "trace", "two",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name: dict[str, str] = {}
        self.tool: dict[str, list[str]] = {}
        self.family: dict[str, str] = {}
        self.refuse: dict[str, str] = {}
        self.at: list[tuple[str, str, str]] = []
        self.two: dict[str, set[str]] = {}
        self.path: dict[str, list[str]] = {}
        self.drop: dict[str, list[str]] = {}
        self.pair: dict[str, list[tuple[str, str]]] = {}
        self.fail: list[tuple[str, str]] = []
        self.rpath: list[str] = []
        self.after: dict[str, list[str]] = {}
        self.formats: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.environment: dict[str, list[str]] = {}
        self.exports = ""
        self.exported: list[str] = []
        self.launcher: list[str] = []
        self.python: list[str] = []
        self.place = ""
        self.trace = ""


def parse(text: str) -> Rules:
    """Read lines. The longest folders come first, as the text has them."""
    rules = Rules()
    for line in text.split("\n"):
        if line:
            key, *values = line.split("\t")
            _take(rules, key, values)
    return rules


def _take(rules: Rules, key: str, values: list[str]) -> None:
    if key in {"name", "family", "refuse", "formats", "sources"}:
        getattr(rules, key)[values[0]] = values[1]
    elif key in {"tool", "after"}:
        getattr(rules, key)[values[0]] = values[1:]
    elif key in {"exported", "launcher", "python", "rpath"}:
        setattr(rules, key, values)
    elif key in {"exports", "place", "trace"}:
        setattr(rules, key, values[0])
    else:
        _add(rules, key, values)


def _add(rules: Rules, key: str, values: list[str]) -> None:
    if key == "at":
        rules.at.append((values[0], values[1], values[2]))
    elif key == "two":
        rules.two.setdefault(values[0], set()).add(values[1])
    elif key == "pair":
        rules.pair.setdefault(values[0], []).append((values[1], values[2]))
    elif key in {"path", "drop", "environment"}:
        getattr(rules, key).setdefault(values[0], []).append(values[1])
    elif key == "fail":
        rules.fail.append((values[0], values[1]))
