"""The rehearsal: a farm of many machines on this one, and what it lives through, with the real parts.

Network namespaces are its hosts: a coordinator (this machine itself), PostgreSQL, nats-server, a laptop, and five builders, two of
them behind a gateway that translates addresses. It needs root on Linux, and ends with a table and 0 where all was as it has to be.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from rehearsal import building, looking_after, setting_up
from rehearsal.network import Network
from rehearsal.telling import RehearsalError, Teller
from rehearsal.world import Wanted, World, open_world, pythons_of_this_machine

_LARGE = ("flask", "pyyaml", "sqlalchemy<2.1", "rich")
_SMALL = ("markupsafe", "jinja2", "rich")
_PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "sysctl": "procps",
    "setpriv": "util-linux",
    "nats-server": "nats-server",
    "git": "git",
    "make": "make",
    "cc": "gcc",
}


def main() -> int:
    options = _parser().parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    if os.geteuid() != 0 or sys.platform != "linux":
        raise SystemExit("it makes network namespaces, which takes root on Linux")
    lacking = [package for name, package in _PROGRAMS.items() if shutil.which(name) is None]
    if lacking:
        raise SystemExit(f"install what is not here: apt-get install {' '.join(lacking)}")
    if options.folder is not None and options.folder.is_dir() and any(options.folder.iterdir()):
        raise SystemExit(f"'{options.folder}' is not empty; name a new folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    teller, network = Teller(), Network()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="wheelyard-rehearsal-"))
    folder.mkdir(parents=True, exist_ok=True)
    # PostgreSQL runs as another user below it.
    folder.chmod(0o755)
    try:
        world = open_world(folder.resolve(), _wanted(options), teller, network)
        try:
            _rehearse(world)
        finally:
            teller.say("ending everything")
            world.close()
        return teller.end()
    except RehearsalError as error:
        teller.say(f"it could not begin: {error}")
        return 1
    finally:
        network.remove()
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=__doc__)
    result.add_argument(
        "--tree",
        choices=("large", "small"),
        default="large",
        help=f"{' '.join(_LARGE)}, with Cython from source: half an hour; or {' '.join(_SMALL)}: minutes",
    )
    result.add_argument(
        "--folder", type=Path, help="where logs and states go, and stay; without, they are removed"
    )
    return result


def _wanted(options: argparse.Namespace) -> Wanted:
    pythons = pythons_of_this_machine()
    # Such that each builder has one of them: it has two Pythons, one beside the other.
    names = tuple(pythons)
    chosen = dict.fromkeys((names[len(names) // 4], *names[-2:]))
    requirements = _LARGE if options.tree == "large" else _SMALL
    return Wanted(requirements, pythons, tuple(chosen))


def _rehearse(world: World) -> None:
    step = world.teller.step
    begun = (
        step("Hosts: who reaches whom", lambda: setting_up.hosts(world))
        and step("PostgreSQL, nats-server, coordinator", lambda: setting_up.services(world))
        and step("Builders are enrolled", lambda: setting_up.builders(world))
    )
    if not begun:
        return
    tree = building.Tree(world)
    if step("Two people ask for the same", tree.ask):
        for name in ("coordinator", "bus", "database"):
            step(f"The {name} is killed in the middle", partial(tree.kill, name))
        if step("The tree is built", tree.end):
            step("Every job has one result", tree.once)
            step("Mail arrives", tree.mail)
            step("The tree is installed from the farm", tree.install)
    step("A command for a range of revisions", lambda: looking_after.revisions(world))
    step("A builder is drained", lambda: looking_after.drained(world))
    step("A builder is quarantined", lambda: looking_after.quarantined(world))
    step("A builder is lost in mid-build", lambda: looking_after.lost(world))
    step("A builder is revoked in mid-build", lambda: looking_after.revoked(world))


if __name__ == "__main__":
    raise SystemExit(main())
