"""The blobs that must keep the same promises: in memory and in a folder."""

import contextlib
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from wheelyard.blobs.bucket import Bucket
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.blobs.s3 import S3Blobs
from wheelyard.testing.blobs import MemoryBlobs


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryBlobs | FolderBlobs:
    folder = tmp_path / "blobs"
    folder.mkdir()
    if request.param == "s3":
        made: S3Blobs = request.getfixturevalue("s3")
        return made
    return MemoryBlobs(folder) if request.param == "memory" else FolderBlobs(folder)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a real server that speaks S3."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _until_open(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "moto's server ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        select.select([], [], [], 0.1)
    raise AssertionError(port)


@pytest.fixture
def s3_address(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, which the usual variables lead to."""
    variables = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "farm",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = f"wheels-{secrets.token_hex(6)}"
    boto3.session.Session().client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/farm/blobs"


@pytest.fixture
def s3(s3_address: str, tmp_path: Path) -> S3Blobs:
    return S3Blobs(tmp_path / "in-front", bucket=Bucket(s3_address))


@pytest.fixture
def folder(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")
