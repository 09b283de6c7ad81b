"""What people decide about an index, as installers see it: statuses, snapshots, and upstream behind it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from index.stock import Stock, opened, published
from index.test_installers import ENVIRONMENT
from wheelyard.cli.app import app
from wheelyard.index.fallthrough import Fallthrough
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.index.verify import read_links
from wheelyard.model.listing import ProjectStatus, Status
from wheelyard.model.release import project_name

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
Body = Callable[[Stock, httpx.AsyncClient], Awaitable[None]]


@asynccontextmanager
async def served(stock: Stock, upstream: Fallthrough | None = None) -> AsyncIterator[str]:
    server = IndexServer(
        artifacts=stock.folder.artifacts,
        blobs=stock.blobs,
        freshness=0,
        snapshots=stock.folder.snapshots,
        upstream=upstream,
    )
    async with running(server) as address:
        yield address


def ask(state: Path, body: Body) -> None:
    async def run() -> None:
        async with (
            opened(state) as stock,
            served(stock) as address,
            httpx.AsyncClient(base_url=address) as asked,
        ):
            await body(stock, asked)

    asyncio.run(run())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def command(state: Path, *words: str, exit_code: int = 0) -> str:
    ended = CliRunner().invoke(app, ["index", *words, "--state", str(state)])
    assert ended.exit_code == exit_code or ended.exception is not None, ended.output
    if exit_code and ended.exception is not None:
        return str(ended.exception)
    assert ended.exit_code == exit_code, ended.output
    return ended.stdout


def test_a_status_is_on_both_pages_and_a_quarantine_offers_nothing(state: Path) -> None:
    async def body(stock: Stock, asked: httpx.AsyncClient) -> None:
        tiny = await stock.publish("tiny", "1.0")
        page = (await asked.get("/simple/tiny/", headers=JSON)).json()
        assert page["project-status"] == {"status": "active"}
        assert page["meta"]["api-version"] == "1.4"
        assert page["versions"] == ["1.0"]
        link = asked.base_url.join("/simple/tiny/").join(page["files"][0]["url"])
        assert (await asked.get(link)).status_code == 200
        name = project_name("tiny")
        for status in (Status.ARCHIVED, Status.DEPRECATED, Status.QUARANTINED):
            wanted = ProjectStatus(status=status, reason='say "why" <b>')
            await stock.folder.artifacts.set_status(name, wanted)
            answer = await asked.get("/simple/tiny/", headers=JSON)
            said = answer.json()
            assert said["project-status"] == {"status": status, "reason": 'say "why" <b>'}
            html = (await asked.get("/simple/tiny/")).text
            assert f'<meta name="pypi:project-status" content="{status}">' in html
            assert "say &quot;why&quot; &lt;b&gt;" in html
        assert (said["files"], said["versions"], read_links(html.encode())) == ([], [], [])
        assert (await asked.get(link)).status_code == 404
        await stock.folder.artifacts.set_status(name, ProjectStatus())
        assert (await asked.get(link)).status_code == 200
        assert tiny.size

    ask(state, body)


def test_statuses_and_yanks_are_set_by_commands(state: Path) -> None:
    tiny = published(state, "tiny", "1.0")
    assert command(state, "status", "tiny") == "active\n"
    said = command(state, "status", "Tiny", "archived", "--reason", "no more")
    assert said == command(state, "status", "tiny") == "archived: no more\n"
    assert "nothing of 'other' was ever published" in command(
        state, "status", "other", "archived", exit_code=2
    )
    command(state, "yank", tiny.filename, "--reason", "broken")
    assert json.loads(command(state, "list", "--json"))[0]["files"][0]["yanked"] == "broken"


def test_a_snapshot_is_an_index_of_its_own(state: Path) -> None:
    async def body(stock: Stock, asked: httpx.AsyncClient) -> None:
        await stock.publish("tiny", "1.0", signed=True)
        taken = await stock.folder.snapshots.create("testing")
        await stock.publish("tiny", "1.1")
        for name in ("testing", str(taken.snapshot.id)):
            page = f"/snapshots/{name}/simple/tiny/"
            for _ in range(2):
                answer = await asked.get(page, headers=JSON)
                files = answer.json()["files"]
                assert [one["filename"] for one in files] == ["tiny-1.0-py3-none-any.whl"]
            etag = answer.headers["etag"]
            again = await asked.get(page, headers={**JSON, "If-None-Match": etag})
            assert again.status_code == 304
            for link in (files[0]["url"], files[0]["url"] + ".metadata", files[0]["provenance"]):
                assert (await asked.get(answer.url.join(link))).status_code == 200
        now = (await asked.get("/simple/tiny/", headers=JSON)).json()
        assert now["versions"] == ["1.0", "1.1"]
        newest = asked.base_url.join("/snapshots/testing/simple/tiny/").join(now["files"][1]["url"])
        assert (await asked.get(newest)).status_code == 404
        moved = await asked.get("/snapshots/testing/")
        assert moved.next_request is not None
        assert moved.next_request.url.path == "/snapshots/testing/simple/"
        for unknown in ("/snapshots/none/simple/", "/snapshots/", f"/snapshots/{'9' * 40}/simple/"):
            assert (await asked.get(unknown)).status_code == 404

    ask(state, body)


def test_promotion_and_rollback_move_what_installers_see(state: Path) -> None:
    published(state, "tiny", "1.0")
    command(state, "snapshot", "create", "testing")
    command(state, "snapshot", "promote", "testing", "stable")
    published(state, "tiny", "1.1")
    command(state, "snapshot", "create", "testing")

    def versions(name: str) -> list[str]:
        seen: list[str] = []

        async def body(_: Stock, asked: httpx.AsyncClient) -> None:
            answer = await asked.get(f"/snapshots/{name}/simple/tiny/", headers=JSON)
            seen.extend(answer.json()["versions"])

        ask(state, body)
        return seen

    assert (versions("stable"), versions("testing")) == (["1.0"], ["1.0", "1.1"])
    command(state, "snapshot", "promote", "testing", "stable")
    assert versions("stable") == ["1.0", "1.1"]
    command(state, "snapshot", "rollback", "stable")
    assert versions("stable") == ["1.0"]
    names = json.loads(command(state, "snapshot", "list", "--json"))
    assert [one["name"] for one in names] == ["stable", "testing"]
    command(state, "snapshot", "remove", "stable")
    assert "no snapshot is named 'stable'" in command(
        state, "snapshot", "rollback", "stable", exit_code=2
    )


def test_pip_installs_from_here_first_and_the_rest_from_upstream(
    state: Path, tmp_path: Path
) -> None:
    async def run() -> None:
        async with opened(state) as ours, opened(tmp_path / "upstream") as theirs:
            await ours.publish("tiny", "1.0")
            await theirs.publish("tiny", "9.0")
            await theirs.publish("small", "2.0")
            await theirs.publish("inner_thing", "1.0")
            async with served(theirs) as behind:
                rules = Fallthrough(
                    upstream=f"{behind}/simple",
                    projects=ours.folder.artifacts,
                    own=("inner-*",),
                )
                async with served(ours, rules) as address:
                    await look(address, behind)
                    await asyncio.to_thread(install, address, tmp_path / "site")

    async def look(address: str, behind: str) -> None:
        async with httpx.AsyncClient(base_url=address) as asked:
            moved = await asked.get("/simple/small/", headers=JSON)
            assert (moved.status_code, moved.headers["location"]) == (
                302,
                f"{behind}/simple/small/",
            )
            assert moved.headers["cache-control"] == "no-cache"
            ours = (await asked.get("/simple/tiny/", headers=JSON)).json()
            assert ours["versions"] == ["1.0"]
            assert (await asked.get("/simple/inner-thing/")).status_code == 404

    def install(address: str, site: Path) -> None:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-cache-dir",
            "--target",
            str(site),
        ]
        words = ["--index-url", f"{address}/simple/", "tiny", "small"]
        subprocess.run([*pip, *words], check=True, env=ENVIRONMENT)
        found = {path.name for path in site.glob("*.dist-info")}
        assert found == {"tiny-1.0.dist-info", "small-2.0.dist-info"}

    asyncio.run(run())


def test_a_project_that_lost_all_its_files_does_not_fall_through(state: Path) -> None:
    async def run() -> None:
        async with opened(state) as stock:
            tiny = await stock.publish("tiny", "1.0")
            rules = Fallthrough(
                upstream="http://upstream.invalid/simple/", projects=stock.folder.artifacts
            )
            await stock.folder.artifacts.withdraw(tiny.digest)
            async with served(stock, rules) as address, httpx.AsyncClient() as asked:
                assert (await asked.get(f"{address}/simple/tiny/")).status_code == 404
                assert (await asked.get(f"{address}/simple/other/")).status_code == 302

    asyncio.run(run())
