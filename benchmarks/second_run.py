"""The whole tree once more with nothing changed: what it costs to find that there is nothing to do."""

from benchmarks.ours import WholeTree
from benchmarks.report import Aim, Report, Row, judged
from benchmarks.setting import Setting
from benchmarks.tree_from_source import fill_sdists

SUBJECT, OURS = "nothing changed", "wheelyard build"
AIMS = (Aim(subject=SUBJECT, runner=OURS, most=1.0, clock="wall"),)


def run(setting: Setting, report: Report) -> None:
    """Build what is missing, unmeasured; then ask again and again."""
    fill_sdists(setting, report)
    tree = WholeTree(setting=setting)
    report.say("preparing: building what is not there yet")
    tree.build(tree.kept)
    usages = []
    for turn in range(setting.repeat):
        report.say(f"{SUBJECT}, {turn + 1} of {setting.repeat}")
        usages.append(tree.build(tree.kept))
    row = Row(subject=SUBJECT, runner=OURS, usages=tuple(usages))
    report.publish("second_run", judged([row], AIMS))
