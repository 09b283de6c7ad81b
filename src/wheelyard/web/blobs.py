"""Blobs up and down.

What comes in is streamed to the disk and named only when its size and digest are those that were
announced: nobody sees half a blob, and however large it is it takes no memory.
"""

import asyncio
import base64
import binascii
import re
import time
from collections import Counter
from collections.abc import Sequence

from starlette.responses import FileResponse, Response

from wheelyard.errors import DigestMismatchError
from wheelyard.farm_ports import FarmBlobs, Queue, QueuedJob, Role
from wheelyard.jobs.builder_life import UploadDamaged
from wheelyard.jobs.job import State
from wheelyard.model.job import BuildKey
from wheelyard.web.access import JOBS, READERS
from wheelyard.web.endpoint import Call, Endpoint, Parameter, announced_size
from wheelyard.web.metrics import Metrics
from wheelyard.web.ports import Desk, WebPorts
from wheelyard.web.refusals import Refusal, shortened

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ANNOUNCED = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")
_BYTES = "application/octet-stream"
_CLOSE = {"Connection": "close"}
_LONG_SECONDS = 1.0
"""After an upload that took longer its builder is told whether somebody else has the job by now."""


class BlobTraffic:
    """Gives blobs out and takes them in."""

    def __init__(self, *, blobs: FarmBlobs, queue: Queue, desk: Desk, metrics: Metrics) -> None:
        self._blobs = blobs
        self._queue = queue
        self._desk = desk
        self._metrics = metrics
        self._damaged: Counter[str] = Counter()

    async def give(self, call: Call) -> Response:
        """Answer with the bytes, or with the range of them that is asked for."""
        digest = _digest_of(call)
        # Where blobs are in a bucket, this may have to wait for one.
        path = await asyncio.to_thread(self._blobs.path, digest)
        if path is None:
            raise Refusal(404, f"there is no blob {digest!r}", "It was never here, or was removed.")
        return FileResponse(path, headers={"ETag": f'"{digest}"'}, media_type=_BYTES)

    async def take(self, call: Call) -> Response:
        """Take a blob in."""
        digest, size = _digest_of(call), _size_of(call)
        queued = await self._queued(call)
        limits = queued.offer.limits
        most = max(limits.artifact_bytes, limits.log_bytes)
        if size > most:
            raise Refusal(
                413, f"{size:,} bytes are more than this job's limit of {most:,}", "", _CLOSE
            )
        if self._blobs.path(digest) is not None:
            return done_early()
        builder, began = call.bearer.note or queued.job.builder, time.monotonic()
        try:
            _check_announced(call, digest)
            await self._receive(call, digest, size)
        except DigestMismatchError as error:
            await self._note_damage(builder)
            raise Refusal(422, error.message, error.hint, _CLOSE) from error
        self._damaged.pop(builder, None)
        if time.monotonic() - began > _LONG_SECONDS:
            await self._queued(call)
        return Response(status_code=201)

    async def _receive(self, call: Call, digest: str, size: int) -> None:
        async with self._blobs.receive(digest, size=size) as incoming:
            async for chunk in call.chunks():
                await incoming.write(chunk)
            await incoming.keep()
        self._metrics.received.inc(size)

    async def _queued(self, call: Call) -> QueuedJob:
        """Return the job that the token is for. Raises a Refusal where somebody else has it by now."""
        key, fence = BuildKey(call.text("key")), call.number("fence", 0)
        if call.bearer.role is not Role.JOB or call.bearer.subject != f"{key}.{fence}":
            raise Refusal(403, "the token is not of this job and fence", "", _CLOSE)
        queued = await self._queue.queued(key)
        job = queued.job if queued is not None else None
        if queued is None or job is None or job.state is not State.LEASED or job.fence != fence:
            hint = "Drop what was made under this fence."
            raise Refusal(409, "the fence is superseded: somebody else has the job", hint, _CLOSE)
        return queued

    async def _note_damage(self, builder: str) -> None:
        """Count damage in a row. Bytes that were cut off with their connection are not counted: networks fail."""
        self._metrics.damaged.inc()
        self._damaged[builder] += 1
        event = UploadDamaged(times=self._damaged[builder])
        await self._desk.tell_builder(builder, event, actor="")


def done_early() -> Response:
    """Answer that the blob is there; the body need not have been read."""
    return Response(status_code=200, headers=_CLOSE)


def _digest_of(call: Call) -> str:
    digest = call.place("digest")
    if _DIGEST.fullmatch(digest) is None:
        hint = "A blob is named sha256: and 64 hexadecimal digits."
        raise Refusal(422, f"{shortened(digest)!r} does not name a blob", hint, _CLOSE)
    return digest


def _size_of(call: Call) -> int:
    if "content-length" not in call.request.headers:
        raise Refusal(411, "the length is missing", "Send Content-Length.", _CLOSE)
    return announced_size(call.request)


def _check_announced(call: Call, digest: str) -> None:
    """Raise DigestMismatchError where the header tells another digest than the address."""
    header = call.request.headers.get("content-digest", "")
    match = _ANNOUNCED.search(header)
    try:
        announced = base64.b64decode(match[1], validate=True).hex() if match else ""
    except binascii.Error:
        announced = ""
    if f"sha256:{announced}" != digest:
        raise DigestMismatchError(
            f"Content-Digest is {shortened(header)!r}, which is not {digest!r}",
            hint="Announce sha-256=:BASE64: of the whole (RFC 9530).",
        )


def endpoints(ports: WebPorts, metrics: Metrics) -> Sequence[Endpoint]:
    """Return where blobs go."""
    traffic = BlobTraffic(blobs=ports.blobs, queue=ports.queue, desk=ports.desk, metrics=metrics)
    return (
        Endpoint(
            method="GET",
            path="/api/blobs/{digest}",
            allowed=READERS | {Role.BUILDER},
            answer=traffic.give,
            says="The bytes of a blob; Range is understood.",
            media=_BYTES,
        ),
        Endpoint(
            method="PUT",
            path="/api/blobs/{digest}",
            allowed=JOBS,
            answer=traffic.take,
            says="Take in what a job made.",
            query=(
                Parameter(name="key", says="The job."),
                Parameter(name="fence", says="Its fence.", kind="integer"),
            ),
            body=bytes,
            body_media=_BYTES,
            status=201,
        ),
    )
