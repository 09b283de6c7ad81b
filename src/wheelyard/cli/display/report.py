"""How an attempt ended, in full: outcome, steps with their times, wheel, findings, surroundings."""

from rich.console import Console

from wheelyard.cli.display.console import say
from wheelyard.cli.display.lines import excerpt, seconds
from wheelyard.model.artifact import Origin
from wheelyard.model.counted import plural
from wheelyard.model.job import Outcome, Report


def print_report(console: Console, report: Report) -> None:
    """Print how an attempt ended."""
    good = report.outcome is Outcome.BUILT
    style = "green" if good else "red"
    say_line(console, f"  outcome  {report.outcome.value} {report.reason}".rstrip(), style)
    if report.hint:
        indented = report.hint.replace("\n", "\n           ")
        say_line(console, f"  hint     {indented}")
    took = f"{seconds(report.wall_seconds)} ({seconds(report.cpu_seconds)} of processors)"
    say_line(console, f"  took     {took}")
    for step in report.steps:
        say_line(console, f"    {step.name.value:<13}{step.seconds:8.2f} s")
    if report.artifact is not None:
        what = "archive " if report.artifact.origin is Origin.COMMAND else "wheel   "
        say_line(console, f"  {what} {report.artifact.filename} ({report.artifact.size} bytes)")
        say_line(console, f"           {report.artifact.digest}")
    _print_findings(console, report)
    if report.calls.cachable:
        there = f"{report.calls.cached} of {plural(report.calls.cachable, 'compiled file')}"
        say_line(
            console, f"  cache    {there} {'was' if report.calls.cached == 1 else 'were'} there"
        )
    if report.way:
        say_line(console, f"  way      {report.way}")
    say_line(console, f"  with     {', '.join(report.environment) or 'nothing'}")
    if report.as_of:
        say_line(console, f"  tools    as of {report.as_of}, because newer ones broke the build")
    say_line(console, f"  sandbox  {', '.join(report.sandbox) or 'none'}")
    if report.system_libraries:
        say_line(console, f"  needs    {', '.join(report.system_libraries)}")
    if not good:
        for line in excerpt(report):
            say_line(console, f"  {line}", "dim")


def _print_findings(console: Console, report: Report) -> None:
    for finding in report.findings:
        text = f"  {finding.verdict.value:<8} {finding.check}: {finding.message}"
        say_line(console, text, "yellow")
    if report.irreproducible:
        difference = report.irreproducible.replace("\n", "\n    ")
        say_line(console, f"  not reproducible:\n    {difference}", "yellow")


def say_line(console: Console, text: str, style: str = "") -> None:
    """Print a line that is not folded."""
    say(console, text, style, fold=False)
