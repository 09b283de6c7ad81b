"""Builders that are drained, fail what others build, vanish and are revoked; and a command for a range of revisions."""

import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from rehearsal.services import URL
from rehearsal.telling import demand, wait
from rehearsal.world import LENT, NAMES, World

_JOBS = 14
_PROBE_SECONDS = 150.0
_LEASE_SECONDS = 60.0
_LATER_SECONDS = 5.0
_SLEEP = "sleep 20 && mkdir dist && date > dist/when"


def revisions(world: World) -> str:
    """Build the example at a revision, and ask for others within a range and beyond it."""
    found = []
    for revision, tolerance in ((5, 0), (7, 3), (9, 1)):
        output = world.folder / f"archives-{revision}"
        words = ("--git", world.project.as_uri(), "--revision", str(revision))
        world.wheelyard("build", *words, "--range", str(tolerance), "--output", output)
        (archive,) = output.rglob("*.zip")
        with zipfile.ZipFile(archive) as opened:
            demand(opened.namelist(), f"{archive.name} is empty")
        found.append(archive.name.split("-")[1])
    demand(found == ["5", "5", "9"], f"revisions {found} came for 5, 7 within 3, and 9 within 1")
    return "7 within 3 was answered with 5's archive; 9 within 1 was built"


def drained(world: World) -> str:
    """Let a builder leave, and come back."""
    builder = world.builders["south"]
    world.wheelyard("builder", "drain", "south", "--reason", "a new disk")
    wait(lambda: not builder.alive, "south left", seconds=90)
    demand(builder.end() == 0, f"south ended with {builder.end()}: {builder.tail()}")
    demand(world.builder("south")["mode"] == "draining", f"south: {world.builder('south')['mode']}")
    world.wheelyard("builder", "resume", "south")
    builder.start()
    wait(lambda: world.builder("south")["accepting"], "south takes work again", seconds=90)
    demand(world.builder("south")["mode"] == "active", f"south: {world.builder('south')['mode']}")
    return "south finished, left with 0, and came back"


def quarantined(world: World) -> str:
    """Break the compiler of a builder, see it put aside, mend it, and see it come back by a probe."""
    builder = world.builders["lent-2"]
    builder.end()
    builder.start(before=_broken_compiler(world.folder))
    _takes_work(world, "lent-2")
    asked = [world.command("make dist", needs=LENT, GREETING=f"hello {n}") for n in range(_JOBS)]
    aside = wait(lambda: world.builder("lent-2")["mode"] == "quarantined", "lent-2 is put aside")
    reason = world.builder("lent-2")["reason"]
    world.teller.say(f"lent-2 is in quarantine after {aside:.0f} s: {reason}")
    states = [world.end_of(name) for name in asked]
    demand(set(states) == {"done"}, f"its failures counted: {states}")
    builder.end()
    builder.start()
    world.teller.say("its compiler is mended; a probe is due within a minute or two")
    world.wheelyard("builder", "pause", "lent-1", "--reason", "leave the probe to the other one")
    probe = world.command("make dist", needs=LENT, GREETING="probe")
    back = wait(
        lambda: world.builder("lent-2")["mode"] == "active",
        "lent-2 is back",
        seconds=_PROBE_SECONDS,
    )
    world.wheelyard("builder", "resume", "lent-1")
    demand(world.end_of(probe) == "done", "the probe was not built")
    return f"{_JOBS} jobs built elsewhere, none failed; back by a probe after {back:.0f} s"


def lost(world: World) -> str:
    """Cut a builder off in mid-build; its job runs on another one."""
    request, name, other, key = _under_way(world, 1)
    world.builders[name].host.crash()
    world.builders[name].kill()
    took = wait(lambda: _runs(world, other, key), f"{other} has it", seconds=90)
    most = _LEASE_SECONDS + _LATER_SECONDS
    demand(took <= most, f"it ran elsewhere after {took:.1f} s, and {most:.0f} s are the most")
    demand(world.end_of(request) == "done", "it was not built")
    world.builders[name].start()
    _takes_work(world, name)
    return f"{name} died; its job ran on {other} after {took:.1f} s ({most:.0f} at most)"


def revoked(world: World) -> str:
    """Shut a builder out in mid-build."""
    request, name, other, key = _under_way(world, 2)
    world.wheelyard("builder", "revoke", name, "--reason", "its owner left")
    took = wait(lambda: _runs(world, other, key), f"{other} has it", seconds=60)
    wait(lambda: not world.builders[name].alive, f"{name} ended", seconds=60)
    demand(world.builders[name].end() != 0, f"{name} ended as if nothing were wrong")
    demand("Traceback" not in world.builders[name].tail(), world.builders[name].tail())
    demand(world.end_of(request) == "done", "it was not built")
    return f"{name} ended by itself; its job ran on {other} after {took:.1f} s"


def _under_way(world: World, number: int) -> tuple[str, str, str, str]:
    """Have a job run on one of the lent builders; return its request, both builders and its key."""
    request = world.command(_SLEEP, needs=LENT, NUMBER=str(number))
    lent = [name for name in NAMES if name.startswith("lent")]
    wait(lambda: set(world.busy()) & set(lent), "one of the lent builders has it")
    busy = world.busy()
    (name,) = set(busy) & set(lent)
    (other,) = set(lent) - {name}
    time.sleep(3)
    return request, name, other, busy[name][0]


def _runs(world: World, name: str, key: str) -> bool:
    busy = world.busy()
    return name in busy and busy[name][0] == key


def _takes_work(world: World, name: str) -> None:
    session: Callable[[], bool] = lambda: bool(  # noqa: E731
        world.builders[name].log.read_text().rpartition("joined")[2].count(URL)
        and world.builder(name)["accepting"]
    )
    wait(session, f"{name} takes work", seconds=90)


def _broken_compiler(folder: Path) -> str:
    """Return shell that puts a compiler that compiles nothing over the real one, for one builder only."""
    real = Path(shutil.which("cc") or "/usr/bin/cc").resolve()
    version = subprocess.check_output([real, "--version"], text=True)
    broken = folder / "broken-cc"
    broken.write_text(
        f"#!/bin/sh\ncase $* in --version) cat <<'END'\n{version}END\nexit 0;; esac\n"
        "echo \"cc: fatal error: cannot execute 'cc1': No such file or directory\" >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    return f"mount --bind {broken} {real}"
