"""What jobs cost on the executor that has just built them, as on a builder that runs for weeks.

Run as ``python -m benchmarks.warm_builder ROUNDS ...`` it is ``wheelyard ...`` with an executor that
carries out every job of the run ROUNDS times more before it closes; the runner takes away the same run
with no round.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Usage
from benchmarks.ours import FromJobStart

from wheelyard.executor.local import LocalExecutor
from wheelyard.model.job import Offer, Report
from wheelyard.model.release import Release
from wheelyard.ports import Progress

_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmBuilder(FromJobStart):
    """The jobs of ``wheelyard build`` once more, when their interpreters and environments are there."""

    def build(self, releases: Sequence[Release], folder: Path) -> Usage:
        """Build them in several rounds and say what one of those took."""
        once = self._rounds(0, releases, folder / "once")
        often = self._rounds(_ROUNDS, releases, folder / "often")
        spent = often - once
        return Usage(cpu=spent.cpu / _ROUNDS, wall=spent.wall / _ROUNDS)

    def _rounds(self, rounds: int, releases: Sequence[Release], folder: Path) -> Usage:
        folder.mkdir(parents=True)
        program = (sys.executable, "-m", "benchmarks.warm_builder", str(rounds))
        return self._build(releases, self._copy(folder), "--rebuild", program=program)


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
    from wheelyard.cli.main import run
    from wheelyard.wiring import local

    _Repeating.rounds = int(sys.argv.pop(1))
    vars(local)["LocalExecutor"] = _Repeating
    run()


if __name__ == "__main__":
    _main()
