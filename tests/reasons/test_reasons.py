"""Why a build failed, as its log tells."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.jobs.reason_pattern import Rank
from wheelyard.jobs.reasons import PATTERNS, is_unsolvable, reason_of
from wheelyard.jobs.system_libraries import LIBRARIES
from wheelyard.model.job import Outcome

SAMPLES = Path(__file__).with_name("samples.txt")


def samples() -> Iterator[tuple[str, str, str, str]]:
    """Read phrase, outcome, a part of the hint, and the log of each sample."""
    for part in SAMPLES.read_text(encoding="utf-8").split("=== ")[1:]:
        heading, _, log = part.partition("\n")
        phrase, outcome, hint = heading.split(" |")
        yield phrase, outcome.strip(), hint.strip(), log


EVERY = list(samples())


@pytest.mark.parametrize(("phrase", "outcome", "hint", "log"), EVERY)
def test_a_log_tells_its_reason(phrase: str, outcome: str, hint: str, log: str) -> None:
    reason = reason_of(log)
    assert reason is not None
    assert (reason.phrase, reason.outcome.value) == (phrase, outcome)
    assert hint in reason.hint
    assert reason.line in log.translate({0x2018: "'", 0x2019: "'"})


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.regex[:30])
def test_every_pattern_has_a_sample_and_a_needle_that_finds_it(pattern: object) -> None:
    (known,) = [one for one in PATTERNS if one is pattern]
    lines = [
        line
        for *_, log in EVERY
        for line in log.translate({0x2018: "'", 0x2019: "'"}).splitlines()
        if any(needle in line for needle in known.needles)
    ]
    assert [line for line in lines if re.search(known.regex, line)]


def test_there_are_as_many_reasons_as_promised() -> None:
    assert len({phrase for phrase, *_ in EVERY}) >= 60
    assert len(PATTERNS) >= 35


@pytest.mark.parametrize(
    ("reason", "unsolvable"),
    [
        ("failed: its requirements have no solution (see its log)", True),
        ("failed: no channel has zlib as it is required", True),
        ("upstream: no matching distribution for six", True),
        ("failed: Python.h not found", False),
        ("", False),
    ],
)
def test_what_cannot_be_solved_is_told_from_what_does_not_build(
    reason: str, unsolvable: bool
) -> None:
    assert is_unsolvable(reason) is unsolvable


def test_a_log_without_a_known_cause_has_no_reason() -> None:
    assert reason_of("") is None
    assert reason_of("running build\nrunning build_py\ncopying frob.py -> build/lib\n") is None


PYTHON_H = "demo.c:1:10: fatal error: Python.h: No such file or directory\n"
MODULE = "ModuleNotFoundError: No module named 'numpy'\n"
SYMPTOM = "demo.c:7:1: error: expected ';' before '}' token\n"
LAST_WORDS = "error: command 'gcc' failed with exit code 1\n"
DISK = "cp: error writing 'x': No space left on device\n"


@pytest.mark.parametrize(
    ("log", "phrase"),
    [
        (PYTHON_H + MODULE, "Python.h not found"),
        (MODULE + PYTHON_H, "build requirement numpy is not declared"),
        (SYMPTOM + MODULE + LAST_WORDS, "build requirement numpy is not declared"),
        (MODULE + SYMPTOM + LAST_WORDS, "build requirement numpy is not declared"),
        ("/bin/sh: 1: git: not found\n" + MODULE, "build requirement numpy is not declared"),
        (MODULE + DISK, "no space left on the disk"),
        (DISK + MODULE, "no space left on the disk"),
        (LAST_WORDS + SYMPTOM, "does not compile: expected ';' before '}' token"),
        ("ValueError: one\nin between\nTypeError: two\n", "TypeError: two"),
        ("ValueError: one\nfrob.FrobException: two\n", "frob.FrobException: two"),
        ("frob.FrobException: two\nValueError: one\n", "ValueError: one"),
        ("ValueError: one\n" + LAST_WORDS, "the compiler failed"),
    ],
)
def test_the_machine_then_the_earliest_cause_then_symptoms_then_last_words(
    log: str, phrase: str
) -> None:
    reason = reason_of(log)
    assert reason is not None
    assert reason.phrase == phrase


@pytest.mark.parametrize(
    ("log", "phrase"),
    [
        # A network that is not there explains why nothing was found.
        (
            (
                "WARNING: Retrying after connection broken by 'NewConnectionError: Failed to establish a "
                "new connection: [Errno 101] Network is unreachable'\n"
                "ERROR: No matching distribution found for wheel\n"
            ),
            "tries to download while it is built",
        ),
        # A configure step's own questions are not why it failed.
        (
            (
                "_configtest.c:1:10: fatal error: sys/capability.h: No such file or directory\n"
                "src/x.c:1:10: fatal error: zlib.h: No such file or directory\n"
            ),
            "needs zlib headers",
        ),
        # What CMake can do without stands after two dashes.
        (
            (
                "-- Could NOT find CURL (missing: CURL_LIBRARY)\n"
                "  Could NOT find ZLIB (missing: ZLIB_LIBRARY)\n"
            ),
            "needs zlib headers",
        ),
        # Warnings are no errors.
        (
            "a.c:1:1: warning: implicit declaration of function 'f'\n" * 300 + PYTHON_H,
            "Python.h not found",
        ),
        (
            "SetuptoolsDeprecationWarning: `project.license` as a TOML table is deprecated\n"
            + SYMPTOM,
            "does not compile: expected ';' before '}' token",
        ),
    ],
)
def test_what_looks_like_a_cause_is_told_from_the_cause(log: str, phrase: str) -> None:
    reason = reason_of(log)
    assert reason is not None
    assert reason.phrase == phrase


def test_colours_and_carriage_returns_hide_nothing() -> None:
    log = "progress 10%\rprogress 20%\r\n\x1b[01m\x1b[Kdemo.c:1:10:\x1b[m\x1b[K \x1b[01;31m\x1b[Kfatal error: \x1b[m\x1b[KPython.h: No such file or directory\r\n"
    reason = reason_of(log)
    assert reason is not None
    assert reason.phrase == "Python.h not found"
    assert reason.line == "demo.c:1:10: fatal error: Python.h: No such file or directory"


def test_the_cause_is_found_at_the_end_of_an_endless_log() -> None:
    reason = reason_of("compiling\n" * 1_000_000 + PYTHON_H)
    assert reason is not None
    assert reason.phrase == "Python.h not found"


def test_a_line_without_end_is_cut() -> None:
    reason = reason_of("x" * 1_000_000 + " fatal error: Python.h: No such file " + "y" * 1_000_000)
    assert reason is not None
    assert len(reason.line) < 1000


NEEDLES = sorted({needle for pattern in PATTERNS for needle in pattern.needles})
HOSTILE = [
    "a" * 1_000_000,
    "\x1b[" * 500_000,
    "\x1b[" + "1;" * 500_000,
    " ".join(NEEDLES) * (1_000_000 // len(" ".join(NEEDLES))),
    "\n".join(NEEDLES * (1_000_000 // len("\n".join(NEEDLES)))),
    "fatal error: " * 80_000,
    ("error: " + "a/" * 150 + "\n") * 3_000,
    ("Error: " + "a." * 250 + "\n") * 2_000,
    ("SyntaxError" * 50 + "Error: \n") * 1_800,
    "Could NOT find " * 60_000,
    "'" * 1_000_000,
    "/" * 500_000 + "-config" * 70_000,
    "cannot create " + "/" * 999_000,
    ("cannot create " + "x" * 40 + "/" * 200) * 4_000,
    "".join("error: '" + "Py" * 20 + "' " for _ in range(20_000)),
    "-config -config" * 66_000,
    "No such file or directory: '" * 37_000,
    "rustc\n" * 166_000,
    "Error: \n" * 125_000,
    "\n" * 1_000_000,
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_log_costs_no_more_than_a_long_one(number: int) -> None:
    began = time.process_time()
    reason_of(HOSTILE[number])
    assert time.process_time() - began < 2


@given(
    st.lists(
        st.sampled_from(NEEDLES)
        | st.sampled_from([line for *_, log in EVERY for line in log.splitlines()])
        | st.text(max_size=20),
        max_size=12,
    ),
    st.sampled_from(["\n", " ", ""]),
)
def test_any_text_has_a_readable_reason_or_none(parts: list[str], between: str) -> None:
    reason = reason_of(between.join(parts))
    if reason is not None:
        assert reason.phrase
        assert "\n" not in reason.phrase
        assert reason.outcome in {Outcome.FAILED, Outcome.RESOURCES, Outcome.UPSTREAM}


def test_names_of_libraries_are_claimed_once() -> None:
    for field in ("headers", "names", "programs"):
        claimed = [name for library in LIBRARIES for name in getattr(library, field)]
        assert len(claimed) == len(set(claimed)), field
    assert all(library.debian and library.name for library in LIBRARIES)


def test_only_a_machine_that_gave_out_is_never_the_packages_fault() -> None:
    for pattern in PATTERNS:
        assert (pattern.outcome is Outcome.RESOURCES) == (pattern.rank is Rank.MACHINE)
