"""A staging index: what a trial's archive holds, served beside the index and never in it."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from store.things import built, offer
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.campaign_ports import BuildWish, CampaignName
from wheelyard.farm_ports import Terms
from wheelyard.index.server import IndexServer
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import BuildKey
from wheelyard.model.proposal import FileEdit
from wheelyard.model.release import Release, project_name
from wheelyard.model.request import RequestId
from wheelyard.store.folder import StateFolder
from wheelyard.testing.sdists import SdistSpec, write_wheel
from wheelyard.wiring.campaign_builds import FarmBuilds, FarmPortsOfCampaigns
from wheelyard.wiring.campaign_staging import Staging, staging_name

pytestmark = pytest.mark.anyio
NAME = CampaignName("zlib2")


class Yard:
    """A state folder in which trials end."""

    def __init__(self, folder: StateFolder) -> None:
        self.folder = folder
        self.blobs = FolderBlobs(folder.path / "blobs", own=folder.path)
        self.staging = Staging(
            store=folder.staging, blobs=self.blobs, scratch=folder.path / "scratch"
        )

    async def trial(self, request: str, **files: bytes) -> None:
        """Let the job of a request leave an archive."""
        key = BuildKey(f"key-{request}")
        await self.folder.queue.submit(
            offer(key, "png==3"),
            Terms(
                owner="campaigns",
                pool="any",
                needs={},
                rank=0,
                request=RequestId(request),
            ),
        )
        found = await self.folder.queue.lease_next(
            {"any": ()}, "arm-1", owners=["campaigns"], count=1, seconds=60
        )
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for name, content in files.items():
                archive.writestr(f"dist/{name}", content)
        content = written.getvalue()
        artifact = Artifact(
            filename="png-3.zip",
            digest=await self.blobs.add_bytes(content),
            size=len(content),
            release=Release.parse("png==3"),
            tags=frozenset(),
            origin=Origin.COMMAND,
            build_key=key,
        )
        lease = found[0][1]
        assert await self.folder.jobs.finish(lease.key, lease.fence, built(artifact)) is not None

    async def get(self, path: str) -> httpx.Response:
        index = IndexServer(
            artifacts=self.folder.artifacts,
            blobs=self.blobs,
            freshness=0,
            snapshots=self.folder.snapshots,
        )
        transport = httpx.ASGITransport(app=index)
        async with httpx.AsyncClient(transport=transport, base_url="http://farm.test") as client:
            return await client.get(path, headers={"Accept": "text/html"})


def wheel(folder: Path, version: str, requires: str = "six") -> dict[str, bytes]:
    spec = SdistSpec(name="png", version=version, requires=(requires,))
    path = write_wheel(spec, folder)
    return {path.name: path.read_bytes()}


async def test_the_wheels_of_a_trial_are_served_beside_the_index(tmp_path: Path) -> None:
    files = wheel(tmp_path, "1.0")
    [(filename, content)] = files.items()
    async with await StateFolder.open(tmp_path / "state") as folder:
        yard = Yard(folder)
        await yard.trial("r1", **files, **{"notes.txt": b"x", "bad-1.0-py3-none-any.whl": b"no"})
        assert not await yard.staging.has(NAME)

        assert await yard.staging.stage(NAME, "r1") == 1

        assert await yard.staging.has(NAME)
        page = await yard.get("/snapshots/staging-zlib2/simple/png/")
        assert filename in page.text
        digest = page.text.partition("#sha256=")[2][:64]
        got = await yard.get(f"/snapshots/staging-zlib2/files/{digest}/{filename}")
        assert got.content == content
        assert (await yard.get("/simple/png/")).status_code == 404
        assert (await yard.get(f"/files/{digest}/{filename}")).status_code == 404
        assert list(await folder.artifacts.of_project(project_name("png"))) == []
        named = {one.digest for one in await folder.references.all()}
        assert f"sha256:{digest}" in named

        await yard.staging.clear(NAME)
        await yard.staging.clear(NAME)
        assert (await yard.get("/snapshots/staging-zlib2/simple/png/")).status_code == 404


async def test_a_later_trial_adds_its_wheels_and_takes_the_place_of_those_of_its_name(
    tmp_path: Path,
) -> None:
    async with await StateFolder.open(tmp_path / "state") as folder:
        yard = Yard(folder)
        await yard.trial("r1", **wheel(tmp_path, "1.0"))
        await yard.trial("r2", **wheel(tmp_path, "1.0", requires="attrs"), **wheel(tmp_path, "2.0"))
        for request in ("r1", "r2", "r2"):
            await yard.staging.stage(NAME, request)

        [named] = await folder.snapshots.names()
        assert (named.name, named.snapshot.files) == ("staging-zlib2", 2)
        assert len(await folder.snapshots.all()) == 1
        kept = await folder.snapshots.artifacts(named.snapshot).of_project(project_name("png"))
        assert [str(one.release.version) for one in kept] == ["1.0", "2.0"]
        assert kept[0].requires_dist == ("attrs",)


async def test_a_trial_is_told_where_the_others_left_theirs(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path / "state") as folder:
        yard = Yard(folder)
        farm = FarmPortsOfCampaigns(
            desk=None,  # type: ignore[arg-type]  # nothing is asked for here
            requests=folder.requests,
            artifacts=folder.artifacts,
            jobs=folder.jobs,
            staging=yard.staging,
        )
        builds = FarmBuilds(
            farm=farm, folder=None, trials=tmp_path / "t", index="http://farm.test/"
        )
        whole = BuildWish(campaign=NAME, package="tiff", repository="tiff", commit="c")
        trial = replace(whole, files=(FileEdit(path="a", content=b"b"),))
        before = dict(await builds.variables(trial))
        await yard.trial("r1", **wheel(tmp_path, "1.0"))
        await builds.stage(NAME, "r1")

        assert before == dict(await builds.variables(whole))
        assert before["PIP_INDEX_URL"] == "http://farm.test/simple/"
        found = dict(await builds.variables(trial))
        assert found["UV_INDEX"] == "http://farm.test/snapshots/staging-zlib2/simple/"
        assert found["PIP_EXTRA_INDEX_URL"] == found["UV_INDEX"]
        await builds.unstage(NAME)
        assert dict(await builds.variables(trial)) == before


def test_two_campaigns_never_share_a_staging_index() -> None:
    names = ["zlib2", "ZLIB2", "Zlib2", "a+b", "a-b", "x" * 100, "x" * 99]
    found = {staging_name(one) for one in names}
    assert len(found) == len(names)
    assert all(len(one) <= 60 for one in found)
