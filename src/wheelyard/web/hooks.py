"""Web hooks of GitHub: what happens in a repository is heard at once, instead of being looked for.

Nothing of a hook is believed but that something happened in a repository: it is signed with a secret that GitHub and
this farm share, and what happened is looked up where it is. Without a secret there is no such address.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from wheelyard.coordinator.farm.actions import Action
from wheelyard.farm_ports import EventLog
from wheelyard.web.access import ANYBODY
from wheelyard.web.endpoint import Call, Endpoint, answered
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal

_LIMIT = 8 << 20
"""GitHub sends more for a push of thousands of commits alone, and that is seen by the next look."""
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9_.-]{1,100}")
_EVENTS = frozenset(
    {
        "push",
        "pull_request",
        "pull_request_review",
        "check_run",
        "check_suite",
        "status",
        "workflow_run",
        "create",
        "delete",
        "repository",
    }
)


class _Repository(msgspec.Struct):
    full_name: str = ""


class _Payload(msgspec.Struct):
    """What of a hook is read."""

    repository: _Repository | None = None


class Heard(msgspec.Struct, kw_only=True):
    """What became of a hook: the repository that is looked at now, or nothing."""

    repository: str = ""


class Hooks:
    """Takes hooks. ``secret`` empty: none."""

    def __init__(self, *, secret: bytes, events: EventLog) -> None:
        self._secret = secret
        self._events = events

    async def github(self, call: Call) -> Response:
        """Check who sent a hook, and let campaigns know of its repository."""
        if not self._secret:
            raise Refusal(404, "this farm takes no web hooks", "Start it with --hook-secret.")
        found = _SIGNATURE.fullmatch(call.request.headers.get("x-hub-signature-256", ""))
        if found is None:
            # Before a byte is read of what nobody signed.
            raise _unsigned()
        content = await call.body(_LIMIT)
        made = hmac.new(self._secret, content, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(found[1], made):
            raise _unsigned()
        event = call.request.headers.get("x-github-event", "")
        if event not in _EVENTS:
            return answered(Heard())
        name = _repository_of(content)
        await self._events.write(Action.REPOSITORY_TOLD, name, event=event)
        return answered(Heard(repository=name), 202)


def _unsigned() -> Refusal:
    return Refusal(
        401,
        "the hook is not signed with this farm's secret",
        "Give GitHub the same secret, and the content type application/json.",
        {"WWW-Authenticate": "X-Hub-Signature-256"},
    )


def _repository_of(content: bytes) -> str:
    try:
        told = msgspec.json.decode(content, type=_Payload)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        hint = "Let GitHub send it as application/json."
        raise Refusal(422, "the hook cannot be read", hint) from error
    name = told.repository.full_name if told.repository is not None else ""
    if not _NAME.fullmatch(name):
        raise Refusal(422, "the hook names no repository")
    return name


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where hooks are sent."""
    hooks = Hooks(secret=ports.hook_secret, events=ports.events)
    return (
        Endpoint(
            method="POST",
            path="/api/hooks/github",
            # The signature is what opens it.
            allowed=ANYBODY,
            answer=hooks.github,
            says="GitHub tells what happened in a repository; signed with X-Hub-Signature-256.",
            body=bytes,
            gives=Heard,
            also=((202, Heard), (401, None)),
        ),
    )
