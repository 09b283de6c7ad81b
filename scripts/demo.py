"""The demonstration: a small real tree from source for each Python here, installed with pip and run.

Standard library only; everything that matters happens in the ``wheelyard`` command and in pip.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
WHEELYARD = Path(sys.executable).parent / "wheelyard"
REQUIREMENTS = ("markupsafe", "jinja2", "rich")
MOST_TARGETS = 3

USE_IT = """
import sys
import jinja2, markupsafe
from rich.console import Console
from rich.table import Table

table = Table("package", "version", title="Python %d.%d runs what was built here" % sys.version_info[:2])
from importlib.metadata import version
for name in ("jinja2", "markupsafe", "rich"):
    table.add_row(name, version(name))
page = jinja2.Template("{{ word | escape }}").render(word="<from source>")
compiled = markupsafe._escape_inner.__module__
table.add_row("a rendered template", page)
table.add_row("markupsafe's escape is from", compiled)
Console(width=72).print(table)
assert compiled == "markupsafe._speedups", compiled
"""


class DemoError(Exception):
    """A step that did not do what it should; the text is for people."""


@dataclass(frozen=True)
class Python:
    """A Python of this machine: the target's name, and where it lies."""

    target: str
    executable: str
    version: tuple[int, int]

    @property
    def short(self) -> str:
        return self.target.partition("-")[0]


def main() -> int:
    started = time.monotonic()
    os.chdir(ROOT)
    try:
        pythons = step_find()
        step_build(pythons)
        environment = step_install(pythons[-1])
        step_use(environment)
    except DemoError as error:
        say(f"\nThe demonstration stopped: {error}")
        return 1
    say(f"\nDone in {time.monotonic() - started:.0f} s. What to do next:")
    say(f"  {shown([*build_command(pythons), '--json'])}    # again: nothing is built twice")
    say("  .venv/bin/wheelyard target list")
    say("  .venv/bin/wheelyard plan flask --target " + pythons[-1].short)
    say("  .venv/bin/wheelyard index serve --state demo/state --port 8000")
    say("  docs/tutorial/first-tree.md walks through it slowly.")
    return 0


def step_find() -> list[Python]:
    heading(1, "Which Pythons are here?")
    listed = json.loads(run([WHEELYARD, "target", "list", "--json"], capture=True))
    found = [
        Python(target["target"], target["executable"], version(target["version"]))
        for target in listed["targets"]
        if is_stable_cpython(target) and target["executable"] and not target["missing"]
    ]
    if not found:
        raise DemoError(
            "no Python was found that can build.\n"
            "  'wheelyard target list' says what each of them lacks (often python3-dev)."
        )
    newest = sorted(found, key=lambda python: python.version)[-MOST_TARGETS:]
    say(f"{len(found)} that can build; taking {', '.join(python.short for python in newest)}")
    return newest


def is_stable_cpython(target: dict[str, str]) -> bool:
    interpreter = target["target"].partition("-")[0]
    return interpreter.removeprefix("cp").isdigit() and target["version"].replace(".", "").isdigit()


def version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def step_build(pythons: Sequence[Python]) -> None:
    heading(2, "Build a tree, and all that it takes to build it, from upstream's sources")
    run(build_command(pythons))
    if not (DEMO / "wheelhouse" / "simple" / "index.html").is_file():
        raise DemoError("the build left no index in demo/wheelhouse/simple")


def build_command(pythons: Sequence[Python]) -> list[str | Path]:
    targets = [word for python in pythons for word in ("--target", python.short)]
    places = ["--output", "demo/wheelhouse", "--state", "demo/state"]
    return [WHEELYARD, "build", *REQUIREMENTS, *targets, *places]


def step_install(python: Python) -> Path:
    heading(3, f"Install it with pip on {python.short}, from that index and from nowhere else")
    environment = DEMO / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    run([uv, "venv", "--quiet", "--no-project", "--python", python.executable, environment])
    index = (DEMO / "wheelhouse" / "simple").as_uri()
    command: list[str | Path] = [sys.executable, "-m", "pip", "--isolated"]
    command += ["--python", environment / "bin" / "python", "install", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--index-url", index]
    told = run([*command, *REQUIREMENTS], capture=True, environment=without_pip_settings())
    for line in told.splitlines():
        if line.startswith(("Looking in", "Successfully installed")):
            say(line)
    return environment


def without_pip_settings() -> dict[str, str]:
    """Leave out what could bring pip to another index or folder; --isolated skips its files too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


def step_use(environment: Path) -> None:
    heading(4, "Use it")
    run([environment / "bin" / "python", "-c", USE_IT], show=False)


def run(
    command: Sequence[str | Path],
    *,
    capture: bool = False,
    show: bool = True,
    environment: dict[str, str] | None = None,
) -> str:
    """Run a command where its output can be seen. Raises DemoError."""
    if show:
        say(f"$ {shown(command)}")
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        env=environment,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"the command above ended with exit code {done.returncode}.")
    return done.stdout or ""


def shown(command: Sequence[str | Path]) -> str:
    return shlex.join(str(word).removeprefix(f"{ROOT}{os.sep}") for word in command)


def heading(number: int, text: str) -> None:
    say(f"\n== {number} of 4: {text}")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
