"""The show of campaigns: a pin changes, and a rebuild goes through a whole graph of git repositories.

A farm of one machine, its builders included, watches bare repositories. A person adds a migration to the pin file's
repository, and that is all that is asked of the farm. People then merge what is offered: one by a squash of their own, one by
making the change themselves; they turn one down and take that back; the build of one fails until they mend it; and the
farm is killed twice. It ends with a table, and with 0 where all was as it has to be.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from campaign import people, telling
from campaign.feedstocks import CAMPAIGN, MIGRATION, World, make

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT.parent / "shared" / "cases"
BRANCH = f"wheelyard/{CAMPAIGN}"
TARGET_SECONDS = 5.0
_RECOVERY = 2.0
_NOTICED = 0.5
_KILL = "campaigns.offered=kill@{}*1"


class ShowError(Exception):
    """Something was not as it has to be."""


@dataclass(slots=True, kw_only=True)
class Show:
    """One show: the world, its farm, and who plays which part."""

    world: World
    state: Path
    patience: float
    target: float = TARGET_SECONDS
    process: "subprocess.Popen[str] | None" = None
    kills: int = 0
    away: list[tuple[float, float]] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    def start(self, failpoints: str = "") -> None:
        """Start the farm."""
        command = [sys.executable, "-m", "campaign.farm", str(self.state), str(self.world.folder)]
        variables = os.environ | {
            "PYTHONPATH": str(ROOT / "scripts"),
            "WHEELYARD_FAILPOINTS": failpoints,
        }
        self.process = subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            raise ShowError("the farm does not start")
        if self.away:
            # What it missed is looked at once, before it listens again.
            self.away[-1] = (self.away[-1][0], time.time() + _RECOVERY)

    def end(self) -> None:
        """Kill the farm, and all that it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Act as people do until something holds. Raises ShowError where that takes too long."""
        end = time.monotonic() + self.patience
        while not holds():
            if time.monotonic() > end:
                raise ShowError(f"{what}: not within {self.patience:g} s; {self.standing()}")
            self.look()
            select_nothing(0.5)

    def look(self) -> None:
        """Merge what is offered, and start a farm again that was killed."""
        if self.process is not None and self.process.poll() is not None:
            self.kills += 1
            self.end_of_dead()
            self.away.append((time.time() - _NOTICED, 0))
            self.start()
        for package in self.world.parents:
            bare = self.world.bare(package)
            if package not in self.merged and people.is_offered(bare, BRANCH):
                self.act(package, bare)

    def end_of_dead(self) -> None:
        """Clear away after a farm that died: what it had started dies with it."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def act(self, package: str, bare: Path) -> None:
        """Do with a proposal what its package's part is."""
        if package == self.part("closed") and "closed" not in self.done:
            people.close(bare, BRANCH)
            self.done.add("closed")
            return
        people.merge(bare, BRANCH, squash=package == self.part("squashed"))
        self.merged.add(package)

    def part(self, name: str) -> str:
        """Return which package plays a part."""
        levels = self.world.levels
        parts = {
            "squashed": levels[0][0],
            "by hand": levels[0][-1],
            "closed": levels[1][0],
            "broken": levels[1][-1],
        }
        return parts[name]

    def standing(self) -> telling.Standing:
        """Return how the campaign stands."""
        return telling.standing(self.state)


def select_nothing(seconds: float) -> None:
    """Let time pass for those who work."""
    time.sleep(seconds)


def play(show: Show) -> dict[str, object]:
    """Play it through. Raises ShowError."""
    world, began = show.world, time.monotonic()
    broken, by_hand, closed = (show.part(name) for name in ("broken", "by hand", "closed"))
    people.commit(world.bare(broken), {"recipe/broken": b"yes\n"}, "Break the build")
    show.start(_KILL.format(2))
    # Somebody makes the change before anybody is asked, copy of the migration included.
    make_by_hand(show, by_hand)
    show.merged.add(by_hand)
    people.commit(
        world.pinning, {f"recipe/migrations/{CAMPAIGN}.yaml": MIGRATION.encode()}, "Add openssl 3"
    )
    show.until("the migration starts by itself", lambda: bool(show.standing().mode))
    show.until("it is killed as it offers", lambda: show.kills == 1)
    show.until("one is turned down", lambda: "closed" in show.done)
    show.until("that waits for people", lambda: show.standing().states[closed] == "needs-decision")
    show.until("one fails", lambda: show.standing().states[broken] == "failed")
    show.end()
    show.kills += 1
    show.away.append((time.time(), 0))
    show.start()
    waiting = [one for one in world.levels[2] if show.standing().states[one] == "awaiting-parents"]
    people.reopen(world.bare(closed), BRANCH)
    people.commit(world.bare(broken), {"recipe/broken": None}, "Mend the build")
    total = len(world.parents)
    show.until("all are published", lambda: show.standing().published == total)
    closing = f"{BRANCH}-close"
    show.until("the pin file's edit is offered", lambda: people.is_offered(world.pinning, closing))
    people.merge(world.pinning, closing)
    show.until("the campaign closes", lambda: show.standing().mode == "closed")
    return told(show, time.monotonic() - began, len(waiting))


def make_by_hand(show: Show, package: str) -> None:
    """Make a migration's change as a person does: the copy, and a higher build number."""
    from wheelyard.recipes.edits import rebuild
    from wheelyard.recipes.parse import parse_recipe

    bare = show.world.bare(package)
    text = people.git(bare, "show", "main:recipe/meta.yaml") + "\n"
    edited = rebuild(parse_recipe(text, name="meta.yaml"))
    copy = f".ci_support/migrations/{CAMPAIGN}.yaml"
    files = {"recipe/meta.yaml": edited.encode(), copy: MIGRATION.encode()}
    people.commit(bare, files, "Rebuild for openssl 3 myself")


def told(show: Show, seconds: float, waiting: int) -> dict[str, object]:
    """Return what came of it, with all that was not as it has to be."""
    world, state = show.world, show.state
    offers = telling.offers(world, state)
    took = [one.seconds for one in offers if not one.meets(show.away)]
    away = [one.seconds for one in offers if one.meets(show.away)]
    p95 = telling.percentile(took, 0.95)
    stands = telling.proposals(world)
    by_hand = show.part("by hand")
    faults = telling.order_faults(world, state)
    if stands[by_hand]:
        faults.append(f"{by_hand}, which people had changed by hand, was asked for it")
    faults += [
        f"the proposal of {package} is {state or 'missing'}"
        for package, state in stands.items()
        if package != by_hand and state != "merged"
    ]
    if p95 >= show.target:
        faults.append(f"from the last parent to the proposal took {p95:.1f} s (p95)")
    if show.kills != 2:  # noqa: PLR2004 - as told above
        faults.append(f"the farm was killed {show.kills} times, not twice")
    pins = people.git(world.pinning, "show", "main:recipe/conda_build_config.yaml")
    if "3" not in pins.partition("zlib")[0]:
        faults.append(f"the pin file was not changed: {pins}")
    return {
        "feedstocks": len(world.parents),
        "real recipes": world.real,
        "levels": len(world.levels),
        "kills": show.kills,
        "waited while one failed": waiting,
        "measured": len(took),
        "to offer, median s": round(telling.median(took), 2),
        "to offer, p95 s": round(p95, 2),
        "to offer, slowest s": round(max(took, default=0), 2),
        "to offer with a kill between, s": [round(one, 2) for one in sorted(away)],
        "whole s": round(seconds, 1),
        "faults": faults,
    }


def main() -> int:
    """Run the show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--feedstocks", type=int, default=30, help="how many (30)")
    parser.add_argument("--levels", type=int, default=5, help="how deep the graph is (5)")
    parser.add_argument("--cases", type=Path, default=CASES, help="recorded recipes")
    parser.add_argument("--patience", type=float, default=240, help="seconds for each step (240)")
    parser.add_argument(
        "--target", type=float, default=TARGET_SECONDS, help="seconds to a proposal, p95 (5)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wheelyard-campaign-"))
    world = make(
        folder / "repositories", count=options.feedstocks, cases=options.cases, depth=options.levels
    )
    show = Show(
        world=world, state=folder / "state", patience=options.patience, target=options.target
    )
    try:
        result = play(show)
    except ShowError as error:
        result = {"faults": [str(error)]}
    finally:
        show.end()
        if not options.keep:
            shutil.rmtree(folder)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:32} {value}")
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
