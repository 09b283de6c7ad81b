"""The whole corpus with every build tool built from source too, from nothing but a folder of sdists."""

from benchmarks.measure import Usage
from benchmarks.ours import WholeTree
from benchmarks.peers import Fromager, tree_sdists
from benchmarks.report import Aim, Report, Row, judged
from benchmarks.setting import Setting

SUBJECT, OURS, PEER = "tree from source", "wheelyard build", "fromager bootstrap"
AIMS = (
    Aim(subject=SUBJECT, runner=OURS, peer=PEER, most=0.6, clock="wall"),
    Aim(subject=SUBJECT, runner=OURS, peer=PEER, most=1.0),
)


def run(setting: Setting, report: Report) -> None:
    """Measure ``fromager bootstrap`` and ``wheelyard build`` in turns."""
    fill_sdists(setting, report)
    usages: dict[str, list[Usage]] = {}
    for turn in range(setting.repeat):
        if setting.wants("fromager"):
            report.say(f"{PEER}, {turn + 1} of {setting.repeat}")
            folder = setting.run_folder()
            usage = Fromager(setting=setting).bootstrap(setting.corpus.everything, folder)
            usages.setdefault(PEER, []).append(usage)
        if setting.wants("wheelyard"):
            report.say(f"{OURS}, {turn + 1} of {setting.repeat}")
            usages.setdefault(OURS, []).append(WholeTree(setting=setting).build_anew())
    rows = [Row(subject=SUBJECT, runner=name, usages=tuple(got)) for name, got in usages.items()]
    report.publish("tree_from_source", judged(rows, AIMS))


def fill_sdists(setting: Setting, report: Report) -> None:
    """See that there are sdists of all that the tree takes."""
    if not any(tree_sdists(setting).iterdir()):
        report.say("fetching every sdist of the tree by a first bootstrap")
        Fromager(setting=setting).prepare(setting.corpus.everything)
