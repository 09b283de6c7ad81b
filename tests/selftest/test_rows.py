"""The suite of faults: a few of its rows on each engine; ``wheelyard selftest --faults`` runs all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wheelyard.selftest.engines import EngineName, missing
from wheelyard.selftest.rows.table import ROWS

SOURCES = Path(sys.modules["wheelyard"].__file__ or "").parent.parent


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "wheelyard", "selftest", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCES), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "row"), [(EngineName.EMBEDDED, 13), (EngineName.DISTRIBUTED, 10)]
)
def test_a_fault_is_survived(engine: EngineName, row: int, tmp_path: Path) -> None:
    if missing(engine) and os.environ.get("CI") != "true":
        pytest.skip(missing(engine)[0].message)

    ran = run("--faults", "--json", "--engine", engine, "--row", str(row), "--keep", str(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (line,) = map(json.loads, ran.stdout.splitlines())
    assert (line["row"], line["engine"], line["survived"]) == (row, engine, True)


def test_rows_are_all_there() -> None:
    assert [row.number for row in ROWS] == list(range(1, 23))


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--faults", "--row", "23"), "there is no row 23"), ((), "nothing to test was named")],
)
def test_what_cannot_be_followed_is_said(words: tuple[str, ...], said: str) -> None:
    ran = run(*words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "hint: " in ran.stderr


def test_what_a_machine_lacks_is_said_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if not Path("/usr/sbin/nats-server").exists():
        assert "nats-server" in missing(EngineName.DISTRIBUTED)[0].hint
    assert missing(EngineName.EMBEDDED) == ()
