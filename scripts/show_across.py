"""Builds a list of packages for other machines, tries them out there, and writes the table of it.

Run it from a checkout: ``.venv/bin/python scripts/show_across.py --state DIR [--only NAME] [--write FILE]``, with ``--rebuild`` to
time what is there already.
Compilers are those of ``wheelyard platform check``. Everything else comes from the registries.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "examples" / "across"
COMMAND = (sys.executable, "-m", "wheelyard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One command: packages for some targets."""

    name: str
    packages: Sequence[str]
    targets: Sequence[str]
    options: Sequence[str] = field(default=())


_THREE = ("markupsafe", "msgpack", "cffi")
PARTS = (
    Part(
        name="aarch64",
        packages=(
            *("markupsafe", "pyyaml", "msgpack", "cffi", "psutil", "ujson"),
            *("kiwisolver", "contourpy", "levenshtein", "numpy"),
        ),
        targets=("cp311-linux_aarch64",),
    ),
    Part(name="pythons", packages=_THREE, targets=("cp39-linux_aarch64", "cp313-linux_aarch64")),
    Part(
        name="machines",
        packages=_THREE,
        targets=(
            *("cp311-linux_armv7l", "cp311-linux_i686", "cp311-linux_ppc64le"),
            *("cp311-linux_s390x", "cp313-linux_riscv64"),
        ),
    ),
    Part(
        name="zig",
        packages=("markupsafe", "msgpack", "kiwisolver"),
        targets=("cp311-manylinux_2_17_aarch64", "cp313-manylinux_2_28_riscv64"),
    ),
    Part(
        name="pyodide",
        packages=("markupsafe", "msgpack", "pyyaml", "ujson", "kiwisolver", "numpy"),
        targets=("cp313-pyodide_2025_0_wasm32",),
    ),
    Part(
        name="all",
        packages=("markupsafe", "msgpack"),
        targets=(
            *("cp311-linux_aarch64", "cp39-linux_aarch64", "cp311-linux_armv7l"),
            *("cp311-linux_i686", "cp311-linux_ppc64le", "cp311-linux_s390x"),
            *("cp313-manylinux_2_28_riscv64", "cp313-pyodide_2025_0_wasm32"),
        ),
        options=("--rebuild",),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one package for one target."""

    package: str
    target: str
    wheel: str
    seconds: float
    said: str


def main() -> int:
    """Run the parts and print the table; 1 where a wheel that was asked for is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--only", action="append", choices=[part.name for part in PARTS])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--rebuild", action="store_true", help="build what is there already")
    given = parser.parse_args()
    lines: list[Line] = []
    for part in PARTS:
        if not given.only or part.name in given.only:
            began = time.monotonic()
            lines += run(part, given.state, again=given.rebuild)
            print(f"{part.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    text = table(lines)
    print(text)
    if given.write is not None:
        given.write.write_text(text + "\n", encoding="utf-8")
    return 0 if lines and all(line.wheel for line in lines) else 1


def run(part: Part, state: Path, *, again: bool) -> Iterator[Line]:
    """Build one part, and return a line for each wheel that it asks for."""
    targets = [word for target in part.targets for word in ("--target", target)]
    command = [*COMMAND, "build", *part.packages, *targets, *part.options, "--json"]
    command += ["--from-source", "requested", "--recipes", str(RECIPES)]
    command += ["--rebuild"] if again and "--rebuild" not in command else []
    command += ["--state", str(state), "--output", str(state / "shown" / part.name)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    for text in done.stdout.splitlines():
        event = json.loads(text)
        if event.get("event") == "row" and event["requested"]:
            yield line_of(event)


def line_of(event: dict[str, dict[str, object]]) -> Line:
    """Read what became of a wheel."""
    artifact, report = event.get("artifact") or {}, event.get("report") or {}
    return Line(
        package=str(event["unit"]["release"]),
        target=str(event["unit"]["target"]),
        wheel=str(artifact.get("filename", "")),
        seconds=float(str(report.get("wall_seconds", 0))),
        said=str(event.get("ending")) if artifact else str(event.get("reason")),
    )


def table(lines: Sequence[Line]) -> str:
    """Write the lines as a table of Markdown."""
    rows = ["| package | target | platform of the wheel | seconds | |", "|---|---|---|---|---|"]
    for line in lines:
        tag = line.wheel.removesuffix(".whl").rpartition("-")[2] or "none"
        seconds = f"{line.seconds:.1f}" if line.seconds else ""
        said = "" if line.said == "built" else line.said
        rows.append(f"| {line.package} | {line.target} | {tag} | {seconds} | {said} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
