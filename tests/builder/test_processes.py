"""``wheelyard builder`` as a process, on a farm over real connections: killed, stopped, cut off, asked to leave."""

import asyncio
import gzip
import secrets
import shutil
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

import wheelyard
from builder.http_farm import BUILDER, CODE, HttpFarm
from builder.processes import Site
from builder.world import LONG, World
from executor.yard import running
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.model.job import Outcome
from wheelyard.protocol.messages import Returned

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
async def interpreters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers of this machine's Pythons, which the builders need not ask again."""
    cache = tmp_path_factory.mktemp("interpreters") / "interpreters.json"
    await MachineInterpreters.find(cache=cache)
    return cache


@pytest.fixture
async def site(world: World, interpreters: Path, tmp_path: Path) -> AsyncIterator[Site]:
    farm = HttpFarm(bus=world.farm.bus, blobs=world.blobs, scratch=tmp_path)
    state = tmp_path / "state"
    (state / "cache").mkdir(parents=True)
    shutil.copy(interpreters, state / "cache" / "interpreters.json")
    async with farm.serving():
        yield Site(world, farm, state)


async def test_a_job_is_built_and_its_token_is_nowhere_to_be_found(site: Site) -> None:
    secret = secrets.token_hex(12)
    hook = textwrap.dedent(
        f"""
        import glob, os, subprocess
        secrets = [{secret[::-1]!r}[::-1], {BUILDER[::-1]!r}[::-1]]
        def holds(path):
            try:
                content = open(path, "rb").read(1 << 20)
            except OSError:
                return False
            return any(secret.encode() in content for secret in secrets)
        places = [p for p in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline")]
        print("processes that hold it:", [p for p in places if holds(p)])
        print("variables that hold it:", [n for n, v in os.environ.items() if any(s in v for s in secrets)])
        skipped = {{"proc", "sys", "dev", "usr", "lib", "lib64", "bin", "sbin", "opt", "boot"}}
        places = ["/" + name for name in os.listdir("/") if name not in skipped]
        found = subprocess.run(
            ["grep", "-rslF", "-e", secrets[0], "-e", secrets[1], *places], stdout=subprocess.PIPE
        )
        print("files that hold it:", found.stdout.decode().split())
        """
    )
    offer = site.world.offer(hook)
    site.farm.jobs[secret] = (offer.key, "1")
    async with site.builder("--name", "arm-1", "--sandbox", "require") as builder:
        site.world.farm.token = secret
        await site.world.farm.assign(offer)
        report = await site.world.farm.result()
        log = gzip.decompress(await site.world.blobs.read(report.log_digest)).decode()
        builder.send(signal.SIGTERM)
        assert await builder.ended() == 0
        printed = "".join(builder.printed)

    assert report.outcome is Outcome.BUILT, log
    for line in ("processes that hold it: []", "variables that hold it: []"):
        assert line in log
    # What greps is the build's own text, in which both are written backwards.
    assert "files that hold it: []" in log
    for text in (log, printed):
        assert secret not in text
        assert BUILDER not in text
        assert CODE not in text


async def test_killed_in_mid_upload_it_delivers_after_its_restart_without_building_again(
    site: Site,
) -> None:
    site.farm.hold = asyncio.Event()
    async with site.builder() as builder:
        await site.assign(site.world.offer())
        await site.farm.uploading.wait()
        builder.send(signal.SIGKILL)
        await builder.ended()
    assert site.world.farm.words == []
    site.farm.hold = None

    async with site.builder() as again:
        report = await site.world.farm.result()
        again.send(signal.SIGTERM)
        assert await again.ended() == 0
        assert not [line for line in again.printed if "began" in line]
    assert report.outcome is Outcome.BUILT
    assert report.artifact is not None
    assert site.world.blobs.path(report.artifact.digest) is not None


async def test_killed_in_mid_build_it_says_after_its_restart_that_the_job_was_lost(
    site: Site,
) -> None:
    offer = site.world.offer("import time; print('began', flush=True); time.sleep(30)")
    async with site.builder() as builder:
        offer = await site.assign(offer)
        await site.world.farm.step("build")
        builder.send(signal.SIGKILL)
        await builder.ended()
    async with site.builder() as again:
        assert (await site.world.farm.result()).outcome is Outcome.LOST
        await site.world.farm.until(lambda: site.world.farm.presences[-1].running == ())
        assert not [line for line in again.printed if "began" in line]
    assert len(site.world.farm.words) == 1
    assert not list((site.state / "spool").glob("*.begun"))


async def test_told_to_end_it_finishes_and_told_twice_it_gives_back(site: Site) -> None:
    async with site.builder() as builder:
        await site.assign(site.world.offer("import time; time.sleep(1)"))
        await site.world.farm.step("build")
        builder.send(signal.SIGTERM)
        assert (await site.world.farm.result()).outcome is Outcome.BUILT
        assert await builder.ended() == 0
    site.world.farm.presences.clear()
    async with site.builder() as builder:
        offer = await site.assign(site.world.offer(LONG.replace("0.1", "0.10203")))
        await site.world.farm.step("build")
        builder.send(signal.SIGTERM)
        await site.world.farm.until(lambda: not site.world.farm.presences[-1].accepting)
        builder.send(signal.SIGTERM)
        assert await builder.ended() == 0
    word = site.world.farm.words[-1]
    assert isinstance(word, Returned)
    assert (word.key, word.fence) == (offer.key, 1)
    assert site.world.farm.presences[-1].running == ()


async def test_stopped_beyond_its_lease_it_kills_its_build_and_changes_nothing(site: Site) -> None:
    async with site.builder() as builder:
        offer = await site.assign(site.world.offer("import time; time.sleep(2)"))
        await site.world.farm.step("build")
        builder.send(signal.SIGSTOP)
        # Meanwhile the lease ends, and somebody else gets the job under the next fence.
        site.farm.jobs.clear()
        await site.world.farm.stop(offer)
        builder.send(signal.SIGCONT)
        await builder.says("stopped demo==1.0")
        await site.world.farm.until(lambda: site.world.farm.presences[-1].free == 1)
    assert site.world.farm.words == []
    assert site.farm.stored == []


async def test_a_farm_that_is_away_for_a_while_loses_nothing(site: Site, tmp_path: Path) -> None:
    offer = site.world.offer("import time; print('hello', flush=True); time.sleep(2)")
    port = 0
    other = HttpFarm(bus=site.world.farm.bus, blobs=site.world.blobs, scratch=tmp_path)
    following = asyncio.create_task(site.world.farm.follow(replace(offer, fence=1)))
    async with other.serving():
        port = other.port
        builder = Site(site.world, other, site.state).builder()
        process = await builder.__aenter__()
        await Site(site.world, other, site.state).assign(offer)
        await site.world.farm.step("build")
    try:
        await process.says("the farm is away")
        await process.says("built demo==1.0")
        assert site.world.farm.words == []
        assert other.port == port
        async with other.serving():
            report = await site.world.farm.result()
            await following
    finally:
        await builder.__aexit__(None, None, None)
    assert report.outcome is Outcome.BUILT
    assert len(site.world.farm.logs[f"{offer.key}.1"]) == report.log_bytes


async def test_a_revoked_builder_says_so_and_ends_and_joins_again_with_a_new_code(
    site: Site,
) -> None:
    async with site.builder() as builder:
        await site.assign(site.world.offer(LONG.replace("0.1", "0.10307")))
        await site.world.farm.step("build")
        site.farm.revoked = True
        assert await builder.ended() == 2
        assert builder.printed[-2].startswith("error: the token was revoked")
        assert not [line for line in builder.printed if "Traceback" in line]
    assert running("0.10307") == []
    site.farm.codes.add("another-code")
    async with site.builder(code="another-code"):
        await site.world.farm.until(lambda: site.world.farm.presences)


async def test_a_builder_for_one_job_ends_after_it(site: Site) -> None:
    async with site.builder("--once") as builder:
        await site.assign(site.world.offer())
        assert await builder.ended() == 0
    assert len(site.world.farm.words) == 1


async def test_a_builder_says_what_its_machine_has(site: Site) -> None:
    async with site.builder("--label", "site=cellar", "--name", "arm-1"):
        await site.world.farm.until(lambda: site.world.farm.presences)
    facts = site.world.farm.presences[-1].facts
    values = dict(facts.values)
    assert facts.version == wheelyard.__version__
    assert values["site"] == "cellar"
    assert values["os"] == "linux"
    assert f"cp{sys.version_info[0]}{sys.version_info[1]}" in str(values["python"])
    assert {"arch", "libc", "memory_gb", "cores", "sandbox", "disk_gb"} <= set(values)
