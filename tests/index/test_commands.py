"""``wheelyard index``, as somebody at a terminal meets it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from index.shelf import Shelf
from wheelyard.cli.index import index_app
from wheelyard.errors import ConfigurationError, ExitCode
from wheelyard.index.listing import IndexPorts

SERVING = Path(__file__).with_name("serving.py")


def app_over(shelf: Shelf) -> typer.Typer:
    @asynccontextmanager
    async def open_state(state: Path | None) -> AsyncIterator[IndexPorts]:
        yield IndexPorts(artifacts=shelf.artifacts, blobs=shelf.blobs)

    return index_app(open_state)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``index serve`` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, str(SERVING), str(folder), "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        yield process
        process.kill()


def test_export_says_where_the_index_is(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("tiny", "1.0")
    output = tmp_path / "out"
    ended = CliRunner().invoke(app_over(shelf), ["export", str(output)])
    assert ended.exit_code == 0
    assert ended.stdout == f"{output}/simple\n"
    assert f"pip install --index-url {output.as_uri()}/simple/ PROJECT" in ended.stderr


def test_export_names_what_it_left_out(shelf: Shelf, tmp_path: Path) -> None:
    artifact = shelf.put("tiny", "1.0")
    asyncio.run(shelf.blobs.remove(artifact.digest))
    ended = CliRunner().invoke(app_over(shelf), ["export", str(tmp_path / "out")])
    assert f"Left out: {artifact.filename}: its bytes are not on this machine." in ended.stderr


def test_list_as_json_names_projects_and_files(shelf: Shelf) -> None:
    artifact = shelf.put("tiny", "1.0", yanked="broken")
    ended = CliRunner().invoke(app_over(shelf), ["list", "--json"])
    ((project),) = json.loads(ended.stdout)
    assert project["project"] == "tiny"
    assert project["files"][0] == {
        "filename": artifact.filename,
        "version": "1.0",
        "digest": artifact.digest,
        "size": artifact.size,
        "created": "2026-03-01T12:30:15.250000Z",
        "yanked": "broken",
    }


def test_list_as_a_table_names_files(shelf: Shelf) -> None:
    artifact = shelf.put("tiny", "1.0", yanked="broken")
    ended = CliRunner().invoke(app_over(shelf), ["list"])
    assert artifact.filename in ended.stdout
    assert "1.0 (yanked)" in ended.stdout


def test_an_empty_list_says_how_to_fill_it(shelf: Shelf) -> None:
    ended = CliRunner().invoke(app_over(shelf), ["list"])
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "wheelyard build PROJECT" in ended.stderr


def test_verify_ends_with_the_exit_code_of_state_when_something_is_wrong(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.put("tiny", "1.0")
    app, output = app_over(shelf), str(tmp_path / "out")
    CliRunner().invoke(app, ["export", output])
    assert CliRunner().invoke(app, ["verify", output]).exit_code == ExitCode.OK
    (tmp_path / "out/simple/tiny/index.json").unlink()
    ended = CliRunner().invoke(app, ["verify", output])
    assert ended.exit_code == ExitCode.STATE
    assert "simple/tiny/index.json" in ended.stdout
    said = json.loads(CliRunner().invoke(app, ["verify", "--json", output]).stdout)
    assert said["findings"][0]["path"] == "simple/tiny/index.json"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_address_and_stops_cleanly(tmp_path: Path, number: int) -> None:
    with serving(tmp_path, "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{address}tiny/") as answer:  # noqa: S310 its own address
            assert b"tiny-1.0-py3-none-any.whl" in answer.read()
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == 0
    assert (
        said == f"Install from it: pip install --index-url {address} PROJECT\nStop with Ctrl-C.\n"
    )


def test_serve_on_a_port_in_use_says_so(shelf: Shelf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = CliRunner().invoke(app_over(shelf), ["serve", "--port", str(port)])
    assert isinstance(ended.exception, ConfigurationError)
    assert ended.exception.message == f"Port {port} on 127.0.0.1 is in use by another program"
    assert "--port" in ended.exception.hint


def test_serve_on_an_address_that_is_not_here_says_so(shelf: Shelf) -> None:
    ended = CliRunner().invoke(app_over(shelf), ["serve", "--host", "192.0.2.1", "--port", "0"])
    assert isinstance(ended.exception, ConfigurationError)
    assert "'192.0.2.1'" in ended.exception.message
