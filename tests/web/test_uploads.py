"""Wheels that people built by hand, uploaded by twine and uv and by nobody's program."""

import asyncio
import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from web.place import Place
from wheelyard.executor.wheel_archive import rewrite_wheel
from wheelyard.farm_ports import Role
from wheelyard.model.artifact import Origin
from wheelyard.model.release import project_name
from wheelyard.web.multipart import FormReader
from wheelyard.web.refusals import Refusal

pytestmark = pytest.mark.anyio
TINY = project_name("tiny")
NAME = "tiny-1.0-py3-none-any.whl"


def made(folder: Path, *, filename: str = NAME, body: str = "", name: str = "tiny") -> Path:
    """Write a wheel whose RECORD is right."""
    path = folder / filename
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", f"version = '1.0'\n{body}")
        info = "tiny-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    rewrite_wheel(path, path, epoch=315532800)
    return path


async def upload(
    place: Place,
    content: bytes,
    headers: dict[str, str],
    *,
    filename: str = NAME,
    **fields: str,
) -> httpx.Response:
    sent = {":action": "file_upload", "protocol_version": "1", **fields}
    files = {"content": (filename, BytesIO(content), "application/octet-stream")}
    return await place.client.post("/legacy/", data=sent, files=files, headers=headers)


async def basic(place: Place, role: Role = Role.OPERATOR) -> dict[str, str]:
    token = (await place.bearer(role))["Authorization"].removeprefix("Bearer ")
    text = base64.b64encode(f"__token__:{token}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


async def run(place: Place, *command: str) -> tuple[int, str]:
    token = (await place.bearer(Role.OPERATOR))["Authorization"].removeprefix("Bearer ")
    environment = {
        **os.environ,
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": token,
        "TWINE_NON_INTERACTIVE": "1",
        "UV_PUBLISH_TOKEN": token,
        "UV_NO_CONFIG": "1",
        "NO_PROXY": "127.0.0.1",
    }
    ended = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return ended.returncode, ended.stdout


def twine(place: Place, wheel: Path) -> tuple[str, ...]:
    url = f"{place.client.base_url}/legacy/".replace("//legacy", "/legacy")
    return (
        *(sys.executable, "-m", "twine", "upload", "--disable-progress-bar", "--verbose"),
        *("--repository-url", url, str(wheel)),
    )


def uv(place: Place, wheel: Path) -> tuple[str, ...]:
    url = f"{place.client.base_url}/legacy/".replace("//legacy", "/legacy")
    program = Path(sys.executable).with_name("uv")
    return (str(program), "publish", "--publish-url", url, str(wheel))


@pytest.mark.parametrize("program", [twine, uv])
async def test_programs_upload_once_and_never_replace(
    memory_place: Place, tmp_path: Path, program: type
) -> None:
    place = memory_place
    wheel = made(tmp_path)
    code, said = await run(place, *program(place, wheel))
    assert code == 0, said
    (artifact,) = await place.ports.artifacts.of_project(TINY)
    content = wheel.read_bytes()
    assert artifact.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (artifact.filename, artifact.size, artifact.origin) == (
        NAME,
        len(content),
        Origin.UPLOADED,
    )
    page = (await place.client.get("/simple/tiny/")).text
    assert "data-core-metadata" in page
    (line,) = [e for e in await place.ports.events.read() if e.action == "artifact.uploaded"]
    assert (line.subject, line.actor, line.detail["digest"]) == (NAME, "ann", artifact.digest)
    code, said = await run(place, *program(place, wheel))
    assert code == 0, said
    code, said = await run(place, *program(place, made(tmp_path, body="other = 1\n")))
    assert code != 0
    assert "409" in said
    assert list(await place.ports.artifacts.of_project(TINY)) == [artifact]


async def test_whoever_may_not_uploads_nothing(place: Place, tmp_path: Path) -> None:
    content = made(tmp_path).read_bytes()
    assert (await upload(place, content, {})).status_code == 401
    for role in (Role.READER, Role.REQUESTER):
        assert (await upload(place, content, await basic(place, role))).status_code == 403
    stranger = base64.b64encode(b"ann:secret").decode()
    wrong = await upload(place, content, {"Authorization": f"Basic {stranger}"})
    assert wrong.status_code == 401
    assert (await upload(place, content, {"Authorization": "Basic ?"})).status_code == 401
    other = await place.client.get("/api/events", headers=await basic(place))
    assert other.status_code == 401
    assert list(await place.ports.artifacts.projects()) == []
    assert (await upload(place, content, await basic(place))).status_code == 201


async def test_a_name_that_was_withdrawn_stands_for_its_old_bytes_alone(
    place: Place, tmp_path: Path
) -> None:
    headers, first = await basic(place), made(tmp_path).read_bytes()
    assert (await upload(place, first, headers)).status_code == 201
    (artifact,) = await place.ports.artifacts.of_project(TINY)
    await place.ports.artifacts.withdraw(artifact.digest)  # type: ignore[attr-defined]
    other = made(tmp_path, body="other = 1\n").read_bytes()
    assert (await upload(place, other, headers)).status_code == 409
    assert (await upload(place, first, headers)).status_code == 200
    assert list(await place.ports.artifacts.of_project(TINY)) == [artifact]


async def test_what_is_no_wheel_or_not_that_one_is_refused_with_the_reason(
    place: Place, tmp_path: Path
) -> None:
    headers, good = await basic(place), made(tmp_path).read_bytes()
    fake = made(tmp_path, name="other").read_bytes()
    broken = good[:40] + bytes([good[40] ^ 1]) + good[41:]
    for content, filename, fields, status, words in [
        (b"", NAME, {}, 422, "damaged"),
        (good[:200], NAME, {}, 422, "damaged"),
        (fake, NAME, {}, 422, "METADATA is of other"),
        (broken, NAME, {}, 422, ""),
        (good, "other-1.0-py3-none-any.whl", {}, 422, "is of another release"),
        (good, "tiny-1.0-cp311-cp311-linux_x86_64.whl", {}, 422, "differ in tags"),
        (good, "tiny.whl", {}, 422, ""),
        (good, "../../tiny-1.0-py3-none-any.whl", {}, 400, "cannot name a wheel"),
        (good, "tiny-1.0.tar.gz", {}, 400, "no wheel"),
        (good, NAME, {"sha256_digest": "0" * 64}, 422, "has the digest"),
        (good, NAME, {"sha256_digest": "zz"}, 400, "sha256_digest"),
        (good, NAME, {":action": "submit"}, 400, "action"),
    ]:
        answer = await upload(place, content, headers, filename=filename, **fields)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert list(await place.ports.artifacts.projects()) == []
    assert list(await place.ports.events.read()) == []


async def test_bodies_that_are_no_form_are_refused(memory_place: Place) -> None:
    headers = await basic(memory_place)
    post = memory_place.client.post
    kind = "multipart/form-data; boundary=x"
    for content_type, body, status in [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"--x--", 415),
        (kind, b"nothing of the kind", 400),
        (kind, b'--x\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload', 400),
        (kind, b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + b"x" * (9 << 20), 413),
        (kind, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 3000, 413),
    ]:
        sent = {**headers, "Content-Type": content_type}
        answer = await post("/legacy/", content=body, headers=sent)
        assert answer.status_code == status, answer.text
    assert (await post("/legacy/", content=long_body(), headers=headers)).status_code == 415


async def long_body() -> AsyncIterator[bytes]:
    yield b"x"


async def test_a_file_over_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    seen = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal seen
        yield b'--x\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n'
        for _ in range(100):
            seen += 1
            yield b"y" * 1000

    reader = FormReader(tmp_path / "content", most=5000)
    with pytest.raises(Refusal, match="more than 5,000 bytes"):
        await reader.read("multipart/form-data; boundary=x", chunks())
    assert seen < 10


async def test_yanks_statuses_and_snapshots_over_http(place: Place, tmp_path: Path) -> None:
    assert (await upload(place, made(tmp_path).read_bytes(), await basic(place))).status_code == 201
    headers, post = await place.bearer(Role.OPERATOR, "bob"), place.client.post

    async def ask(path: str, **wish: object) -> httpx.Response:
        return await post(path, json=wish, headers=headers)

    assert (await ask("/api/index/yank", filename=NAME, reason="bad")).json() == {"changed": True}
    assert 'data-yanked="bad"' in (await place.client.get("/simple/tiny/")).text
    assert (await ask("/api/index/yank", filename=NAME, undo=True)).status_code == 200
    assert (await ask("/api/index/yank", filename="none.whl")).status_code == 404
    done = await ask("/api/index/status", project="Tiny", status="archived", reason="no more")
    assert done.status_code == 200
    assert (await ask("/api/index/status", project="no", status="archived")).status_code == 404
    assert (await ask("/api/index/status", project="tiny", status="old")).status_code == 422
    assert (await ask("/api/index/yank", filename=NAME, reason="a\nb")).status_code == 422
    readers = await place.bearer(Role.READER)
    denied = await post("/api/index/yank", json={"filename": NAME}, headers=readers)
    assert denied.status_code == 403
    if place.ports.snapshots is None:
        assert (await ask("/api/snapshots/testing")).status_code == 404
        return
    first = (await ask("/api/snapshots/testing")).json()
    assert (first["files"], first["projects"]) == (1, 1)
    moved = await ask("/api/snapshots/stable", source="testing")
    assert moved.json()["snapshot"] == first["snapshot"]
    assert (await place.client.get("/snapshots/stable/simple/tiny/")).status_code == 200
    assert (await ask("/api/snapshots/stable/rollback")).status_code == 409
    assert (await ask("/api/snapshots/UPPER")).status_code == 422
    assert (await ask("/api/snapshots/testing/remove")).status_code == 200
    assert (await ask("/api/snapshots/testing/remove")).status_code == 404
    names = (await place.client.get("/api/snapshots", headers=readers)).json()["snapshots"]
    assert [one["name"] for one in names] == ["stable"]
    actions = [(one.action, one.actor) for one in await place.ports.events.read()]
    assert actions == [
        ("artifact.uploaded", "ann"),
        ("artifact.yanked", "bob"),
        ("artifact.unyanked", "bob"),
        ("project.status", "bob"),
        ("snapshot.moved", "bob"),
        ("snapshot.moved", "bob"),
        ("snapshot.removed", "bob"),
    ]
