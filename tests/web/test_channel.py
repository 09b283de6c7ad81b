"""Conda packages that people upload to a farm, and who may."""

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from index.channel import world
from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.protocol.commands import CommandWanted, encode_command
from wheelyard.testing.conda_packages import conda_package
from wheelyard.web.access import Bearer
from wheelyard.web.channel import PackageDesk
from wheelyard.web.endpoint import Call
from wheelyard.web.refusals import Refusal

pytestmark = pytest.mark.anyio
NAME = "liba-1.0-0.conda"
PLACE = f"/conda/noarch/{NAME}"
UPLOAD = """
import sys
from rattler_build import upload_package_to_artifactory

path, url, token = sys.argv[1:]
upload_package_to_artifactory([path], url, "conda", token=token)
"""


async def put(
    place: Place, content: bytes, path: str = PLACE, role: Role = Role.OPERATOR, **headers: str
) -> httpx.Response:
    bearer = await place.bearer(role)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return await place.client.put(path, content=content, headers={**bearer, **more})


def made(folder: Path, **more: object) -> bytes:
    return conda_package(folder / "made", "liba", **more).read_bytes()  # type: ignore[arg-type]


async def test_a_package_that_is_uploaded_can_be_had(place: Place, tmp_path: Path) -> None:
    content = made(tmp_path)
    answer = await put(place, content)
    assert answer.status_code == 201, answer.text
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert answer.json() == {"package": f"noarch/{NAME}", "digest": digest, "new": True}
    assert (await place.client.get(PLACE)).content == content
    said = (await place.client.get("/conda/noarch/repodata.json")).json()
    assert list(said["packages.conda"]) == [NAME]
    (line,) = [one for one in await place.ports.events.read() if one.action == "package.added"]
    assert (line.subject, line.actor) == (f"noarch/{NAME}", "ann")
    again = await put(place, content)
    assert (again.status_code, again.json()["new"]) == (200, False)


async def test_only_operators_upload(place: Place, tmp_path: Path) -> None:
    for role in (Role.READER, Role.REQUESTER, Role.BUILDER, Role.ENROLMENT):
        assert (await put(place, made(tmp_path), role=role)).status_code in {401, 403}
    assert (await place.client.put(PLACE, content=made(tmp_path))).status_code == 401
    assert (await place.client.get(PLACE)).status_code == 404


async def test_published_bytes_never_change(place: Place, tmp_path: Path) -> None:
    assert (await put(place, made(tmp_path))).status_code == 201
    other = await put(place, made(tmp_path, files={"other": b"x"}))
    assert other.status_code == 409
    assert "build number" in other.json()["hint"]


async def test_what_is_no_package_of_that_name_is_refused(place: Place, tmp_path: Path) -> None:
    lying = conda_package(tmp_path / "b", "libb", index={"name": "liba"}).read_bytes()
    for path, content, message in (
        ("linux-64/liba-1.0-0.conda", made(tmp_path), "its subdir is 'noarch'"),
        ("noarch/libb-1.0-0.conda", lying, "its name is 'liba'"),
        ("linux-9000/liba-1.0-0.conda", made(tmp_path), "there is no subdir"),
        ("noarch/liba.conda", made(tmp_path), "cannot name a conda package"),
        ("noarch/liba-1.0-0.whl", made(tmp_path), "cannot name a conda package"),
        ("noarch/repodata.json", b"{}", "cannot name a conda package"),
        (f"noarch/{NAME}", b"", "cannot be read"),
        (f"noarch/{NAME}", b"junk", "cannot be read"),
    ):
        answer = await put(place, content, f"/conda/{path}")
        assert answer.status_code == 422
        assert message in answer.json()["error"]
    assert list(tmp_path.rglob("upload-*")) == []


async def test_bytes_are_held_against_what_was_announced(place: Place, tmp_path: Path) -> None:
    content = made(tmp_path)
    wrong = await put(place, content, X_Checksum_Sha256="0" * 64)
    assert wrong.status_code == 422
    assert (await put(place, content, X_Checksum_Sha256="junk")).status_code == 400
    right = hashlib.sha256(content).hexdigest()
    assert (await put(place, content, X_Checksum_Sha256=right)).status_code == 201


@pytest.mark.parametrize("announced", ["1000", ""])
async def test_a_package_that_is_too_large_is_refused_before_and_while_it_comes(
    tmp_path: Path, announced: str
) -> None:
    one, came = world(tmp_path), 0

    async def receive() -> dict[str, object]:
        nonlocal came
        came += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    scope = {
        "type": "http",
        "method": "PUT",
        "path_params": {"subdir": "noarch", "filename": NAME},
        "headers": [(b"content-length", announced.encode())] if announced else [],
    }
    bearer = Bearer(token="", role=Role.OPERATOR, subject="ann")
    with pytest.raises(Refusal, match="more than 100 bytes") as caught:
        await PackageDesk(one.door, most=100).take(Call(Request(scope, receive), bearer))
    assert caught.value.status == 413
    assert came == (0 if announced else 2)


async def test_a_package_is_hidden_from_solvers_and_shown_again(
    place: Place, tmp_path: Path
) -> None:
    await put(place, made(tmp_path))
    bearer = await place.bearer(Role.OPERATOR)
    wish = {"filename": f"noarch/{NAME}", "reason": "it crashes"}
    assert (
        await place.client.post("/api/index/yank", json=wish, headers=bearer)
    ).status_code == 200
    said = (await place.client.get("/conda/noarch/repodata.json")).json()
    assert (said["packages.conda"], said["removed"]) == ({}, [NAME])
    assert (await place.client.get(PLACE)).status_code == 200
    undo = {"filename": NAME, "undo": True}
    assert (
        await place.client.post("/api/index/yank", json=undo, headers=bearer)
    ).status_code == 200
    said = (await place.client.get("/conda/noarch/repodata.json")).json()
    assert list(said["packages.conda"]) == [NAME]
    nothing = {"filename": "libz-1.0-0.conda"}
    answer = await place.client.post("/api/index/yank", json=nothing, headers=bearer)
    assert answer.status_code == 404
    reader = await place.bearer(Role.REQUESTER)
    answer = await place.client.post("/api/index/yank", json=wish, headers=reader)
    assert answer.status_code == 403


async def test_only_operators_ask_for_packages_in_the_channel(place: Place) -> None:
    wanted = CommandWanted(
        repository="https://git.example/liba.git", line="make", artifacts=("x",), channel=True
    )
    body = b'{"kind": "command", "asked": %b}' % encode_command(wanted)
    for role, status in ((Role.REQUESTER, 403), (Role.OPERATOR, 201)):
        bearer = await place.bearer(role)
        answer = await place.client.post("/api/requests", content=body, headers=bearer)
        assert answer.status_code == status


async def test_a_real_uploader_lets_packages_in(place: Place, tmp_path: Path) -> None:
    pytest.importorskip("rattler_build")
    path = conda_package(tmp_path / "made", "liba")
    token = (await place.bearer(Role.OPERATOR))["Authorization"].removeprefix("Bearer ")
    url = str(place.client.base_url).rstrip("/")
    # In a process of its own: it holds the interpreter for as long as it waits for the farm.
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", UPLOAD, str(path), url, token],
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert (await place.client.get(PLACE)).content == path.read_bytes()
