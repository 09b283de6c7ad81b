"""The scripts of a recipe, which are run around the build of its wheel, where and as the build itself is."""

from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.executor import across
from wheelyard.executor.outcomes import Stopped, failure
from wheelyard.executor.sessions import Answer

if TYPE_CHECKING:
    from wheelyard.executor.attempt import Attempt, Running, State

_EXPORTED = "exported"
_OUTPUT, _UNPACKED = "out", "unpacked"
# Not a build's own, but the shell's.
_OF_THE_SHELL = frozenset({"_", "PWD", "OLDPWD", "SHLVL", "BASH_ENV"})
_LARGEST = 1 << 20
_SHELL = (
    "/bin/sh",
    "-c",
    'command -v bash >/dev/null && exec bash -e -c "$0"; exec sh -e -c "$0"',
)
"""What recipes call a script is one for bash, where there is one."""


async def run_before(attempt: "Attempt", state: "State", running: "Running") -> None:
    """Run what comes before, and keep what it exports for the build. Raises Stopped."""
    script = attempt.offer.recipe.before
    if not script:
        return
    kept = f"{running.view.build}/{_EXPORTED}"
    call: dict[str, object] = {
        "call": "run",
        "arguments": [*_SHELL, f"{script}\nenv -0 > {kept}"],
        "folder": f"{running.view.build}/{state.project}",
    }
    given: dict[str, object] = {"environment": attempt.variables(running.view)}
    given |= across.in_the_environment(attempt, running, call)
    _judge(attempt, await running.call(given), "before")
    attempt.exported = _changed(running.folder / _EXPORTED, given["environment"])


def _changed(path: Path, plain: object) -> dict[str, str]:
    """Return the variables that a script exported; it wrote the file itself, whatever it is."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
        return {}
    pairs = (text.partition("=") for text in path.read_text(errors="replace").split("\0") if text)
    found = {name: value for name, _, value in pairs if name not in _OF_THE_SHELL}
    before = plain if isinstance(plain, dict) else {}
    return {name: value for name, value in found.items() if before.get(name) != value}


async def run_after(attempt: "Attempt", running: "Running", filename: str) -> None:
    """Run what comes after, in the unpacked wheel, which is packed again. Raises Stopped."""
    script, build = attempt.offer.recipe.after, running.view.build
    if not script:
        return
    wheel, place = f"{build}/{_OUTPUT}/{filename}", f"{build}/{_UNPACKED}"
    python = f"{running.view.environment}/bin/python"
    steps = (
        (build, (python, "-m", "zipfile", "-e", wheel, place)),
        (place, (*_SHELL, script)),
        (
            place,
            ("/bin/sh", "-c", f'rm -f "$1" && exec {python} -m zipfile -c "$1" *', "sh", wheel),
        ),
    )
    for folder, arguments in steps:
        call: dict[str, object] = {"call": "run", "arguments": list(arguments), "folder": folder}
        answer = await running.call(across.in_the_environment(attempt, running, call))
        _judge(attempt, answer, "after")


def _judge(attempt: "Attempt", answer: Answer, name: str) -> None:
    if answer.ok:
        return
    tail, usage = attempt.log.tail(), attempt.watch.usage()
    stopped: Stopped = failure(answer, tail, usage, attempt.offer.limits, attempt.shop.parts.reason)
    stopped.reason = f"the recipe's script {name!r} failed: {stopped.reason}"
    raise stopped
