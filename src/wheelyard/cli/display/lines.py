"""One line of text an event, for pipes and for the scrolling part of the live display."""

from wheelyard.coordinator.story import (
    BuildRetriedOlder,
    BuildSentAnotherWay,
    CycleBroken,
    JobAwaited,
    JobDelayed,
    JobEnded,
    JobHeld,
    JobStarted,
    RunEvent,
    SourceAsked,
    TargetResolved,
    UnitProvided,
)
from wheelyard.model.counted import plural
from wheelyard.model.job import Outcome, Report, Verdict
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import Provision
from wheelyard.targets.interpreter import ANY

GOOD, BAD, NOTE = "green", "red", "yellow"
_LINES_BESIDE_A_HINT = 8


def seconds(value: float) -> str:
    """Write a time as people read it."""
    if value < 10:  # noqa: PLR2004 - below ten seconds a decimal tells something
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def excerpt(report: Report) -> tuple[str, ...]:
    """Return the lines of a log that a failure is shown with: few, where it is clear what to do."""
    lines = report.detail.splitlines()
    return tuple(lines[-_LINES_BESIDE_A_HINT:] if report.hint else lines)


def name(unit: UnitId) -> str:
    """Write a unit as ``six 1.17.0 cp312``."""
    target = unit.target
    shown = target.platform if target.interpreter == ANY else target.interpreter
    return f"{unit.release.project} {unit.release.version} {shown}"


def line_of(event: RunEvent) -> tuple[str, str] | None:
    """Return a line and its colour, or None for what is not worth one."""
    match event:
        case TargetResolved():
            return _resolved(event)
        case SourceAsked():
            text = f"asking   {event.name}: it says what it is only when it is asked"
            return f"{text}; its build requirements are built first", ""
        case CycleBroken():
            return str(event.broken), NOTE
        case JobEnded():
            return _ended(event)
        case JobAwaited():
            return f"awaited  {name(event.unit)}: another run is building it", NOTE
        case JobDelayed():
            wait = f"tried again in {seconds(event.seconds)}, because of {event.reason}"
            return f"delayed  {name(event.unit)}: {wait}", NOTE
        case JobHeld():
            said = event.report.reason.removeprefix("held: ")
            return f"held     {name(event.unit)}: {said}\n  {event.report.hint}", NOTE
        case BuildRetriedOlder() | BuildSentAnotherWay():
            return f"again    {name(event.unit)}: {_how(event)}", NOTE
        case UnitProvided(provision=Provision.UPSTREAM):
            return f"upstream {name(event.unit)}: {event.artifact.filename}", ""
    return None


def _how(event: BuildRetriedOlder | BuildSentAnotherWay) -> str:
    if isinstance(event, BuildRetriedOlder):
        return f"with build requirements as of {event.day}"
    return f"{event.way.kind}, {event.way.why}"


def started(event: JobStarted) -> str:
    """Say that an attempt began."""
    usually = ""
    if event.expected_seconds is not None:
        usually = f", usually {seconds(event.expected_seconds)}"
    return f"building {name(event.unit)} (attempt {event.attempt}{usually})"


def _resolved(event: TargetResolved) -> tuple[str, str]:
    """Say how much there is; what was left out, and why, is said once, in the end."""
    text = f"resolved {event.target}: {plural(event.releases, 'release')}"
    if event.exclusions:
        text += f", {len(event.exclusions)} left out"
    return text, NOTE if event.exclusions else ""


def _ended(event: JobEnded) -> tuple[str, str] | None:
    report, unit = event.report, event.unit
    took = seconds(report.wall_seconds)
    if report.outcome is Outcome.NEEDS:
        return f"asks     {name(unit)}: its back end needs {', '.join(report.needs)}", ""
    if report.outcome is not Outcome.BUILT or report.artifact is None:
        again = f"; again in {seconds(event.again_in)}" if event.again_in is not None else ""
        return f"{report.outcome:<8} {name(unit)}: {report.reason} ({took}){again}", BAD
    text = f"built    {name(unit)}: {report.artifact.filename} ({took})"
    if event.bootstrap:
        text += " with a seed; will be built again"
    colour = GOOD
    for finding in report.findings:
        if finding.verdict is not Verdict.ACCEPT:
            text += f"\n  {finding.verdict}: {finding.check}: {finding.message}"
            colour = NOTE
    if report.irreproducible:
        text += "\n  not reproducible:\n    " + report.irreproducible.replace("\n", "\n    ")
        colour = NOTE
    return text, colour
