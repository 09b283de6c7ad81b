"""Twelve packages, eight pure and four with C: wheelyard beside what people build wheels with today."""

import shutil
from collections.abc import Sequence

from benchmarks.measure import Usage
from benchmarks.ours import FromJobStart, Wheelyard
from benchmarks.peers import Fromager, PipWheel, PypaBuild, Runner, UvBuild
from benchmarks.report import Aim, Report, Row, judged
from benchmarks.setting import Setting
from benchmarks.warm_builder import WarmBuilder

JOBS = "wheelyard, from job start"
WARM = "wheelyard, on a warm builder"
CACHED = "wheelyard, from job start, warm ccache"
AIMS = (
    Aim(subject="pure", runner=JOBS, peer="uv build", most=0.2),
    Aim(subject="pure", runner=JOBS, peer="pip wheel", most=0.06),
    Aim(subject="pure", runner=WARM, peer="uv build", most=0.2),
    Aim(subject="pure", runner=WARM, peer="pip wheel", most=0.06),
    Aim(subject="compiled", runner=JOBS, peer="uv build", most=0.8),
    Aim(subject="compiled", runner=CACHED, peer="uv build", most=0.3),
    Aim(subject="all", runner="wheelyard build", peer="fromager build-sequence", most=0.5),
)


def run(setting: Setting, report: Report) -> None:
    """Measure everybody, in turns, so that what else the machine does falls on all alike."""
    runners = [one for one in known(setting) if setting.wants(one.name)]
    for runner in runners:
        report.say(f"preparing {runner.name}")
        runner.prepare(setting.corpus.everything)
    for subject in setting.corpus.subjects:
        rows = measure_in_turns(setting, subject, runners, report)
        report.publish("pure_and_c", judged(rows, AIMS))


def known(setting: Setting) -> list[Runner]:
    """Return every runner there is; a compiler cache is not on every machine."""
    runners: list[Runner] = [
        PipWheel(setting=setting),
        PypaBuild(setting=setting),
        UvBuild(setting=setting),
        Fromager(setting=setting),
        Wheelyard(setting=setting),
        FromJobStart(setting=setting, name=JOBS),
        WarmBuilder(setting=setting, name=WARM),
    ]
    if shutil.which("ccache"):
        cached = ("--compiler-cache", "ccache")
        runners.append(FromJobStart(setting=setting, name=CACHED, options=cached))
    return runners


def takes(runner: Runner, subject: str) -> bool:
    """Fromager is measured on the whole, as a command; jobs alone beside who builds one by one."""
    if isinstance(runner, FromJobStart):
        return subject != "all" and (runner.name != CACHED or subject == "compiled")
    return subject == "all" or not isinstance(runner, Fromager)


def measure_in_turns(
    setting: Setting, subject: str, runners: Sequence[Runner], report: Report
) -> list[Row]:
    """Run each once, then each again."""
    runners = [runner for runner in runners if takes(runner, subject)]
    usages: dict[str, list[Usage]] = {runner.name: [] for runner in runners}
    for turn in range(setting.repeat):
        for runner in runners:
            report.say(f"{subject}: {runner.name}, {turn + 1} of {setting.repeat}")
            folder = setting.run_folder()
            usages[runner.name].append(runner.build(setting.corpus.subjects[subject], folder))
    return [Row(subject=subject, runner=name, usages=tuple(got)) for name, got in usages.items()]
