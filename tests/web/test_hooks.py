"""Web hooks: nothing is heard that was not signed with the farm's secret."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from web.place import Place, open_place

pytestmark = pytest.mark.anyio
SECRET = b"a secret that nobody guesses"
PUSH = json.dumps({"repository": {"full_name": "feedstocks/png"}}).encode()
HOOK = "/api/hooks/github"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, kind="memory", hook_secret=SECRET) as opened:
        yield opened


def signed(content: bytes, secret: bytes = SECRET, event: str = "push") -> dict[str, str]:
    made = hmac.new(secret, content, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={made}", "X-GitHub-Event": event}


async def told(place: Place) -> list[tuple[str, dict[str, object]]]:
    found = await place.ports.events.recent(limit=10)
    return [(one.subject, dict(one.detail)) for one in found if one.action == "repository.told"]


async def post(place: Place, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return await place.client.post(HOOK, content=content, headers=headers)


async def test_a_signed_hook_is_heard(place: Place) -> None:
    answer = await post(place, PUSH, signed(PUSH))

    assert (answer.status_code, answer.json()) == (202, {"repository": "feedstocks/png"})
    assert await told(place) == [("feedstocks/png", {"event": "push"})]


async def test_github_s_ping_is_answered_and_is_nothing(place: Place) -> None:
    answer = await post(place, b"{}", signed(b"{}", event="ping"))

    assert (answer.status_code, answer.json()) == (200, {"repository": ""})
    assert await told(place) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(PUSH, b"another secret"),
        signed(b"{}"),
        {"X-Hub-Signature-256": "sha256=", "X-GitHub-Event": "push"},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64, "X-GitHub-Event": "push"},
        {"X-Hub-Signature": "sha1=" + "0" * 40, "X-GitHub-Event": "push"},
        {"Authorization": "Bearer x", "X-GitHub-Event": "push"},
    ],
)
async def test_what_is_not_signed_is_not_heard(place: Place, headers: dict[str, str]) -> None:
    answer = await post(place, PUSH, headers)

    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "hint"}
    assert await told(place) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"payload=%7B%7D",
        b"[" * 5000,
        b'{"repository": 3}',
        b'{"repository": {"full_name": "../x"}}',
        b'{"repository": {"full_name": "a/b/c"}}',
        b'{"repository": {"full_name": "a/<b>"}}',
        b"\xff\xfe",
    ],
)
async def test_what_cannot_be_read_is_refused_in_a_sentence(place: Place, content: bytes) -> None:
    answer = await post(place, content, signed(content))

    assert answer.status_code == 422
    assert await told(place) == []


async def test_a_hook_that_is_too_large_is_not_read(place: Place) -> None:
    large = b" " * ((8 << 20) + 1)
    assert (await post(place, large, signed(large))).status_code == 413


async def test_without_a_secret_there_is_no_such_address(tmp_path: Path) -> None:
    async with open_place(tmp_path, kind="memory") as opened:
        empty = await post(opened, PUSH, signed(PUSH, b""))
        other = await post(opened, PUSH, signed(PUSH))

        assert (empty.status_code, other.status_code) == (404, 404)
        assert await told(opened) == []
