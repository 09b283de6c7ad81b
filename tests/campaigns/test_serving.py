"""A farm with recipes, as one process: what it looks for, hears and offers by itself."""

import asyncio
import hashlib
import hmac
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from campaigns.world import PINS, recipe
from forge.github_hub import OWNER, TOKEN
from forge.worlds import GitHubWorld
from upstream.web import Site
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.service import Campaigns
from wheelyard.campaigns.version_rounds import Following, VersionRules
from wheelyard.forge.git import GitForge
from wheelyard.forge_ports import Forge
from wheelyard.model.proposal import ProposalName
from wheelyard.store.folder import StateFolder
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.memo import MemoryMemo
from wheelyard.testing.sdists import SdistSpec, write_sdist, write_wheel
from wheelyard.wiring.farm_campaigns import CampaignSettings
from wheelyard.wiring.local import FarmSettings
from wheelyard.wiring.serve import Served, ServeSettings, serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here"),
]
PATIENCE = 60.0
SECRET = b"a secret that nobody guesses"


def git(*arguments: str | Path) -> str:
    command = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
    ran = subprocess.run(
        [*command, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def repository(folder: Path, name: str, text: str, more: Mapping[str, bytes] | None = None) -> Path:
    """Make a bare repository with a recipe, and more files."""
    tree, bare = folder / "trees" / name, folder / "forge" / f"{name}.git"
    (tree / "recipe").mkdir(parents=True)
    (tree / "recipe" / "meta.yaml").write_text(text)
    for path, content in (more or {}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    git("init", "-q", "-b", "main", tree)
    git("-C", tree, "add", "-A")
    git("-C", tree, "commit", "-q", "-m", "Begin")
    git("clone", "-q", "--bare", tree, bare)
    return bare


@asynccontextmanager
async def farm(
    folder: Path,
    campaigns: CampaignSettings,
    *,
    port: int = 0,
    builders: int = 0,
) -> AsyncIterator[Served]:
    index = folder / "index"
    index.mkdir(exist_ok=True)
    settings = ServeSettings(
        farm=FarmSettings(state=folder / "state", indexes=(str(index),), slots=1, network=True),
        port=port,
        builders=builders,
        local_repositories=True,
        campaigns=campaigns,
    )
    async with serving(settings) as served:
        yield served


async def until(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again until the answer is true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await ask()):
            await asyncio.sleep(0.1)
    return found


@pytest.fixture
def site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


async def test_a_new_version_upstream_is_shown_and_offered(tmp_path: Path, site: Site) -> None:
    (tmp_path / "index").mkdir()
    for version in ("1.0", "1.1"):
        spec = SdistSpec(name="thing", version=version, requires=("six>=1.5",))
        write_sdist(spec, tmp_path / "index")
    place = "/packages/source/t/thing/thing-{}.tar.gz"
    site.put(place.format("1.1"), (tmp_path / "index" / "thing-1.1.tar.gz").read_bytes())
    text = (
        '{% set version = "1.0" %}\npackage:\n  name: thing\n  version: {{ version }}\n'
        f"source:\n  url: {site.url}{place.format('{{ version }}')}\n  sha256: {'0' * 64}\n"
        "build:\n  number: 2\n"
    )
    bare = repository(tmp_path, "thing-feedstock", text)
    rules = VersionRules(following=Following.PROPOSE, builds=False)
    settings = CampaignSettings(feedstocks=tmp_path / "forge", versions=rules)

    async with (
        farm(tmp_path, settings) as served,
        httpx.AsyncClient(base_url=served.address, trust_env=False) as client,
    ):

        async def versions() -> Any:
            told = (await client.get("/versions", headers={"Accept": "application/json"})).json()
            return told["versions"]

        async def branch() -> str:
            return git("-C", bare, "branch", "--list", "wheelyard/thing-1.1")

        [seen] = await until(versions)
        assert (seen["source"], seen["version"], seen["current"]) == ("pypi", "1.1", "1.0")
        await until(branch)
        offered = git("-C", bare, "show", "wheelyard/thing-1.1:recipe/meta.yaml")
    assert 'set version = "1.1"' in offered
    assert "0" * 64 not in offered
    assert "run: six >=1.5" in git("-C", bare, "log", "-1", "--format=%B", "wheelyard/thing-1.1")


_COPY = "import os, shutil; os.mkdir('dist'); [shutil.copy(f'made/{one}', 'dist') for one in os.listdir('made')]"
_READ = (
    "import os, pathlib, urllib.request as web; "
    "page = web.urlopen(os.environ['PIP_EXTRA_INDEX_URL'] + 'png/').read(); "
    "os.mkdir('dist'); pathlib.Path('dist/seen.html').write_bytes(page)"
)


def job(program: str) -> bytes:
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    text = f'command = ["python", "-c", "{program}"]\nartifacts = ["dist/*"]\n'
    return f'{text}[needs]\npython = "{python}"\n'.encode()


async def test_a_trial_is_built_with_what_the_trial_before_it_left(tmp_path: Path) -> None:
    wheel = write_wheel(SdistSpec(name="png", version="1.0"), tmp_path)
    repository(
        tmp_path,
        "png-feedstock",
        recipe("png", "zlib").decode(),
        {"wheelyard-job.toml": job(_COPY), f"made/{wheel.name}": wheel.read_bytes()},
    )
    more = {"wheelyard-job.toml": job(_READ)}
    repository(tmp_path, "tiff-feedstock", recipe("tiff", "zlib", "png").decode(), more)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    forge = GitForge(folder=tmp_path / "forge")
    settings = CampaignSettings(feedstocks=tmp_path / "forge", index=f"http://127.0.0.1:{port}")
    async with (
        farm(tmp_path, settings, port=port, builders=1) as served,
        httpx.AsyncClient(base_url=served.address, trust_env=False) as client,
    ):
        await start(tmp_path / "state", forge, trial=True)

        async def tried() -> Any:
            page = "/migrations/zlib2/packages/tiff"
            told = await client.get(page, headers={"Accept": "application/json"})
            package = told.json().get("package", {})
            return package if "its trial" in package.get("why", "") else None

        tiff = await until(tried)
        assert tiff["state"] == "awaiting-parents"
        assert tiff["why"].endswith("its trial with what theirs left: it passed")
        staged = await client.get("/snapshots/staging-zlib2/simple/png/")
        assert wheel.name in staged.text
        assert (await client.get("/simple/png/")).status_code == 404
        assert "wheelyard/zlib2" in git("-C", tmp_path / "forge" / "png-feedstock.git", "branch")


async def test_a_merge_on_github_is_heard_by_a_signed_hook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = GitHubWorld(tmp_path / "github")
    world.create("png-feedstock", {"recipe/meta.yaml": recipe("png", "zlib")})
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", world.hub.url)
    where = Path(f"github:{OWNER}/*")
    name = world.repository("png-feedstock")
    try:
        async with (
            farm(tmp_path, CampaignSettings(feedstocks=where, hook_secret=SECRET)) as served,
            httpx.AsyncClient(base_url=served.address, trust_env=False) as client,
        ):
            await start(tmp_path / "state", world.forge)

            async def state() -> str:
                page = "/migrations/zlib2/packages/png"
                told = await client.get(page, headers={"Accept": "application/json"})
                return str(told.json()["package"]["state"]) if told.is_success else ""

            async def proposed() -> bool:
                return await state() == "proposed"

            async def published() -> bool:
                return await state() == "published"

            await until(proposed)
            world.merge(ProposalName(repository=name, key="zlib2"))
            content = msgspec.json.encode({"repository": {"full_name": name.upper()}})
            signature = hmac.new(SECRET, content, hashlib.sha256).hexdigest()
            headers = {
                "X-GitHub-Event": "pull_request",
                "X-Hub-Signature-256": f"sha256={signature}",
            }
            answer = await client.post("/api/hooks/github", content=content, headers=headers)
            assert answer.status_code == 202
            await until(published)
    finally:
        await world.close()


async def start(state: Path, forge: Forge, *, trial: bool = False) -> None:
    """Begin a campaign as another process does, that a farm carries on."""
    scan = await Scanner(memory=MemoryMemo(), processes=1).forge(forge)
    wish = Intention(name="zlib2", owner="ann", pins=PINS, builds=trial, trial=trial)
    async with await StateFolder.open(state) as folder:
        campaigns = Campaigns(
            store=folder.campaigns,
            forge=forge,
            clock=ManualClock(),
            events=folder.events,
        )
        await campaigns.record(planned(wish, scan.graph, ManualClock().now()), scan.places)
