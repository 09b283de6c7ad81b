"""The exported folder behind a real nginx, with the very configuration that the page of documentation gives."""

import asyncio
import contextlib
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from index.shelf import Shelf
from index.test_installers import ENVIRONMENT, INSTALLERS, Installer
from wheelyard.index.export import export

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "serve-the-index.md"
JSON = "application/vnd.pypi.simple.v1+json"
AROUND = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@pytest.fixture
def output(shelf: Shelf, tmp_path: Path) -> Path:
    shelf.put("tiny", "1.0", requires_python=">=3.7")
    shelf.put("tiny", "1.1", yanked="broken")
    asyncio.run(export(shelf.artifacts, shelf.blobs, tmp_path / "out"))
    return tmp_path / "out"


@pytest.fixture
def address(output: Path, tmp_path: Path) -> Iterator[str]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed, and a continuous integration has it")
        pytest.skip("needs nginx")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    (documented,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    documented = documented.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    documented = documented.replace("/path/to/dist", str(output))
    folder = tmp_path / "nginx"
    folder.mkdir()
    # Where it is started by root, nginx reads as a user of its own.
    everybodys = Path(tempfile.gettempdir())
    for place in (output, *output.parents):
        if place.is_relative_to(everybodys) and place != everybodys:
            place.chmod(place.stat().st_mode | 0o055)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, documented=documented))
    command = [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            until_open(port, process, folder / "error.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def until_open(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        select.select([], [], [], 0.1)
    raise AssertionError(log.read_text())


def test_nginx_gives_each_client_the_form_it_wants(address: str) -> None:
    for path in ("/simple/", "/simple/tiny/"):
        html = httpx.get(address + path)
        assert (html.status_code, html.headers["content-type"]) == (200, "text/html")
        told = httpx.get(address + path, headers={"Accept": f"{JSON}, text/html;q=0.1"})
        assert told.headers["content-type"] == JSON
        assert told.headers["vary"] == "Accept"
        assert told.headers["cache-control"] == "no-cache"
        again = httpx.get(
            address + path, headers={"Accept": JSON, "If-None-Match": told.headers["etag"]}
        )
        assert again.status_code == 304
    (file, _) = told.json()["files"]
    wheel = httpx.get(httpx.URL(address + "/simple/tiny/").join(file["url"]))
    assert wheel.headers["content-type"] == "application/octet-stream"
    assert "immutable" in wheel.headers["cache-control"]
    metadata = httpx.get(str(wheel.url) + ".metadata")
    assert metadata.text.startswith("Metadata-Version")
    assert httpx.get(address + "/.wheelyard/lock").status_code == 404
    assert httpx.get(address + "/simple/none/").status_code == 404


@INSTALLERS
def test_installers_install_through_nginx(
    address: str, tmp_path: Path, installer: Installer
) -> None:
    site = tmp_path / "site"
    command = [*installer(), f"{address}/simple/", "--target", str(site), "tiny"]
    ran = subprocess.run(command, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (site / "tiny-1.0.dist-info").is_dir()
