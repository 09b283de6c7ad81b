"""What only the bus of one process promises: about memory, files and time."""

import tracemalloc
from pathlib import Path

import pytest

from bus.worlds import next_of, piece, soon, whole
from wheelyard.bus.memory import MemoryBus
from wheelyard.bus.memory_logs import LogLimits
from wheelyard.errors import BusError

pytestmark = pytest.mark.anyio


def files(folder: Path) -> list[int]:
    return sorted(path.stat().st_size for path in folder.iterdir())


async def test_a_long_log_is_in_a_file_and_not_in_memory(tmp_path: Path) -> None:
    bus = MemoryBus(log_folder=tmp_path / "logs")
    builder = bus.builder("arm-1")
    part = b"x" * 60_000
    tracemalloc.start()
    for number in range(300):
        await builder.write_log(piece(part, number * len(part)))
    read = 0
    await builder.write_log(piece(b"", 300 * len(part), end=True))
    async for each in bus.follow_log("k1.1"):
        read += len(each.content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 300 * len(part)
    assert most < 2_000_000
    assert files(tmp_path / "logs") == [read]
    await bus.close()


async def test_a_short_log_makes_no_file(tmp_path: Path) -> None:
    bus = MemoryBus(log_folder=tmp_path / "logs")
    await bus.builder("arm-1").write_log(piece(b"short", 0, end=True))
    assert files(tmp_path / "logs") == []
    assert await soon(whole(bus.follow_log("k1.1"))) == b"short"


async def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bus = MemoryBus()
    await bus.builder("arm-1").write_log(piece(b"x" * 100_000, 0))
    assert files(next(tmp_path.iterdir())) == [100_000]
    await bus.close()
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "log-1").write_bytes(b"x" * 100_000)
    bus = MemoryBus(log_folder=tmp_path)
    text = b"y" * 50_000
    await bus.builder("arm-1").write_log(piece(text, 0, end=True))
    assert await soon(whole(bus.follow_log("k1.1"))) == text
    assert files(tmp_path) == [50_000]


async def test_a_log_that_is_too_long_is_cut_off_and_still_ends(tmp_path: Path) -> None:
    bus = MemoryBus(log_folder=tmp_path, log_limits=LogLimits(attempt_bytes=100_000))
    builder = bus.builder("arm-1")
    for start in range(0, 300_000, 60_000):
        await builder.write_log(piece(b"x" * 60_000, start, end=start == 240_000))
    assert await soon(whole(bus.follow_log("k1.1"))) == b"x" * 100_000
    await bus.close()


@pytest.mark.parametrize("limits", [LogLimits(attempts=2), LogLimits(total_bytes=100_000)])
async def test_the_oldest_log_goes_first(tmp_path: Path, limits: LogLimits) -> None:
    bus = MemoryBus(log_folder=tmp_path, log_limits=limits)
    builder = bus.builder("arm-1")
    oldest = bus.follow_log("k0.1")
    for number in range(3):
        await builder.write_log(piece(b"%d" % number * 40_000, 0, attempt=f"k{number}.1"))
        if number == 0:
            assert len((await next_of(oldest)).content) == 40_000
    # Whoever follows it is told that no more will come.
    assert (await next_of(oldest)).end
    assert files(tmp_path) == [40_000, 40_000]
    await bus.close()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    bus = MemoryBus(log_folder=tmp_path / "logs")
    builder = bus.builder("arm-1")
    await builder.write_log(piece(b"short", 0))
    (tmp_path / "logs").rmdir()
    with pytest.raises(BusError, match="cannot be kept"):
        await builder.write_log(piece(b"x" * 100_000, 5))
    (tmp_path / "logs").mkdir()
    await builder.write_log(piece(b"x" * 100_000, 5, end=True))
    assert await soon(whole(bus.follow_log("k1.1"))) == b"short" + b"x" * 100_000


async def test_a_gap_in_a_log_is_left_out_and_does_not_hang(tmp_path: Path) -> None:
    bus = MemoryBus()
    builder = bus.builder("arm-1")
    await builder.write_log(piece(b"one", 0))
    await builder.write_log(piece(b"three", 100, end=True))
    starts = [(part.start, part.content) async for part in bus.follow_log("k1.1", start=1)]
    assert starts == [(1, b"ne"), (100, b"three"), (105, b"")]
    await bus.close()
