"""The live display of a terminal: a line a running job, a bar with an estimate."""

from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wheelyard.cli.display.console import say
from wheelyard.cli.display.lines import line_of, name, seconds, started
from wheelyard.cli.display.neutral import neutral
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import (
    CommandsCaught,
    JobEnded,
    JobStarted,
    OutputPrinted,
    RunEvent,
    StepBegan,
)
from wheelyard.plan.events import UnitId

_REFRESH_PER_SECOND = 8
_MOST_WAITS = 3


class LiveDisplay:
    """Shows what runs now, and lets what ended scroll by above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[UnitId, str] = {}
        self._output: dict[UnitId, str] = {}
        self._waits: Sequence[str] = ()
        self._standing: Callable[[], Standing] | None = None
        self._live = Live(
            self,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self, standing: Callable[[], Standing]) -> None:
        """Begin to draw; ``standing`` is asked at each refresh."""
        self._standing = standing
        self._live.start()

    def stop(self) -> None:
        """Leave the terminal as it was, with the lines that scrolled by."""
        self._standing = None
        self._live.stop()

    def waiting(self, sentences: Sequence[str]) -> None:
        """Show what is waited for, until something else is or nothing."""
        self._waits = sentences

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        match event:
            case JobStarted():
                self._steps[event.unit] = "starting"
                self._output.pop(event.unit, None)
            case StepBegan():
                self._steps[event.unit] = event.step.value
            case OutputPrinted():
                self._output[event.unit] = event.line
            case CommandsCaught():
                self._steps[event.unit] = f"build, {event.caught.compiled} compiled"
                self._output[event.unit] = event.caught.what
            case JobEnded():
                self._steps.pop(event.unit, None)
                self._output.pop(event.unit, None)
        # Before there is a run to draw, what is built for its sake would go by unseen.
        if isinstance(event, JobStarted) and self._standing is None:
            line: tuple[str, str] | None = (started(event), "")
        else:
            line = line_of(event)
        if line is not None:
            text, colour = line
            say(self._console, text, colour)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._standing is None:
            return
        standing = self._standing()
        jobs = Table.grid(padding=(0, 2))
        for unit, took in sorted(standing.running.items(), key=lambda item: -item[1]):
            jobs.add_row(
                Text(name(unit), style="bold"),
                Text(self._steps.get(unit, "starting"), style="cyan"),
                Text(seconds(took)),
                Text(
                    neutral(self._output.get(unit, "")).expandtabs().replace("\n", " "),
                    style="dim",
                    no_wrap=True,
                    overflow="ellipsis",
                ),
            )
        bar = Table.grid(padding=(0, 2))
        bar.add_row(
            ProgressBar(total=max(standing.units, 1), completed=standing.settled, width=40),
            f"{standing.settled} of {standing.units}",
            f"about {seconds(standing.seconds_left)} left" if standing.units else "resolving",
        )
        waits = [] if standing.running else [Text(neutral(one)) for one in _first(self._waits)]
        yield Group(jobs, *waits, bar)


class PlainDisplay:
    """Prints a line where something happened."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self, standing: Callable[[], Standing]) -> None:
        """Begin; there is nothing to draw between events."""

    def stop(self) -> None:
        """End."""

    def waiting(self, sentences: Sequence[str]) -> None:
        """Print what is waited for now."""
        for sentence in _first(sentences):
            say(self._console, f"waiting: {sentence}", fold=False)

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        line = (started(event), "") if isinstance(event, JobStarted) else line_of(event)
        if line is not None:
            say(self._console, line[0], fold=False)


def _first(sentences: Sequence[str]) -> Sequence[str]:
    more = len(sentences) - _MOST_WAITS
    return [*sentences[:_MOST_WAITS], *([f"and {more} more"] if more > 0 else [])]
