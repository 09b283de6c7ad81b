"""What depends on the machine: isolation, older Pythons, compiler caches, what dead runs left."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from executor.yard import MakeYard, Yard, gone
from wheelyard.errors import SandboxError
from wheelyard.executor import seccomp
from wheelyard.executor.compiler_cache import check_in
from wheelyard.executor.folders import RunFolder, disk_usage, regular_file, remove, sweep
from wheelyard.executor.keepers import CompilerCacheKeeper
from wheelyard.executor.processes import tree_at_a_glance, tree_of
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.model.job import Outcome
from wheelyard.model.recipe import Recipe
from wheelyard.ports import Holding
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio


def older_pythons() -> dict[str, Path]:
    """Find Pythons other than our own, where a developer has them."""
    found = {}
    folders = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    root = os.environ.get("PYENV_ROOT")
    folders += sorted(Path(root).glob("versions/3.*/bin")) if root else []
    for folder in folders:
        for path in folder.glob("python3.*"):
            match = re.fullmatch(r"python3\.(\d+)", path.name)
            if match and "shims" not in path.parts and int(match[1]) != sys.version_info[1]:
                found[str(Target.parse(f"cp3{match[1]}-linux_x86_64"))] = path
    return found


OLDER = older_pythons()


@pytest.mark.parametrize("target", sorted(OLDER) or [pytest.param("", marks=pytest.mark.skip)])
async def test_every_python_builds_in_the_warm_sandbox(make_yard: MakeYard, target: str) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    yard.pythons.named.update(OLDER)

    report = await yard.run(
        yard.offer("import sys; print('version', sys.version)", target=Target.parse(target))
    )

    assert report.outcome is Outcome.BUILT, (report.reason, report.detail)
    minor = target.partition("-")[0].removeprefix("cp3").rstrip("m")
    assert f"version 3.{minor}." in await yard.log(report)


async def test_what_is_in_force_is_said(make_yard: MakeYard) -> None:
    said = make_yard(sandbox=Sandbox.REQUIRE).executor.capabilities()["sandbox"]
    off = make_yard(sandbox=Sandbox.OFF)

    assert said.startswith("bubblewrap, own user, no network, read-only world, warm fork")
    assert off.executor.capabilities()["sandbox"].startswith("no sandbox (off)")
    assert (await off.run(off.offer())).sandbox[0] == "no sandbox (off)"


async def test_a_required_sandbox_that_is_not_there_is_an_error(
    make_yard: MakeYard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SandboxError, match="bwrap is not installed"):
        make_yard(sandbox=Sandbox.REQUIRE).executor.capabilities()
    assert make_yard().executor.capabilities()["sandbox"].startswith("no sandbox (bwrap is not")


def test_a_filter_is_a_whole_number_of_instructions_on_each_machine() -> None:
    for machine in ("x86_64", "aarch64"):
        rules = seccomp.program(machine)
        assert rules
        assert len(rules) % 8 == 0
        assert len(rules) // 8 < 4096
    assert seccomp.program("vax") == b""


@pytest.mark.skipif(
    shutil.which("ccache") is None or shutil.which("cc") is None, reason="no ccache"
)
@pytest.mark.parametrize("fork", [True, False])
async def test_a_second_compilation_comes_from_the_projects_own_cache(
    make_yard: MakeYard, tmp_path: Path, fork: bool
) -> None:
    yard = make_yard(
        sandbox=Sandbox.REQUIRE, compiler_cache=CompilerCache.CCACHE, state=tmp_path, fork=fork
    )
    hook = (
        "import subprocess, time\n"
        "open('a.c', 'w').write('int f(void) { return 4; }')\n"
        "subprocess.run(['cc', '-g', '-c', 'a.c', '-o', 'a.o'], check=True)\n"
        "print(subprocess.getoutput('ccache --print-stats | grep -E \"cache_(hit|miss)\"'))\n"
    )

    first = await yard.log(await yard.run(yard.offer(hook)))
    second = await yard.log(await yard.run(yard.offer(hook)))
    other = await yard.log(await yard.run(yard.offer(hook, name="other")))

    assert "cache_miss\t1" in first
    assert "direct_cache_hit\t1" in second
    assert "cache_miss\t1" in other
    assert "compiler cache" in yard.executor.capabilities()["sandbox"]


async def test_a_compiler_cache_counts_as_used_whenever_a_build_had_it(
    yard: Yard, tmp_path: Path
) -> None:
    offer, caches, place = yard.offer(), tmp_path / "caches", tmp_path / "job"
    place.mkdir()
    os.utime(place, (0, 0))
    check_in(caches, offer, place)
    assert await CompilerCacheKeeper(caches).evict(unused_seconds=3600, preview=True) == (
        Holding(kind="compiler caches"),
    )


async def test_no_more_interpreters_are_kept_than_is_allowed(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE, warm=1)
    for name in ("one", "two", "three"):
        extra = yard.wheel(name, {f"{name}.py": ""})
        offer = yard.offer(name=name)
        offer = replace(offer, requirements=(*offer.requirements, extra))
        assert (await yard.run(offer)).outcome is Outcome.BUILT

    assert yard.executor._workshop is not None
    assert len(yard.executor._workshop.pool._kept) == 1


async def test_a_back_end_that_hangs_when_it_is_loaded_holds_up_nobody_else(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    hanging = yard.wheel("tinyback", {"tinyback.py": "import time; time.sleep(600)\n"}, "2.0")
    stuck = asyncio.create_task(yard.run(yard.offer(name="stuck", requirements=(hanging,))))

    report = await asyncio.wait_for(yard.run(yard.offer(name="quick")), 30)

    assert report.outcome is Outcome.BUILT
    assert not stuck.done()
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck


async def test_a_warm_interpreter_that_was_killed_is_replaced(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    await yard.run(yard.offer())
    assert yard.executor._workshop is not None
    for kept in yard.executor._workshop.pool._kept.values():
        await asyncio.to_thread(kept.host._process.kill)

    assert (await yard.run(yard.offer())).outcome is Outcome.BUILT


async def test_nothing_is_left_when_the_executor_is_closed(
    make_yard: MakeYard, tmp_path: Path
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE, state=tmp_path)
    await yard.run(yard.offer(recipe=Recipe(test="true")))

    await yard.executor.close()

    assert list((tmp_path / "jobs").iterdir()) == []
    assert await gone(str(tmp_path))


def test_only_what_dead_runs_left_is_swept(tmp_path: Path) -> None:
    alive, dead = RunFolder(tmp_path), RunFolder(tmp_path)
    os.close(dead._lock)

    assert sweep(tmp_path) == 1
    assert alive.path.is_dir()
    assert not dead.path.exists()
    alive.close()
    assert sweep(tmp_path) == 0


def test_the_jobs_of_a_run_lie_apart_where_the_file_system_can(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    told = subprocess.run(["lsattr", "-d", run.path], capture_output=True, text=True, check=False)
    run.close()

    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True
    )
    if told.returncode or kind.stdout.strip() != "ext2/ext3":
        pytest.skip("no ext4, or no lsattr")
    assert "T" in told.stdout.split()[0]


def test_a_glance_at_a_tree_sees_what_a_long_look_sees() -> None:
    script = "sleep 60 & sleep 60 & echo ready; wait"
    with subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        looked, glanced = tree_of(process.pid), tree_at_a_glance(process.pid)

        os.killpg(process.pid, signal.SIGKILL)
    assert set(glanced.pids) == set(looked.pids)
    assert process.pid in glanced.pids
    assert len(glanced.pids) > 1
    assert glanced.resident_bytes > 0


def test_the_deepest_and_most_closed_trees_are_removed(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    (root / "closed" / "inner").mkdir(parents=True)
    (root / "closed").chmod(0)

    remove(root)

    assert not root.exists()


def test_links_are_neither_followed_nor_counted(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "link").symlink_to(tmp_path / "big")
    (tmp_path / "small" / "file").write_bytes(b"x")

    assert disk_usage(tmp_path / "small", 1 << 30) < 50_000
    assert regular_file(tmp_path, "small", "link", "file") is None
    assert regular_file(tmp_path, "small", "..", "big") is None
    assert regular_file(tmp_path, "small", "file") == tmp_path / "small" / "file"


def test_what_killed_uploads_left_behind_is_swept_a_day_later(tmp_path: Path) -> None:
    for name in ("upload-old", "channel-old", "upload-new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_bytes(b"x")
    long_ago = time.time() - 25 * 3600
    for name in ("upload-old", "channel-old"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert sweep(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["upload-new"]
