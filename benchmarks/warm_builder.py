"""What jobs cost on the executor that has just built them, as on a builder that runs for weeks.

Run as ``python -m benchmarks.warm_builder ROUNDS ...`` it is ``wheelyard ...`` with an executor that
carries out every job of the run ROUNDS times more before it closes; the runner takes away the same run
with no round.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Usage, measure
from benchmarks.runners import FromJobStart

from wheelyard.executor.local import LocalExecutor
from wheelyard.model.job import Offer, Report
from wheelyard.model.release import Release
from wheelyard.ports import Progress

_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmBuilder(FromJobStart):
    """The jobs of ``wheelyard build`` once more, when their interpreters and environments are there."""

    name: str = "wheelyard, on a warm builder"

    def build(self, releases: Sequence[Release], folder: Path, more: Sequence[str] = ()) -> Usage:
        """Build them in several rounds and say what one of those took."""
        builds = [str(release) for release in releases]
        command = ["build", *builds, "--from-source", "requested", "--rebuild", *more]
        once = self._rounds(0, command, folder / "once")
        often = self._rounds(_ROUNDS, command, folder / "often")
        spent = often - once
        return Usage(cpu=spent.cpu / _ROUNDS, wall=spent.wall / _ROUNDS)

    def _rounds(self, rounds: int, command: Sequence[str], state: Path) -> Usage:
        shutil.copytree(self._template, state, symlinks=True)
        settings = self._template.with_name("wheelyard.toml")
        module = [sys.executable, "-m", "benchmarks.warm_builder", str(rounds)]
        options = ["--target", self.target, "--state", str(state), *self.options]
        whole = [*module, "--config", str(settings), *command, *options]
        return measure(whole, log=state.with_name(f"{state.name}.log"))


class _Repeating(LocalExecutor):
    """Carries out what it is offered, and all of it again at its end."""

    rounds = 0

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        report = await super().run(offer, progress)
        self._offers = [*getattr(self, "_offers", ()), offer]
        return report

    async def close(self) -> None:
        room = asyncio.Semaphore(os.cpu_count() or 1)

        async def again(offer: Offer) -> None:
            async with room:
                report = await LocalExecutor.run(self, offer, lambda _: None)
            if report.artifact is None:
                raise RuntimeError(f"{offer.release}: {report.reason}")

        for _ in range(self.rounds):
            await asyncio.gather(*map(again, getattr(self, "_offers", ())))
        await super().close()


def _main() -> None:
    from wheelyard import wiring
    from wheelyard.cli.main import run

    _Repeating.rounds = int(sys.argv.pop(1))
    vars(wiring)["LocalExecutor"] = _Repeating
    run()


if __name__ == "__main__":
    _main()
