"""Environments are made once, shared, and forgotten only when nobody uses them."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from executor.yard import FolderBlobs, Yard
from wheelyard.errors import OutOfSpaceError, StoreError, ToolError
from wheelyard.executor.environments import Environments
from wheelyard.executor.keepers import EnvironmentKeeper, UnpackedWheelKeeper
from wheelyard.executor.locks import hold, lock_of, unused
from wheelyard.executor.pythons import Python, describe
from wheelyard.model.artifact import InputWheel
from wheelyard.ports import Keeper

pytestmark = pytest.mark.anyio

PROC_LOCKS = Path("/proc/locks")


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture(scope="module")
def python() -> Python:
    return describe(Path(sys.executable))


def test_an_interpreter_is_asked_once_until_its_file_is_another(tmp_path: Path) -> None:
    program, memory, asked = tmp_path / "python", tmp_path / "memory", tmp_path / "asked"
    script = f'#!/bin/sh\necho once >> {asked}\nexec {sys.executable} "$@"\n'
    program.write_text(script)
    program.chmod(0o755)

    first, again = (describe(program, remembered=memory) for _ in range(2))
    program.write_text(f"{script}# another\n")
    another = describe(program, remembered=memory)

    assert first == again == another
    assert asked.read_text() == "once\n" * 2


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
    user = environments(tmp_path, blobs)
    keeper = EnvironmentKeeper(user.folder)
    kept = await user.ensure(python, wheels(blobs))

    assert await evicted(keeper, -1) == 0
    assert kept.path.is_dir()
    user.close()
    assert await evicted(keeper, 3600) == 0
    assert await evicted(keeper, -1, preview=True) == 1
    assert kept.path.is_dir()
    assert await evicted(keeper, -1) == 1
    assert list(user.folder.iterdir()) == []


class _Late(EnvironmentKeeper):
    """Looks, and somebody else removes what it saw; ``everything``: with the folder itself."""

    everything = False

    def _environments(self) -> list[Path]:
        found = super()._environments()
        for path in found[:1]:
            shutil.rmtree(path.parent if self.everything else path)
        return found


@pytest.mark.parametrize("everything", [False, True])
async def test_environment_that_somebody_else_removes_meanwhile_is_no_error(
    tmp_path: Path, blobs: FolderBlobs, python: Python, everything: bool
) -> None:
    user = environments(tmp_path, blobs)
    await user.ensure(python, wheels(blobs))
    user.close()
    keeper = _Late(user.folder)
    keeper.everything = everything

    assert await evicted(keeper, -1) == 0
    assert everything or list(user.folder.iterdir()) == []


async def test_use_makes_an_old_environment_young(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made, user = environments(tmp_path, blobs), environments(tmp_path, blobs)
    environment = await made.ensure(python, wheels(blobs))
    made.close()
    os.utime(environment.path, (1, 1))

    await user.ensure(python, wheels(blobs))
    user.close()

    assert await evicted(EnvironmentKeeper(user.folder), 3600) == 0


async def test_environment_that_is_evicted_while_it_is_waited_for_is_made_again(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made, user = environments(tmp_path, blobs), environments(tmp_path, blobs)
    environment = await made.ensure(python, wheels(blobs))
    made.close()
    lock = lock_of(environment.path)

    with unused(lock) as free:
        assert free
        waiting = asyncio.create_task(asyncio.to_thread(hold, lock))
        await asyncio.to_thread(waits_for, lock)
        lock.unlink()
    descriptor = await waiting

    # The lock that it got is the one that others will find, not the one that was taken away.
    assert os.path.samestat(os.fstat(descriptor), lock.stat())
    os.close(descriptor)
    user.close()


async def test_what_killed_processes_left_of_environments_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    for name in (".old-a-1", ".new-b-2", ".new-c-3", "d"):
        (folder / name / "bin").mkdir(parents=True)
    os.utime(folder / ".new-b-2", (1, 1))

    assert await EnvironmentKeeper(folder).sweep() == 2
    assert sorted(path.name for path in folder.iterdir()) == [".new-c-3", "d"]


async def test_wheels_that_were_not_used_for_long_are_forgotten_by_uv(
    tmp_path: Path, blobs: FolderBlobs, python: Python
) -> None:
    made = environments(tmp_path, blobs)
    alpha, beta = wheels(blobs)
    await made.ensure(python, [alpha, beta])
    made.close()
    state = tmp_path / "state"
    os.utime(made.named(alpha), (1, 1), follow_symlinks=False)
    keeper = UnpackedWheelKeeper(cache=state / "uv", names=state / "wheels")

    assert await evicted(keeper, 3600, preview=True) == 1
    assert len(list((state / "uv").rglob("alpha.py"))) == 1
    assert await evicted(keeper, 3600) == 1

    assert list((state / "uv").rglob("alpha.py")) == []
    assert len(list((state / "uv").rglob("beta.py"))) == 1
    await made.ensure(python, [alpha])
    made.close()


async def evicted(keeper: Keeper, unused_seconds: float, *, preview: bool = False) -> int:
    found = await keeper.evict(unused_seconds=unused_seconds, preview=preview)
    return sum(holding.count for holding in found)


def waits_for(lock: Path) -> None:
    """Come back when some process waits for a lock."""
    node = f":{lock.stat().st_ino} "
    while not any("->" in line and node in line for line in PROC_LOCKS.read_text().splitlines()):
        pass
