"""``wheelyard recipe`` on files: shown, linted, compared and edited, in place or printed."""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wheelyard.cli.main import execute
from wheelyard.errors import ExitCode

META = """\
{% set version = "1.0" %}

package:
  name: a
  version: {{ version }}

source:
  url: URL/a-{{ version }}.tar.gz
  sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

build:
  number: 3  # [win]
  number: 7  # [not win]

requirements:
  host:
    - python
    - libx {{ libx }}

about:
  license: MIT
  license_file: LICENSE
"""


@pytest.fixture
def meta(tmp_path: Path) -> Path:
    path = tmp_path / "meta.yaml"
    path.write_bytes(META.replace("URL", "https://a.invalid").replace("\n", "\r\n").encode())
    return path


def test_number_is_raised_in_place_and_the_rest_stays(meta: Path) -> None:
    meta.chmod(0o600)
    before = meta.read_bytes()

    assert execute(["recipe", "rebuild", str(meta), "--by", "2"]) == ExitCode.OK

    assert meta.read_bytes() == before.replace(b"number: 3", b"number: 5").replace(
        b"number: 7", b"number: 9"
    )
    assert meta.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in meta.parent.iterdir()] == ["meta.yaml"]


def test_number_behind_a_link_is_raised_where_it_points(meta: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(meta)

    assert execute(["recipe", "rebuild", str(link)]) == ExitCode.OK

    assert link.is_symlink()
    assert b"number: 4" in meta.read_bytes()


def test_text_is_printed_instead(meta: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    before = meta.read_bytes()

    assert execute(["recipe", "rebuild", str(meta), "--stdout"]) == ExitCode.OK

    assert capfdbinary.readouterr().out == before.replace(b"number: 3", b"number: 4").replace(
        b"number: 7", b"number: 8"
    )
    assert meta.read_bytes() == before


def test_refusal_changes_nothing_and_names_the_line(
    meta: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta.write_text("package:\n  name: a\nbuild:\n  number: 3.0\n")

    assert execute(["recipe", "rebuild", str(meta)]) == ExitCode.USAGE

    assert (
        f"{meta}:4: the build number '3.0' is not a whole number"
        in capsys.readouterr().err.replace("\n", "")
    )
    assert meta.read_text().endswith("3.0\n")


def test_version_is_carried_on_with_recorded_answers(meta: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(
        json.dumps({"hash": {"https://a.invalid/a-2.0.tar.gz": "b" * 64}, "pypi_files": {}})
    )
    before = meta.read_bytes()

    assert (
        execute(["recipe", "to-version", str(meta), "2.0", "--answers", str(answers)])
        == ExitCode.OK
    )

    expected = before.replace(b'"1.0"', b'"2.0"').replace(b"a" * 64, b"b" * 64)
    assert meta.read_bytes() == expected.replace(b"number: 3", b"number: 0").replace(
        b"number: 7", b"number: 0"
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a-2.0.tar.gz").write_bytes(b"two")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_version_is_carried_on_with_what_the_network_says(
    meta: Path,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    meta.write_text(META.replace("URL", server))

    assert (
        execute(["recipe", "to-version", str(meta), "2.0", "--index", f"{server}/simple"])
        == ExitCode.OK
    )
    assert "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3" in meta.read_text()

    assert (
        execute(["recipe", "to-version", str(meta), "3.0", "--index", f"{server}/simple"])
        == ExitCode.USAGE
    )
    assert "a-3.0.tar.gz cannot be had" in capsys.readouterr().err.replace("\n", "")


def test_recipe_file_is_shown_for_a_variant(meta: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (meta.parent / "conda_build_config.yaml").write_text("libx:\n  - 5\n")

    assert execute(["recipe", "show", str(meta), "--platform", "win-64"]) == ExitCode.OK
    assert "a 1.0, build number 3, for win-64" in (said := capsys.readouterr().out)
    assert "host: python; libx 5" in said

    assert execute(["recipe", "show", str(meta), "--variant", "libx=6", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["build_number"] == 7
    assert answer["requirements"]["host"] == ["python", "libx 6"]


def test_own_recipe_is_shown_and_linted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "six.toml"
    own.write_text('skip = "no"\nenvironment = {A = "secret"}\n')

    assert execute(["recipe", "show", str(own)]) == ExitCode.OK
    assert "secret" not in (said := capsys.readouterr().out)
    assert "skip: no" in said
    assert execute(["recipe", "lint", str(own)]) == ExitCode.OK

    own.write_text('skip = "no"\nbroken\n')
    assert execute(["recipe", "lint", str(own)]) == ExitCode.BUILDS_FAILED
    assert f"{own}:2: error" in capsys.readouterr().out


def test_findings_have_lines(meta: Path, capsys: pytest.CaptureFixture[str]) -> None:
    meta.write_text(
        "package:\n  name: a\n  version: 1\nbuild:\n  number: 0\nsource:\n  url: https://a.invalid/x\n"
    )

    assert execute(["recipe", "lint", str(meta)]) == ExitCode.OK
    assert f"{meta}:7: warning: the source has no digest [digest]" in capsys.readouterr().out

    meta.write_text("package:\n  name: {{ nme( }}\n")
    assert execute(["recipe", "lint", str(meta), "--json"]) == ExitCode.BUILDS_FAILED
    findings = json.loads(capsys.readouterr().out)
    assert [(one["line"], one["severity"]) for one in findings if one["rule"] == "evaluation"] == [
        (2, "error")
    ]


def test_meaning_of_a_change_is_said(
    meta: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.yaml"
    old.write_bytes(meta.read_bytes())
    meta.write_text(
        meta.read_text().replace("number: 3", "number: 4").replace("    - python\n", "    - pip\n")
    )

    assert execute(["recipe", "diff", str(meta), str(old)]) == ExitCode.OK

    said = capsys.readouterr().out
    assert "build number: 3 → 4" in said
    assert "host: - python" in said
    assert "host: + pip" in said


def test_change_is_compared_with_what_git_has(
    meta: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-C", str(meta.parent), "-c", "user.name=a", "-c", "user.email=a@a.invalid"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "meta.yaml"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    assert execute(["recipe", "rebuild", str(meta)]) == ExitCode.OK

    assert execute(["recipe", "diff", str(meta)]) == ExitCode.OK

    assert "build number: 7 → 8" in capsys.readouterr().out


def test_file_that_is_not_there_or_no_text_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["recipe", "show", str(tmp_path / "meta.yaml")]) == ExitCode.USAGE
    assert "cannot be read" in capsys.readouterr().err

    (tmp_path / "meta.yaml").write_bytes(b"a: 1\nb: \xff\n")
    assert execute(["recipe", "show", str(tmp_path / "meta.yaml")]) == ExitCode.USAGE
    assert "meta.yaml:2: it is not UTF-8" in capsys.readouterr().err.replace("\n", "")
