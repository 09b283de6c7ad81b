"""Four targets beside one: what is not about a target must cost once.

A pure wheel ends the work of a release for all of them, so for those it is a matter of processor seconds.
What is compiled is built for each; there it is counted, from an index that we serve and from the events of the run,
how often a source was fetched, read and unpacked.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.counting_index import counting_index
from benchmarks.measure import BenchmarkError, Usage
from benchmarks.ours import Wheelyard, wheelyard
from benchmarks.report import Aim, Report, Row, Verdict, judged
from benchmarks.setting import Setting

from wheelyard.upstream.installers import default_index

PURE, COMPILED = "pure", "compiled"
MOST = 1.2


def run(setting: Setting, report: Report) -> None:
    """Measure what is pure, and count for what is compiled."""
    report.publish("targets", of_pure(setting, report))
    report.publish("targets", of_compiled(setting, report))


def of_pure(setting: Setting, report: Report) -> list[Row]:
    """Measure one target and all of them in turns."""
    chosen = (setting.targets[:1], setting.targets)
    runners = [
        Wheelyard(setting=setting, name=named(targets), targets=targets) for targets in chosen
    ]
    usages: dict[str, list[Usage]] = {runner.name: [] for runner in runners}
    for runner in runners:
        report.say(f"preparing {runner.name}")
        runner.prepare(setting.corpus.pure)
    for turn in range(setting.repeat):
        for runner in runners:
            report.say(f"{PURE}: {runner.name}, {turn + 1} of {setting.repeat}")
            usages[runner.name].append(runner.build(setting.corpus.pure, setting.run_folder()))
    rows = [Row(subject=PURE, runner=name, usages=tuple(got)) for name, got in usages.items()]
    one, several = runners
    return judged(rows, [Aim(subject=PURE, runner=several.name, peer=one.name, most=MOST)])


def of_compiled(setting: Setting, report: Report) -> list[Row]:
    """Build from nothing for all targets once, and count."""
    setting.corpus.sdists(setting.corpus.compiled)
    report.say(f"{COMPILED}: counting in a run for {len(setting.targets)} targets")
    folder = setting.run_folder()
    with counting_index(setting.corpus.folder) as index:
        arguments = [*map(str, setting.corpus.compiled), "--from-source", "requested", "--json"]
        arguments += ["--index", index.url, "--index", default_index()]
        for target in setting.targets:
            arguments += ["--target", target]
        log = folder / "events"
        usage = wheelyard(setting, arguments, state=folder / "state", log=log)
    events = read_events(log)
    counted = {
        "fetched": index.fetched,
        "read and planned": times(events, "source-inspected", lambda event: event["release"]),
        "unpacked": times(
            (event for event in events if event.get("step") == "unpack"),
            "step-began",
            lambda event: event["unit"]["release"],
        ),
    }
    nothing = [what for what, found in counted.items() if not found]
    if nothing:
        raise BenchmarkError(f"nothing was {nothing[0]}, as {log} has it")
    verdicts = tuple(
        Verdict(what=f"{what}, a source", unit="times", found=max(found.values()), most=1)
        for what, found in counted.items()
    )
    return [
        Row(subject=COMPILED, runner=named(setting.targets), usages=(usage,), verdicts=verdicts)
    ]


def named(targets: tuple[str, ...]) -> str:
    """Say for how many targets it is."""
    return f"wheelyard, {len(targets)} target{'' if len(targets) == 1 else 's'}"


def read_events(log: Path) -> list[dict[str, Any]]:
    """Return what ``--json`` printed; what came on the other stream is no JSON."""
    lines = log.read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def times(
    events: Iterable[dict[str, Any]], kind: str, name: Callable[[dict[str, Any]], str]
) -> Counter[str]:
    """Count the events of a kind by a name of theirs."""
    return Counter(name(event) for event in events if event["event"] == kind)
