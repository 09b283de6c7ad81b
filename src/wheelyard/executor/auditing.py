"""auditwheel, in a process of its own.

It changes its working folder, which all threads share, and remembers each wheel that it saw; so
neither it nor its memory belongs into a builder that runs for weeks. Started as
``python -m wheelyard.executor.auditing``, it reads a question and writes an answer, both JSON.
"""

import json
import logging
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from auditwheel.architecture import Architecture
from auditwheel.error import AuditwheelError, NonPlatformWheelError
from auditwheel.lddtree import LIBPYTHON_RE
from auditwheel.libc import Libc
from auditwheel.patcher import ElfPatcher
from auditwheel.policy import Policy, WheelPolicies
from auditwheel.repair import repair_wheel
from auditwheel.wheel_abi import WheelAbIInfo, analyze_wheel_abi

from wheelyard.executor.elf import ElfFile, elf_members, read_elf
from wheelyard.executor.retag import retag

_FLOOR = re.compile(r"[a-z]+_(\d+)_(\d+)_\w+")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A wheel, and the platform that it should fit: a C library, a processor and, maybe, a floor."""

    wheel: str
    out_dir: str
    libc: str
    arch: str
    floor: tuple[int, int] | None = None
    libraries: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Answer:
    """What became of the wheel.

    ``path`` is empty where nothing was written; ``problem`` says why the wheel is not for that
    platform, ``lacking`` names a program that is not there.
    """

    path: str = ""
    platform_tag: str = ""
    bundled: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)
    problem: str = ""
    lacking: str = ""


def audit(question: Question) -> Answer:
    """Find the oldest platform that a wheel runs on, and make it run there."""
    wheel = Path(question.wheel)
    if question.libraries:
        # Only now: it is auditwheel that looks there, and not the loader of this process.
        os.environ["LD_LIBRARY_PATH"] = ":".join(question.libraries)
    try:
        policies = WheelPolicies(libc=Libc(question.libc), arch=Architecture(question.arch))
        promised = _promised(policies, question.floor)
        abi = analyze_wheel_abi(
            policies.libc,
            policies.architecture,
            wheel,
            frozenset(),
            disable_isa_ext_check=False,
            allow_graft=True,
            requested_policy_base_name=promised.name.removesuffix(f"_{question.arch}"),
        )
    except NonPlatformWheelError:
        return Answer(problem=f"holds no ELF file for {question.libc} on {question.arch}")
    except (AuditwheelError, ValueError, RuntimeError) as error:
        return Answer(problem=f"is nothing for auditwheel ({str(error).partition(chr(10))[0]})")
    members = _members(wheel)
    chosen = abi.overall_policy
    libraries = _libraries(abi, chosen)
    needed = {name for elf in members.values() for name in elf.needed}
    own = {Path(name).name for name in members} | {elf.soname for elf in members.values()}
    answer = Answer(external=sorted(needed - own), platform_tag=chosen.name)
    answer.problem = _problem(question, abi, promised, members)
    if not answer.problem:
        _write(question, abi, libraries, answer)
    return answer


def _promised(policies: WheelPolicies, floor: tuple[int, int] | None) -> Policy:
    """Return the newest policy that is not above the floor; without a floor, the newest of all."""
    below = [
        policy
        for policy in policies
        if policy != policies.linux and (floor is None or _version(policy) <= floor)
    ]
    # The priority of the newest policy is the lowest.
    return min(below, default=policies.highest)


def _version(policy: Policy) -> tuple[int, int]:
    match = _FLOOR.fullmatch(policy.name)
    return (int(match[1]), int(match[2])) if match else (sys.maxsize, 0)


def _libraries(abi: WheelAbIInfo, policy: Policy) -> dict[str, Path | None]:
    """Return the libraries outside of the wheel that the policy does not promise, by name."""
    return {
        name: path
        for references in abi.full_external_refs.values()
        for name, path in references[policy.name].libs.items()
    }


def _members(wheel: Path) -> dict[str, ElfFile]:
    with zipfile.ZipFile(wheel) as archive:
        read = ((name, read_elf(content)) for name, content in elf_members(archive))
        return {name: elf for name, elf in read if elf is not None}


def _problem(
    question: Question, abi: WheelAbIInfo, promised: Policy, members: dict[str, ElfFile]
) -> str:
    """Say why the wheel cannot be for the platform; empty where it can."""
    chosen, linux = abi.overall_policy, abi.policies.linux
    libraries = _libraries(abi, promised if chosen == linux else chosen)
    lost = [name for name, path in libraries.items() if path is None and not _is_python(name)]
    if lost:
        return f"needs {', '.join(sorted(lost))}, which is nowhere on this machine"
    if chosen != linux and (question.floor is None or _version(chosen) <= question.floor):
        return ""
    if _fits_unlisted_floor(question, abi, members, libraries):
        return ""
    newer = "; ".join(_newer(promised, members, libraries))
    if newer:
        return f"needs {newer}"
    if abi.machine_policy < promised:
        return f"needs a processor with more than every {question.arch} has"
    if abi.blacklist_policy < promised:
        symbols = abi.external_refs[promised.name].blacklist
        return "needs symbols that no wheel may rely on: " + ", ".join(
            f"{name} of {library}" for library, names in symbols.items() for name in names
        )
    return f"needs {chosen.name}"


def _fits_unlisted_floor(
    question: Question,
    abi: WheelAbIInfo,
    members: dict[str, ElfFile],
    libraries: dict[str, Path | None],
) -> bool:
    """Tell whether a wheel runs on a C library older than any that auditwheel has a policy for (riscv64: 2.31).

    PEP 600 defines every version. What auditwheel's oldest policy allows is still all that is allowed, and of the C++
    library nothing is known there: only symbols of the C library, each no newer than the floor, tell it.
    """
    floor, oldest = question.floor, min(_version(one) for one in abi.policies)
    if floor is None or floor >= oldest or _version(abi.overall_policy) != oldest:
        return False
    elves = [*members.values()]
    elves += [elf for path in libraries.values() if path and (elf := read_elf(path.read_bytes()))]
    wanted = {version.partition("_") for elf in elves for version in elf.versions}
    kinds = {kind for kind, _, _ in wanted}
    versions = [tuple(map(int, number.split("."))) for kind, _, number in wanted if kind == "GLIBC"]
    return kinds <= {"GLIBC"} and all(version <= floor for version in versions)


def _is_python(name: str) -> bool:
    return LIBPYTHON_RE.match(name) is not None


def _newer(
    promised: Policy, members: dict[str, ElfFile], libraries: dict[str, Path | None]
) -> Iterator[str]:
    """Name the files that want symbol versions which the platform does not promise."""
    files = dict(members)
    for name, path in libraries.items():
        elf = read_elf(path.read_bytes()) if path is not None else None
        if elf is not None:
            files[name] = elf
    places: dict[str, list[str]] = {}
    for name, elf in files.items():
        beyond = [version for version in elf.versions if _is_beyond(promised, version)]
        if beyond:
            places.setdefault(max(beyond, key=_sorting), []).append(name)
    for version in sorted(places, key=_sorting, reverse=True)[:_MOST_NAMED]:
        yield f"{version} (in {', '.join(sorted(places[version])[:_MOST_NAMED])})"


def _is_beyond(promised: Policy, version: str) -> bool:
    prefix, _, number = version.partition("_")
    allowed = promised.symbol_versions.get(prefix)
    return allowed is not None and number not in allowed


def _sorting(version: str) -> tuple[str, list[int]]:
    return version.partition("_")[0], [int(part) for part in re.findall(r"\d+", version)]


def _write(
    question: Question, abi: WheelAbIInfo, libraries: dict[str, Path | None], answer: Answer
) -> None:
    wheel, out_dir = Path(question.wheel), Path(question.out_dir)
    if libraries and shutil.which("patchelf") is None:
        answer.lacking = "patchelf"
        return
    tags = _tags(question, abi)
    answer.platform_tag = tags[0]
    retagged = retag(wheel, out_dir, tags)
    if libraries:
        _bundle(retagged, abi, tags)
        answer.bundled = sorted(name for name in libraries if not _is_python(name))
        gone = set(libraries)
        answer.external = [name for name in answer.external if name not in gone]
    answer.path = str(retagged)


def _tags(question: Question, abi: WheelAbIInfo) -> list[str]:
    chosen = abi.overall_policy
    if question.floor is not None and question.floor < _version(chosen):
        major, minor = question.floor
        return [f"manylinux_{major}_{minor}_{question.arch}"]
    return [chosen.name, *chosen.aliases]


def _bundle(wheel: Path, abi: WheelAbIInfo, tags: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        year, month, day, hour, minute, second = archive.infolist()[0].date_time
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    os.environ["SOURCE_DATE_EPOCH"] = str(int(moment.timestamp()))
    whole = wheel.parent / "bundled"
    whole.mkdir()
    repaired = repair_wheel(
        abi,
        wheel,
        abis=tags,
        lib_sdir=".libs",
        out_dir=whole,
        update_tags=False,
        patcher=ElfPatcher.get_patcher("patchelf", tags[0]),
        strip=False,
        zip_compression_level=0,  # as in retag
    )
    if repaired is not None:
        repaired.replace(wheel)
    whole.rmdir()


def main() -> None:
    """Answer the question on standard input."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    asked = json.loads(sys.stdin.read())
    floor = asked.pop("floor", None)
    question = Question(**asked, floor=tuple(floor) if floor else None)
    # Programs that auditwheel runs may write, too.
    answer_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.umask(0o022)
    json.dump(asdict(audit(question)), answer_to)
    answer_to.close()


if __name__ == "__main__":
    main()
