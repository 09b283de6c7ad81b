"""Environments are made once, shared, and forgotten only when nobody uses them."""

import asyncio
import sys
from pathlib import Path

import pytest

from executor.yard import FolderBlobs, Yard
from wheelyard.errors import OutOfSpaceError, StoreError, ToolError
from wheelyard.executor.environments import Environments
from wheelyard.executor.pythons import Python, describe
from wheelyard.model.artifact import InputWheel

pytestmark = pytest.mark.anyio


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture(scope="module")
def python() -> Python:
    return describe(Path(sys.executable))


def environments(tmp_path: Path, blobs: FolderBlobs) -> Environments:
    state = tmp_path / "state"
    return Environments(
        state / "environments", cache=state / "uv", names=state / "wheels", uv=None, blobs=blobs
    )


def wheels(blobs: FolderBlobs) -> list[InputWheel]:
    maker = Yard(None, blobs, None, Path())  # type: ignore[arg-type]
    return [maker.wheel("alpha", {"alpha.py": "A = 1\n"}), maker.wheel("beta", {"beta.py": ""})]


async def test_the_same_wheels_in_any_order_share_an_environment(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made = environments(tmp_path, blobs)
    chosen = wheels(blobs)

    first = await made.ensure(python, chosen)
    inode = first.path.stat().st_ino
    second = await made.ensure(python, chosen[::-1])
    other = await made.ensure(python, chosen[:1])

    assert second == first
    assert second.path.stat().st_ino == inode
    assert other.key != first.key
    assert (first.path / first.packages / "alpha.py").is_file()
    python_there = first.path / "bin" / "python"
    done = await asyncio.create_subprocess_exec(python_there, "-c", "import alpha, beta")
    assert await done.wait() == 0
    made.close()


async def test_makers_at_the_same_time_agree(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    chosen = wheels(blobs)
    makers = [environments(tmp_path, blobs) for _ in range(3)]

    found = await asyncio.gather(*(maker.ensure(python, chosen) for maker in makers))

    assert len({environment.path for environment in found}) == 1
    left = [path.name for path in makers[0].folder.iterdir() if path.suffix != ".lock"]
    assert left == [found[0].key]
    for maker in makers:
        maker.close()


async def test_a_broken_wheel_leaves_no_half_environment(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made = environments(tmp_path, blobs)
    broken = InputWheel(
        filename="gamma-1.0-py3-none-any.whl",
        digest=blobs.keep(b"this is no archive"),
        release=wheels(blobs)[0].release,
        origin=wheels(blobs)[0].origin,
    )

    with pytest.raises(ToolError, match="gamma"):
        await made.ensure(python, [broken])

    assert [path for path in made.folder.iterdir() if path.is_dir()] == []
    made.close()


async def test_a_wheel_that_is_gone_is_named(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made = environments(tmp_path, blobs)
    chosen = wheels(blobs)
    await blobs.remove(chosen[1].digest)

    with pytest.raises(StoreError, match=r"beta-1\.0"):
        await made.ensure(python, chosen)
    made.close()


async def test_a_full_disk_under_uv_is_told_as_such(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nhead -c 1 /dev/zero > /dev/full\nexit 2\n")
    uv.chmod(0o755)
    state = tmp_path / "state"
    made = Environments(
        state / "environments", cache=state / "uv", names=state / "wheels", uv=uv, blobs=blobs
    )

    with pytest.raises(OutOfSpaceError, match="No space left on device"):
        await made.ensure(python, wheels(blobs))
    made.close()


async def test_only_what_nobody_uses_is_evicted(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    user, other = environments(tmp_path, blobs), environments(tmp_path, blobs)
    kept = await user.ensure(python, wheels(blobs))

    assert other.evict(unused_seconds=-1) == 0
    assert kept.path.is_dir()
    user.close()
    assert other.evict(unused_seconds=3600) == 0
    assert other.evict(unused_seconds=-1) == 1
    assert not kept.path.exists()
