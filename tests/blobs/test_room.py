"""A disk that is nearly full is noticed, and is looked at once a second only."""

import shutil
from pathlib import Path

from wheelyard.blobs.room import Room


def test_room_is_what_is_free_against_what_is_to_be(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert Room(tmp_path, least_bytes=free // 2, ticks=lambda: 0.0)()
    assert not Room(tmp_path, least_bytes=free * 2, ticks=lambda: 0.0)()


def test_it_is_looked_at_once_a_second(tmp_path: Path) -> None:
    folder, now = tmp_path / "blobs", [0.0]
    folder.mkdir()
    room = Room(folder, least_bytes=1 << 60, ticks=lambda: now[0])
    assert not room()
    folder.rmdir()
    now[0] = 0.9
    assert not room()
    now[0] = 1.1
    # Whoever cannot look has no reason to stop.
    assert room()
