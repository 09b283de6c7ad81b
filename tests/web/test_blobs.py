"""Blobs come in whole or not at all, from whoever has the job, and go out in ranges."""

import asyncio
import resource
from collections.abc import AsyncIterator

import httpx
import pytest

from web.place import Place, announced, digest_of
from wheelyard.farm_ports import Role
from wheelyard.model.builder import Mode
from wheelyard.ports import Lease

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 5000


async def put(
    place: Place,
    lease: Lease,
    content: bytes = CONTENT,
    *,
    digest: str = "",
    headers: dict[str, str] | None = None,
    header: bytes | None = None,
) -> httpx.Response:
    ticket = headers if headers is not None else await place.ticket(lease)
    return await place.client.put(
        f"/api/blobs/{digest or digest_of(content)}",
        params={"key": lease.key, "fence": lease.fence},
        content=content,
        headers={"Content-Digest": announced(content if header is None else header), **ticket},
    )


async def test_what_was_uploaded_is_there(place: Place) -> None:
    lease = await place.leased()
    answer = await put(place, lease)
    assert (answer.status_code, answer.content) == (201, b"")
    assert await place.ports.blobs.read(digest_of(CONTENT)) == CONTENT
    assert (await put(place, lease)).status_code == 200


async def test_a_download_that_was_cut_goes_on(place: Place) -> None:
    digest = await place.ports.blobs.add_bytes(CONTENT)
    headers = await place.builder()
    address = f"/api/blobs/{digest}"
    whole = await place.client.get(address, headers=headers)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["etag"] == f'"{digest}"'
    assert whole.headers["accept-ranges"] == "bytes"
    head = await place.client.head(address, headers=headers)
    assert int(head.headers["content-length"]) == len(CONTENT)
    rest = await place.client.get(address, headers={**headers, "Range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, CONTENT[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}"
    nothing = await place.client.get(
        address, headers={**headers, "Range": f"bytes={len(CONTENT)}-"}
    )
    assert nothing.status_code == 416


async def test_a_colon_may_be_written_quoted(place: Place) -> None:
    digest = await place.ports.blobs.add_bytes(b"x")
    headers = await place.bearer(Role.READER)
    answer = await place.client.get(f"/api/blobs/{digest.replace(':', '%3A')}", headers=headers)
    assert answer.content == b"x"


@pytest.mark.parametrize(
    ("sent", "told", "header"),
    [
        (b"\x01" + CONTENT[1:], CONTENT, CONTENT),
        (CONTENT[:-1], CONTENT, CONTENT),
        (b"", CONTENT, CONTENT),
        (CONTENT, b"other", CONTENT),
        (CONTENT, CONTENT, b"other"),
        (CONTENT + b"x", CONTENT, CONTENT),
    ],
    ids=["flipped", "short", "empty", "other-digest", "other-header", "long"],
)
async def test_damaged_bytes_are_never_seen_and_the_third_time_is_the_builders_fault(
    place: Place, sent: bytes, told: bytes, header: bytes
) -> None:
    await place.builder()
    lease = await place.leased()
    for times in range(1, 4):
        answer = await put(place, lease, sent, digest=digest_of(told), header=header)
        assert answer.status_code == 422
        assert list(place.ports.blobs.digests()) == []
        builder = await place.ports.builders.get("arm-1")
        assert builder is not None
        assert builder.mode is (Mode.QUARANTINED if times == 3 else Mode.ACTIVE)


async def test_a_good_upload_between_damaged_ones_forgives_them(place: Place) -> None:
    await place.builder()
    lease = await place.leased()
    bad = digest_of(b"bad")
    for content in (b"one", b"two"):
        for _ in range(2):
            assert (await put(place, lease, CONTENT, digest=bad)).status_code == 422
        assert (await put(place, lease, content)).status_code == 201
    builder = await place.ports.builders.get("arm-1")
    assert builder is not None
    assert builder.mode is Mode.ACTIVE


async def test_a_token_uploads_for_its_own_job_and_fence_only(place: Place) -> None:
    lease = await place.leased("a" * 16)
    other = await place.leased("b" * 16)
    ticket = await place.ticket(other)
    assert (await put(place, lease, headers=ticket)).status_code == 403
    builder = await place.builder()
    assert (await put(place, lease, headers=builder)).status_code == 403


async def test_a_superseded_fence_uploads_nothing(place: Place) -> None:
    lease = await place.leased()
    ticket = await place.ticket(lease)
    await place.ports.queue.expire_of("arm-1")
    assert (await put(place, lease, headers=ticket)).status_code == 409
    again = await place.lease("arm-2")
    assert again.fence > lease.fence
    assert (await put(place, lease, headers=ticket)).status_code == 409
    assert (await put(place, again)).status_code == 201


async def test_what_has_no_length_or_is_too_long_is_refused(place: Place) -> None:
    lease = await place.leased()
    ticket = await place.ticket(lease)

    async def chunks() -> AsyncIterator[bytes]:
        yield CONTENT

    address = f"/api/blobs/{digest_of(CONTENT)}"
    params = {"key": lease.key, "fence": str(lease.fence)}
    answer = await place.client.put(address, params=params, content=chunks(), headers=ticket)
    assert answer.status_code == 411
    large = await begin_put(place, lease, CONTENT, size=601 << 20)
    assert large.startswith(b"HTTP/1.1 413")


async def begin_put(place: Place, lease: Lease, content: bytes, *, size: int) -> bytes:
    """Announce an upload, send the first bytes of it, and return what comes back."""
    ticket = await place.ticket(lease)
    url = place.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    lines = [
        f"PUT /api/blobs/{digest_of(content)}?key={lease.key}&fence={lease.fence} HTTP/1.1",
        f"Host: {url.host}",
        f"Content-Length: {size}",
        f"Content-Digest: {announced(content)}",
        f"Authorization: {ticket['Authorization']}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content[:1000])
    await writer.drain()
    if size > len(content):
        answer = await reader.read(12)
    else:
        answer = b""
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "name", ["..%2F..%2Findex.html", "%2Fetc%2Fpasswd", "a%00b", "x" * 300, "sha256:12"]
)
async def test_a_hostile_name_is_refused(place: Place, name: str) -> None:
    lease = await place.leased()
    ticket = await place.ticket(lease)
    params = {"key": lease.key, "fence": str(lease.fence)}
    answer = await place.client.put(
        f"/api/blobs/{name}", params=params, content=b"x", headers=ticket
    )
    assert answer.status_code in {400, 404, 422}
    assert set(answer.json()) == {"error", "hint"}


async def test_an_upload_that_is_cut_off_leaves_nothing(place: Place) -> None:
    await place.builder()
    lease = await place.leased()
    await begin_put(place, lease, CONTENT, size=len(CONTENT))
    assert (await put(place, lease)).status_code == 201
    builder = await place.ports.builders.get("arm-1")
    assert builder is not None
    assert builder.mode is Mode.ACTIVE


@pytest.mark.slow
async def test_half_a_gigabyte_takes_little_memory(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    import hashlib

    from web.place import open_place

    piece, count = b"\0" * (1 << 20), 500
    whole = hashlib.sha256()
    for _ in range(count):
        whole.update(piece)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    async with open_place(tmp_path_factory.mktemp("large"), kind="sqlite") as place:
        lease = await place.leased()
        headers = {
            **await place.ticket(lease),
            "Content-Length": str(count << 20),
            "Content-Digest": f"sha-256=:{_base64(whole.digest())}:",
        }
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = await place.client.put(
            f"/api/blobs/sha256:{whole.hexdigest()}",
            params={"key": lease.key, "fence": lease.fence},
            content=pieces(),
            headers=headers,
            timeout=120,
        )
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert answer.status_code == 201
    assert (after - before) << 10 < 100 << 20


def _base64(digest: bytes) -> str:
    import base64

    return base64.b64encode(digest).decode()
