"""A bucket of S3, or of anything that speaks its protocol.

Endpoint, region and keys are what the usual variables of AWS say (``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``), or its files.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wheelyard.errors import ConfigurationError, StoreError

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]*))?")
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_LINK_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object: its name below the prefix, its size in bytes, and when it was written, as the epoch has it."""

    name: str
    size: int
    written: float


class Bucket:
    """The objects of a bucket under a prefix. Every method blocks and raises StoreError."""

    def __init__(self, address: str) -> None:
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise ConfigurationError(
                f"{address!r} is no place for blobs",
                hint="Write s3://BUCKET or s3://BUCKET/PREFIX.",
            )
        self._bucket = match[1]
        prefix = (match[2] or "").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _client()

    def put(self, name: str, path: Path) -> None:
        """Store a file; large ones go in parts."""
        with self._told():
            self._client.upload_file(str(path), self._bucket, self._prefix + name)

    def get(self, name: str, into: BinaryIO) -> bool:
        """Write an object into a file; False where there is none."""
        with self._told():
            try:
                self._client.download_fileobj(self._bucket, self._prefix + name, into)
            except Exception as error:
                if _is_absent(error):
                    return False
                raise
            return True

    def holds(self, name: str) -> bool:
        """Whether there is an object of that name."""
        with self._told():
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            except Exception as error:
                if _is_absent(error):
                    return False
                raise
            return True

    def all(self) -> Iterator[StoredObject]:
        """Yield every object in the order of their names."""
        with self._told():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for one in page.get("Contents", ()):
                    yield StoredObject(
                        name=one["Key"].removeprefix(self._prefix),
                        size=one["Size"],
                        written=one["LastModified"].timestamp(),
                    )

    def delete(self, name: str) -> None:
        """Forget an object; nothing happens where there is none."""
        with self._told():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def link(self, name: str) -> str:
        """Return an address from which anybody may have an object for ten minutes."""
        with self._told():
            return str(
                self._client.generate_presigned_url(
                    "get_object",
                    Params={"Bucket": self._bucket, "Key": self._prefix + name},
                    ExpiresIn=_LINK_SECONDS,
                )
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise StoreError(
                f"the blobs in 's3://{self._bucket}/{self._prefix}' cannot be used: {error}",
                hint="Look at AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and what the bucket lets that key do.",
            ) from error


def _client() -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ConfigurationError(
            "blobs in S3 need boto3, which is not installed",
            hint="Install wheelyard[s3].",
        ) from error
    config = Config(
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=10,
        read_timeout=60,
        signature_version="s3v4",
    )
    # A session of one's own: the default one of the module is not for several threads.
    return boto3.session.Session().client("s3", config=config)


def _is_absent(error: Exception) -> bool:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", "")) in _ABSENT
