"""Blobs in a bucket of a real server that speaks S3, beyond what all blobs promise."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import httpx
import pytest

from index.shelf import wheel
from index.test_installers import ENVIRONMENT
from wheelyard.blobs.bucket import Bucket
from wheelyard.blobs.s3 import S3Blobs
from wheelyard.errors import ConfigurationError, StoreError
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release
from wheelyard.testing.artifacts import MemoryArtifactStore

pytestmark = pytest.mark.anyio


def client_of(address: str) -> tuple[object, str, str]:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    return boto3.session.Session().client("s3"), bucket, prefix


def overwrite(address: str, digest: str, content: bytes | None) -> None:
    """Change or delete an object behind the farm's back."""
    client, bucket, prefix = client_of(address)
    key = f"{prefix}/sha256/{digest[7:9]}/{digest[9:]}"
    if content is None:
        client.delete_object(Bucket=bucket, Key=key)  # type: ignore[attr-defined]
    else:
        client.put_object(Bucket=bucket, Key=key, Body=content)  # type: ignore[attr-defined]


async def test_another_machine_finds_what_one_stored(s3_address: str, tmp_path: Path) -> None:
    one = S3Blobs(tmp_path / "one", bucket=Bucket(s3_address))
    other = S3Blobs(tmp_path / "other", bucket=Bucket(s3_address))
    content = b"wheel" * 3_000_000
    digest = await one.add_bytes(content)
    assert list(other.digests()) == [digest]
    assert await other.read(digest) == content
    path = other.path(digest)
    assert path is not None
    assert path.is_relative_to(tmp_path / "other")
    shutil.rmtree(tmp_path / "one")
    assert await one.read(digest) == content


async def test_what_comes_in_pieces_is_there_when_it_is_whole(
    s3: S3Blobs, s3_address: str, tmp_path: Path
) -> None:
    digest = await S3Blobs(
        tmp_path / "x", bucket=Bucket("s3://" + s3_address[5:] + "/x")
    ).add_bytes(b"wheel")
    async with s3.receive(digest, size=5) as incoming:
        await incoming.write(b"whe")
        await incoming.write(b"el")
        assert list(s3.digests()) == []
        await incoming.keep()
    assert list(s3.digests()) == [digest]


async def test_anybody_with_the_link_has_the_bytes(s3: S3Blobs) -> None:
    digest = await s3.add_bytes(b"wheel")
    link = await s3.link(digest)
    assert "X-Amz-Signature" in link
    assert httpx.get(link).content == b"wheel"


async def test_a_scrub_finds_damage_in_the_bucket(s3: S3Blobs, s3_address: str) -> None:
    good, bad = await s3.add_bytes(b"good"), await s3.add_bytes(b"bad")
    overwrite(s3_address, bad, b"BAD")
    assert list(await s3.scrub()) == []  # what is whole here was sent again
    overwrite(s3_address, bad, b"BAD")
    shutil.rmtree(s3._folder)
    assert list(await s3.scrub()) == [bad]
    with pytest.raises(StoreError, match="has other bytes in its bucket"):
        s3.path(bad)
    assert await s3.read(good) == b"good"
    overwrite(s3_address, good, None)
    shutil.rmtree(s3._folder)
    assert s3.path(good) is None


async def test_uses_are_told_for_everything_in_the_bucket(s3: S3Blobs) -> None:
    digest = await s3.add_bytes(b"wheel")
    (use,) = s3.uses()
    assert (use.digest, use.size, use.used > 1_600_000_000) == (digest, 5, True)


async def test_a_server_that_is_away_is_told_as_such(
    s3: S3Blobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = S3Blobs(tmp_path / "away", bucket=Bucket("s3://wheels"))
    with pytest.raises(StoreError, match="s3://wheels/"):
        await away.add_bytes(b"wheel")
    assert not list((tmp_path / "away").glob("sha256/*/*"))


@pytest.mark.parametrize("address", ["s3://", "s3://UPPER", "s3://a b/c", "http://bucket", "s3:/x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no place for blobs"):
        Bucket(address)


async def test_installers_are_sent_to_the_bucket(s3_address: str, tmp_path: Path) -> None:
    stored = S3Blobs(tmp_path / "one", bucket=Bucket(s3_address))
    artifacts = MemoryArtifactStore()
    content, metadata = wheel("tiny", "1.0")
    tiny = Artifact(
        filename="tiny-1.0-py3-none-any.whl",
        digest=await stored.add_bytes(content),
        size=len(content),
        release=Release.of("tiny", "1.0"),
        tags=frozenset(),
        origin=Origin.BUILT,
        metadata_digest=await stored.add_bytes(metadata),
    )
    await artifacts.publish(tiny)
    elsewhere = S3Blobs(tmp_path / "other", bucket=Bucket(s3_address))
    async with running(IndexServer(artifacts=artifacts, blobs=elsewhere)) as address:
        file = f"{address}/files/{tiny.digest[7:]}/{tiny.filename}"
        async with httpx.AsyncClient() as asked:
            moved = await asked.get(file)
            assert (moved.status_code, moved.headers["cache-control"]) == (302, "no-store")
            assert (await asked.get(moved.headers["location"])).content == content
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir"]
        words = ["--target", str(tmp_path / "site"), "--index-url", f"{address}/simple/", "tiny"]
        await asyncio.to_thread(subprocess.run, [*pip, *words], check=True, env=ENVIRONMENT)
    assert (tmp_path / "site" / "tiny.py").is_file()
