"""A farm's own projects as a graph, and what campaigns have built by a farm."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from store.things import TARGET, offer, wheel
from wheelyard.bus.memory import MemoryBus
from wheelyard.campaign_ports import BuildState, BuildWish, CampaignName
from wheelyard.campaigns.wheel_scan import WheelScanner
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import Terms
from wheelyard.graph.packages import EdgeKind
from wheelyard.model.artifact import InputWheel, Origin
from wheelyard.model.proposal import FileEdit
from wheelyard.model.release import Release
from wheelyard.model.request import Kind, RequestId, RequestState
from wheelyard.protocol.commands import decode_command
from wheelyard.protocol.requests import decode_wanted
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.builders import MemoryBuilderStore
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.desk import DeskPorts, StoreDesk
from wheelyard.testing.happenings import MemoryEventLog
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.queue import MemoryQueue
from wheelyard.testing.requests import MemoryRequestStore
from wheelyard.wiring.campaign_builds import FarmBuilds, FarmPortsOfCampaigns

pytestmark = pytest.mark.anyio
NAME = CampaignName("capi2")
TERMS = Terms(owner="ann", pool="any", needs={}, rank=0, request=RequestId("r0"))


class Farm:
    """A farm in memory."""

    def __init__(self, folder: Path) -> None:
        clock = ManualClock()
        self.artifacts = MemoryArtifactStore(clock=clock)
        self.jobs = MemoryJobStore(clock=clock, artifacts=self.artifacts)
        self.queue = MemoryQueue(self.jobs)
        self.requests = MemoryRequestStore(clock=clock)
        ports = DeskPorts(
            requests=self.requests,
            jobs=self.jobs,
            queue=self.queue,
            builders=MemoryBuilderStore(clock=clock),
            events=MemoryEventLog(clock=clock),
            bus=MemoryBus(log_folder=folder / "logs"),
            clock=clock,
        )
        self.builds = FarmBuilds(
            farm=FarmPortsOfCampaigns(
                desk=StoreDesk(ports),
                requests=self.requests,
                artifacts=self.artifacts,
                jobs=self.jobs,
            ),
            folder=folder / "forge",
            trials=folder / "trials",
        )

    async def publish(self, release: str, *built_with: str) -> None:
        key = f"key-{release}"
        wanted = replace(
            offer(key, release),
            requirements=tuple(
                InputWheel(
                    filename=f"{one}.whl",
                    digest=f"sha256:{one}",
                    release=Release.parse(f"{one}==1.0"),
                    origin=Origin.BUILT,
                )
                for one in built_with
            ),
        )
        await self.queue.submit(wanted, TERMS)
        made = replace(wheel(release, release), build_key=key, target=TARGET)
        name = made.filename.replace("py2.py3-none-any", "cp312-cp312-linux_x86_64")
        await self.artifacts.publish(replace(made, filename=name))


async def test_what_wheels_were_built_with_and_need_are_the_edges(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    await farm.publish("capi==1.0", "setuptools")
    await farm.publish("user==1.0", "capi")
    await farm.publish("user==2.0", "capi", "typing-extensions")
    await farm.publish("typing-extensions==4.0")

    graph = (await WheelScanner(artifacts=farm.artifacts, queue=farm.queue).scan()).graph

    assert graph.parents()["user"] == ("capi", "typing-extensions")
    edge = graph.edge("typing-extensions", "user")
    assert edge is not None
    assert edge.kinds == {EdgeKind.HOST, EdgeKind.RUN}
    assert graph.packages["user"].noarch == ""


async def test_a_project_is_built_again_for_the_targets_that_it_has(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    await farm.publish("capi==1.0")
    wish = BuildWish(campaign=NAME, package="capi", repository="", commit="")

    build = await farm.builds.ask(wish)
    assert (await farm.builds.answer(build)).state is BuildState.WAITING
    assert await farm.builds.ask(wish) == build
    await farm.requests.end(RequestId(build), RequestState.FAILED, "no gcc", ())

    request = await farm.requests.get(RequestId(build))
    assert request is not None
    wanted = decode_wanted(request.text)
    assert request.kind is Kind.WHEELS
    assert wanted.requirements == ("capi==1.0",)
    assert wanted.targets == (str(TARGET),)
    answer = await farm.builds.answer(build)
    assert (answer.state, answer.reason) == (BuildState.FAILED, "no gcc")
    assert (await farm.builds.answer("gone")).state is BuildState.FAILED
    again = await farm.builds.ask(wish)
    said = "failed: no channel has zlib as it is required"
    await farm.requests.end(RequestId(again), RequestState.FAILED, said, ())
    assert (await farm.builds.answer(again)).state is BuildState.NOT_SOLVABLE


async def test_a_project_without_wheels_cannot_be_built_again(tmp_path: Path) -> None:
    wish = BuildWish(campaign=NAME, package="capi", repository="", commit="")

    with pytest.raises(ConfigurationError, match="there is no wheel of 'capi'"):
        await Farm(tmp_path).builds.ask(wish)


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
async def test_a_trial_is_made_in_a_copy_that_nobody_looks_at(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    tree, bare = tmp_path / "tree", tmp_path / "forge" / "png.git"

    def git(*arguments: str | Path) -> str:
        names = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
        ran = subprocess.run(
            ["git", *names, *map(str, arguments)], check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    tree.mkdir()
    (tree / "a").write_text("old\n")
    git("init", "-q", "-b", "main", tree)
    git("-C", tree, "add", "-A")
    git("-C", tree, "commit", "-q", "-m", "Begin")
    git("clone", "-q", "--bare", tree, bare)
    commit = git("-C", bare, "rev-parse", "main")
    wish = BuildWish(campaign=NAME, package="png", repository="png", commit=commit)
    tried = replace(wish, files=(FileEdit(path="a", content=b"new\n"),))

    build, trial = await farm.builds.ask(wish), await farm.builds.ask(tried)

    asked = [await farm.requests.get(RequestId(one)) for one in (build, trial)]
    whole, changed = [decode_command(one.text) for one in asked if one is not None]
    assert (whole.repository, whole.revision) == (bare.as_uri(), commit)
    # What nobody has agreed to is for nobody to install.
    assert (whole.channel, changed.channel) == (True, False)
    copy = changed.repository.removeprefix("file://")
    assert copy.startswith(str(tmp_path / "trials"))
    assert git("-C", copy, "show", f"{changed.revision}:a") == "new"
    assert git("-C", bare, "branch", "--list") == "* main"
