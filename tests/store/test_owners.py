"""Locks that say which processes are alive."""

import threading
from pathlib import Path

from wheelyard.store.owners import Owner, dead, sweep


def test_an_owner_is_alive_while_others_sweep(tmp_path: Path) -> None:
    """A sweep may see a lock file between its creation and its lock."""
    over = threading.Event()

    def keep_sweeping() -> None:
        while not over.is_set():
            sweep(tmp_path)

    sweeper = threading.Thread(target=keep_sweeping)
    sweeper.start()
    try:
        for _ in range(300):
            owner = Owner(tmp_path, host="yard")
            assert dead(tmp_path, [owner.name], host="yard") == frozenset()
            owner.close()
    finally:
        over.set()
        sweeper.join()
    assert list(tmp_path.iterdir()) == []


def test_an_owner_that_closed_is_dead_and_closes_once(tmp_path: Path) -> None:
    owner = Owner(tmp_path, host="yard")
    assert sweep(tmp_path) == 0
    owner.close()
    owner.close()
    assert dead(tmp_path, [owner.name], host="yard") == {owner.name}
    assert dead(tmp_path, [owner.name], host="elsewhere") == frozenset()


def test_those_who_look_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    (tmp_path / "12345678.lock").touch()
    found: list[frozenset[str]] = []

    def look() -> None:
        found.extend(dead(tmp_path, ["other-12345678"], host="yard") for _ in range(300))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {frozenset({"other-12345678"})}
    assert sweep(tmp_path) == 1
