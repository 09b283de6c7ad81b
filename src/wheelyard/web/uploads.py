"""The upload interface that twine and ``uv publish`` speak (the legacy API of the Python index)."""

import asyncio
import base64
import binascii
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import Response
from starlette.types import Scope

from wheelyard.web.access import OPERATORS
from wheelyard.web.endpoint import Call, Endpoint, announced_size
from wheelyard.web.multipart import Form, FormReader
from wheelyard.web.ports import WebPorts, WheelDoor
from wheelyard.web.refusals import Refusal, shortened

PATH = "/legacy/"
_USER = b"__token__"
_MOST = 2 << 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.whl")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLOSE = {"Connection": "close"}


class UploadDesk:
    """Takes uploads in."""

    def __init__(self, door: WheelDoor | None) -> None:
        self._door = door

    async def take(self, call: Call) -> Response:
        """Take one wheel in and publish it."""
        if self._door is None:
            raise Refusal(404, "nothing can be uploaded here", "", _CLOSE)
        if announced_size(call.request) > _MOST:
            raise Refusal(413, f"the upload has more than {_MOST:,} bytes", "", _CLOSE)
        with tempfile.TemporaryDirectory(dir=self._door.scratch, prefix="upload-") as folder:
            came = Path(folder, "content")
            reader = FormReader(came, most=_MOST)
            form = await reader.read(call.request.headers.get("content-type", ""), call.chunks())
            named = await asyncio.to_thread(came.rename, came.with_name(_filename(form)))
            uploaded = await self._door.take(
                named, announced=_announced(form), actor=call.bearer.subject
            )
        return Response(status_code=201 if uploaded.new else 200)


def _filename(form: Form) -> str:
    action = form.fields.get(":action", "")
    if action != "file_upload":
        hint = "This address takes files, by twine or uv publish."
        raise Refusal(400, f"the action is {shortened(action)!r}", hint, _CLOSE)
    if not form.filename:
        raise Refusal(400, "the form holds no file", "Send it as the part content.", _CLOSE)
    if form.filename.endswith((".tar.gz", ".zip")):
        hint = "The farm builds sources itself: wheelyard build PATH --farm URL."
        raise Refusal(400, f"{shortened(form.filename)!r} is no wheel", hint, _CLOSE)
    if _NAME.fullmatch(form.filename) is None:
        raise Refusal(400, f"{shortened(form.filename)!r} cannot name a wheel", "", _CLOSE)
    return form.filename


def _announced(form: Form) -> str:
    text = form.fields.get("sha256_digest", "").lower()
    if text and _SHA256.fullmatch(text) is None:
        raise Refusal(400, f"sha256_digest is {shortened(text)!r}", "", _CLOSE)
    return f"sha256:{text}" if text else ""


def with_bearer(scope: Scope) -> Scope:
    """Read the token out of Basic authentication, as uploaders send it; leave every other request.

    Only here, where no browser comes: it would send a password again for whoever makes it ask.
    """
    if scope["type"] != "http" or scope["path"] != PATH:
        return scope
    headers = [
        (name, _bearer(value) if name == b"authorization" else value)
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _bearer(header: bytes) -> bytes:
    scheme, _, text = header.partition(b" ")
    if scheme.lower() != b"basic":
        return header
    try:
        user, _, token = base64.b64decode(text, validate=True).partition(b":")
    except binascii.Error:
        return b""
    return b"Bearer " + token if user == _USER else b""


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where wheels are uploaded."""
    return (
        Endpoint(
            method="POST",
            path=PATH,
            allowed=OPERATORS,
            answer=UploadDesk(ports.uploads).take,
            says="Upload a wheel, with twine or uv publish; the user is __token__.",
            body=bytes,
            body_media="multipart/form-data",
            status=201,
        ),
    )
